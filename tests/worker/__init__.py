"""Tests of the worker's jobs and crashes."""
