"""Which PostgreSQL the settings name, and the embedded one held up where they name none."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from config import postgres


@contextmanager
def available() -> Iterator[None]:
    """Hold the database up while the block runs: the embedded server, unless `DATABASE_URL` names another."""
    if settings.EMBEDDED_POSTGRES is None:
        yield
        return
    with postgres.running(settings.EMBEDDED_POSTGRES):
        yield
