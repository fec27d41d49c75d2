"""Bad configuration, found before it does harm."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def database_is_postgresql(**_: Any) -> Sequence[CheckMessage]:
    """Row locks, partial indexes, SKIP LOCKED and the job queue need PostgreSQL."""
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        return []
    return [
        Error(
            "DATABASE_URL does not name a PostgreSQL server.",
            hint="Use postgres://user:password@host:5432/name, or unset it for the embedded server.",
            id="reelay.E001",
        )
    ]


@register()
def secrets_are_configured(**_: Any) -> Sequence[CheckMessage]:
    """Secrets made up on one machine do not reach the others that share its database."""
    if settings.EMBEDDED_POSTGRES is not None:
        return []
    generated = {
        "SECRET_KEY": settings.SECRET_KEY_GENERATED,
        "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS_GENERATED,
    }
    return [
        Error(
            f"DATABASE_URL is set but {name} is not.",
            hint=f"Set {name}, the same for every process; .env.example says how to make one.",
            id="reelay.E002",
        )
        for name, missing in generated.items()
        if missing
    ]


@register()
def encryption_keys_are_valid(**_: Any) -> Sequence[CheckMessage]:
    """A malformed key would only show itself when a secret is read."""
    return [
        Error(
            f"ENCRYPTION_KEYS: key {position} is not a Fernet key.",
            hint="Make one: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'",
            id="reelay.E003",
        )
        for position, key in enumerate(settings.ENCRYPTION_KEYS, start=1)
        if not _is_fernet_key(key)
    ]


@register()
def durations_are_positive(**_: Any) -> Sequence[CheckMessage]:
    """A time-out of zero would fail every call."""
    names = (
        "UPSTREAM_CREATE_TIMEOUT",
        "UPSTREAM_DESCRIBE_TIMEOUT",
        "TASK_DEADLINE_HOURS",
        "IN_DOUBT_RELEASE_HOURS",
        "RESULT_RETENTION_DAYS",
        "LINK_LIFE_SECONDS",
        "API_THREADS",
        "WORKER_THREADS",
    )
    return [
        Error(f"{name} must be greater than 0.", hint="Unset it for the default.", id="reelay.E004")
        for name in names
        if getattr(settings, name) <= 0
    ]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
