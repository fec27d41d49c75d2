"""The ASGI application, for Granian; `config.edge.server` starts it as it should be started."""

import gc
import os
import resource
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.edge.application import Application

_MOST_OPEN_FILES = 65_536
STATEMENT_SECONDS = 30


def _django() -> Application:
    from django.conf import settings
    from django.core.checks import run_checks

    from config import checks, database
    from config.edge.connections import Connections
    from config.wsgi import application as wsgi

    checks.end_if_serious(run_checks())  # no server starts on a bad configuration
    database.limit_statements(STATEMENT_SECONDS)
    database.must_answer()
    _allow_many_files()
    gc.freeze()  # what is there now stays; looking through it again would only hold requests up
    # So often do threads that compute make way for the event loop. With Python's own 5 ms, a crowd of slow
    # connections holds others up for 430 ms (p99); with this for 86 to 147. With 1 ms, reads become slower.
    sys.setswitchinterval(0.003)
    return Application(
        wsgi,
        threads=settings.API_THREADS,
        max_body=settings.MAX_BODY_BYTES,
        connections=Connections(settings.CONNECTIONS_PER_ADDRESS),
        http_2=settings.HTTP_2,
    )


def _allow_many_files() -> None:
    """Each connection is an open file, of which a shell often allows a process only 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _MOST_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


application = _django()
