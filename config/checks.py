"""Bad configuration, found before it does harm."""

import re
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from config import time_zones


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
        "INVITATION_DAYS",
        "LINK_LIFE_SECONDS",
        "API_THREADS",
        "WORKER_THREADS",
    )
    return [
        Error(f"{name} must be greater than 0.", hint="Unset it for the default.", id="reelay.E004")
        for name in names
        if getattr(settings, name) <= 0
    ]


@register()
def default_time_zone_is_known(**_: Any) -> Sequence[CheckMessage]:
    """No tenant could be made."""
    if settings.DEFAULT_TENANT_TIME_ZONE in time_zones.names():
        return []
    return [
        Error(
            f"DEFAULT_TENANT_TIME_ZONE: there is no time zone {settings.DEFAULT_TENANT_TIME_ZONE!r}.",
            hint="Write one such as Asia/Shanghai, or unset it for UTC.",
            id="reelay.E005",
        )
    ]


_COUNT, _AMOUNT = r"[0-9]{1,9}", r"[0-9]{1,12}(\.[0-9]{1,6})?"
_LIMITS = {
    "concurrent_tasks": _COUNT,
    "queued_tasks": _COUNT,
    "when_full": "refuse|queue",
    "requests_per_minute": _COUNT,
    "seconds_per_day": _COUNT,
    "seconds_per_month": _COUNT,
    "spend_per_day": _AMOUNT,
    "spend_per_month": _AMOUNT,
    "is_prepaid": "True|False",
}
"""What a quota may say, and how."""


@register()
def default_quota_names_limits(**_: Any) -> Sequence[CheckMessage]:
    """A limit that is misspelt would not be held."""
    return [
        Error(
            f"DEFAULT_QUOTA: {name}={word} is no limit.",
            hint=f"Name any of {', '.join(_LIMITS)}; with whole numbers, with amounts of money such as 9.50,"
            " when_full with refuse or queue, is_prepaid with True or False.",
            id="reelay.E006",
        )
        for name, word in settings.DEFAULT_QUOTA.items()
        if name not in _LIMITS or not re.fullmatch(_LIMITS[name], word)
    ]


@register()
def counts_are_not_negative(**_: Any) -> Sequence[CheckMessage]:
    """These may be 0, which means none."""
    return [
        Error(f"{name} must not be negative.", hint="Set it to 0 for none.", id="reelay.E007")
        for name in ("OTHER_REQUESTS_PER_MINUTE", "TRUSTED_PROXIES", "CONNECTIONS_PER_ADDRESS")
        if getattr(settings, name) < 0
    ]


@register()
def tls_is_told_alike(**_: Any) -> Sequence[CheckMessage]:
    """A link to http would lead past the proxy's TLS, where no cookie goes and nobody stays logged in."""
    if not settings.BEHIND_TLS_PROXY or not settings.PUBLIC_URL.startswith("http://"):
        return []
    return [
        Error(
            "BEHIND_TLS_PROXY is set but PUBLIC_URL begins with http://.",
            hint="Write the https:// address of the proxy, or unset BEHIND_TLS_PROXY.",
            id="reelay.E008",
        )
    ]


@register(deploy=True)
def callers_are_told_apart(**_: Any) -> Sequence[CheckMessage]:
    """Behind a proxy that is not counted, all callers have its address: one of them locks everybody out."""
    if not settings.BEHIND_TLS_PROXY or settings.TRUSTED_PROXIES:
        return []
    return [
        Error(
            "BEHIND_TLS_PROXY is set but TRUSTED_PROXIES is 0.",
            hint="Set TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For, mostly 1.",
            id="reelay.E009",
        )
    ]


@register(deploy=True)
def strangers_see_no_debug_pages(**_: Any) -> Sequence[CheckMessage]:
    """Debug pages show settings and variables to whoever causes an error."""
    if not settings.DEBUG or not settings.SERVED_WITH_TLS:
        return []
    return [
        Error(
            "DEBUG is set but PUBLIC_URL begins with https://.",
            hint="Unset DEBUG wherever others than developers come.",
            id="reelay.E010",
        )
    ]


@register(deploy=True)
def hosts_are_named(**_: Any) -> Sequence[CheckMessage]:
    """Links in mails, such as those that set a password anew, lead to the Host that a request names."""
    if "*" not in settings.ALLOWED_HOSTS or not settings.SERVED_WITH_TLS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS is * but PUBLIC_URL begins with https://.",
            hint="Name the hosts, or unset ALLOWED_HOSTS: that of PUBLIC_URL is always allowed.",
            id="reelay.E011",
        )
    ]


_UNSENT = ("console", "dummy", "filebased", "locmem")
"""Of Django's ways to send mail, those that do not."""


@register(deploy=True)
def mail_is_sent(**_: Any) -> Sequence[CheckMessage]:
    """Invitations and links to set a password anew would reach nobody."""
    backend = settings.EMAIL_BACKEND.split(".")[-2]
    if backend not in _UNSENT or not settings.SERVED_WITH_TLS:
        return []
    return [
        Error(
            f"EMAIL_URL sends no mail ({backend}) but PUBLIC_URL begins with https://.",
            hint="Set EMAIL_URL to a server, such as smtp+tls://user:password@mail.example.com:587.",
            id="reelay.E012",
        )
    ]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
