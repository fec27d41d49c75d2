"""Checks of settings that contradict each other; `config.environment` checks each by itself."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def secrets_are_configured(**_: Any) -> Sequence[CheckMessage]:
    """Secrets generated on one machine are unknown to the others that share its database."""
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
def tls_is_told_alike(**_: Any) -> Sequence[CheckMessage]:
    """Links to http:// would bypass the proxy's TLS, without which secure cookies are not sent."""
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
    """Behind a proxy that is not counted all callers share its address, so one can lock everybody out."""
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
    """Debug pages show settings and variables to anybody who causes an error."""
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
    """Links in mails, such as password resets, lead to the Host that the request names."""
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
"""Django's mail backends that send nothing."""


@register(deploy=True)
def mail_is_sent(**_: Any) -> Sequence[CheckMessage]:
    """Invitations and password resets would reach nobody."""
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


def must_hold() -> None:
    """End the process if settings contradict each other, without loading what the other checks need."""
    end_if_serious([*secrets_are_configured(), *tls_is_told_alike()])


def end_if_serious(messages: Sequence[CheckMessage]) -> None:
    """End the process with a line for each serious message, if there are any."""
    found = [message for message in messages if message.is_serious() and not message.is_silenced()]
    if found:
        raise SystemExit("\n".join(f"{message.msg} {message.hint or ''}".rstrip() for message in found))
