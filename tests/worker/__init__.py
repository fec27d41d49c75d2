"""The jobs, their steps and their crashes."""
