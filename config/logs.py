"""Logging to standard error: lines for a person at a terminal, JSON for a machine."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRETS_OF_LINKS = re.compile(r"(/invitations/|/password/reset/[^/\s]+/)[^/\s]+")
"""Secrets in paths, which Django logs for failed requests and readers of logs could use."""


def without_secrets_of_links(logger: Any, name: str, event: EventDict) -> EventDict:
    """A structlog processor that removes secrets from paths in the event."""
    return {**event, "event": _SECRETS_OF_LINKS.sub(r"\1…", str(event["event"]))}


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    without_secrets_of_links,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


_LEAST_LEVELS = {
    # A line for each job would hide what matters: the tick alone runs every second.
    "procrastinate": "WARNING",
    # It logs every URL it calls, including signed links.
    "httpx": "WARNING",
    # It logs each log-in and each cleanup of its records; lockouts are warnings.
    "axes": "WARNING",
    # It logs every 4xx as a warning.
    "django.request": "ERROR",
    # Anybody can send a foreign host name; it is answered with a 400.
    "django.security.DisallowedHost": "CRITICAL",
    # Anybody can send a form that is too large.
    "django.security.RequestDataTooBig": "CRITICAL",
}
"""Minimum levels of other packages' loggers."""


def configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's `LOGGING` for that level; also configures structlog to log through it."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": least} for name, least in _LEAST_LEVELS.items()},
    }
