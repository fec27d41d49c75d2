"""Loaded before the settings are: gives the tests a data folder and a PostgreSQL of their own."""

import gc
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

_DATA = Path(__file__).resolve().parents[2] / ".data" / "test"
os.environ.setdefault("DATA_DIR", str(_DATA))

# The tests' database needs to survive nothing.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Nor need the passwords of the tests withstand anybody.
_QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
_held = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Hold the server up, unless DATABASE_URL names another."""
    from django.conf import settings

    from config import postgres

    settings.PASSWORD_HASHERS = _QUICK_HASHERS
    # Each client of Django's would walk through all style sheets first; tests of those ask a real process.
    settings.WHITENOISE_USE_FINDERS = False
    if settings.EMBEDDED_POSTGRES is not None:
        _held.enter_context(postgres.running(settings.EMBEDDED_POSTGRES, options=_FAST))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of it; the last one out stops it."""
    _held.close()


def pytest_collection_finish() -> None:
    """Let the collector look through new objects alone, and seldom: that takes a tenth of all CPU away."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
