"""The REST API, as programs use it."""
