"""The ASGI application for Granian, which `config.edge.server` starts."""

import gc
import os
import resource
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.edge.application import Application

_MOST_OPEN_FILES = 65_536
STATEMENT_SECONDS = 30
_COLLECTED_AFTER = (20_000, 20, 50)
"""Objects, or collections of the younger generation, after which a generation of garbage is collected."""


def _django() -> Application:
    from django.conf import settings
    from django.core.checks import run_checks
    from django.utils.module_loading import import_string

    from config import checks, database
    from config.edge.connections import Connections
    from config.edge.limits import BodyLimits
    from config.wsgi import application as wsgi

    checks.exit_on_errors(run_checks())  # no server starts on a bad configuration
    database.limit_statements(STATEMENT_SECONDS)
    database.use_generic_plans()
    database.check_connection()
    _allow_many_files()
    # How often computing threads yield to the event loop. With Python's own 5 ms, many slow connections delay
    # others by 430 ms (p99), with this by 86 to 147 ms. With 1 ms, reads become slower.
    sys.setswitchinterval(0.003)
    served = Application(
        wsgi,
        threads=settings.API_THREADS,
        limits=BodyLimits(
            max_body=settings.MAX_BODY_BYTES,
            max_picture=settings.MAX_PICTURE_FORM_BYTES if settings.UPLOADS else 0,
            max_form=settings.MAX_FORM_BYTES if settings.UPLOADS else 0,
            max_upload=settings.MAX_UPLOAD_BYTES if settings.UPLOADS else settings.MAX_BODY_BYTES,
        ),
        connections=Connections(settings.CONNECTIONS_PER_ADDRESS),
        http_2=settings.HTTP_2,
        lanes=import_string(settings.LANES)() if settings.LANE else None,
        reword=import_string(settings.SIGNED_API_WORDS),
    )
    # What is loaded now stays; collecting it again would only delay requests. Nearly all garbage of a request
    # is freed without the collector.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    return served


def _allow_many_files() -> None:
    """Raise the limit on open files: each connection is one, and a shell often allows only 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _MOST_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


application = _django()
