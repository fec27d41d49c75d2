"""Pytest plugin loaded before the settings: gives the tests their own data folder and PostgreSQL."""

import gc
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

_DATA = Path(__file__).resolve().parents[2] / ".data" / "test"
os.environ.setdefault("DATA_DIR", str(_DATA))

# The test database need not survive a crash, nor be tidied up or copied to a replica.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_FAST |= {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}
# Nor do passwords need strong hashes.
_QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
_held = ExitStack()

# Nothing of what is imported and collected becomes garbage.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Start the embedded server unless DATABASE_URL is set; the first of several processes prepares more."""
    import hypothesis
    from django.conf import settings

    from config import postgres
    from tests.support.first_run import prepare

    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        prepare(config)
    # No test asserts how long something takes.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")
    settings.PASSWORD_HASHERS = _QUICK_HASHERS
    # Otherwise each test client would scan all static files; tests of those use a real process.
    settings.WHITENOISE_USE_FINDERS = False
    if settings.EMBEDDED_POSTGRES is not None:
        _held.enter_context(postgres.running(settings.EMBEDDED_POSTGRES, options=_FAST))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last process to leave stops the server."""
    _held.close()


def pytest_collection_finish() -> None:
    """Make garbage collection rare and limited to new objects, which saves a tenth of all CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
