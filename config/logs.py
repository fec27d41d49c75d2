"""Logs to standard error: lines for a person at a terminal, JSON for a machine."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRETS_OF_LINKS = re.compile(r"(/invitations/|/password/reset/[^/\s]+/)[^/\s]+")
"""What whoever reads a log could use; Django writes the paths of requests that failed."""


def without_secrets_of_links(logger: Any, name: str, event: EventDict) -> EventDict:
    """The event, with the paths in it cut short."""
    return {**event, "event": _SECRETS_OF_LINKS.sub(r"\1…", str(event["event"]))}


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    without_secrets_of_links,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


_LEAST_LEVELS = {
    # A line for each job would drown what matters: one tick alone runs every second.
    "procrastinate": "WARNING",
    # Every URL it called, signed links among them.
    "httpx": "WARNING",
    # Each log-in, and each time its records are tidied; what it locks out is a warning.
    "axes": "WARNING",
    # Refusals are answered, not logged as warnings.
    "django.request": "ERROR",
    # Anybody can send a foreign host name; it is answered with a 400.
    "django.security.DisallowedHost": "CRITICAL",
    # Nor is a form that is too large anything of ours.
    "django.security.RequestDataTooBig": "CRITICAL",
}
"""What is logged of others, at least that bad."""


def configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's `LOGGING` for that level; also points structlog's own loggers there."""
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
