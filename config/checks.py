"""Checks of settings that contradict each other; `config.environment` checks each by itself."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


class Contradiction(NamedTuple):
    """Settings that do not fit together: whether they are set so, the error, and how to correct it."""

    exists: Callable[[], bool]
    message: str
    hint: str
    id: str


ALWAYS = (
    # Links to http:// would bypass the proxy's TLS, without which secure cookies are not sent.
    Contradiction(
        lambda: settings.BEHIND_TLS_PROXY and settings.PUBLIC_URL.startswith("http://"),
        "BEHIND_TLS_PROXY is set but PUBLIC_URL begins with http://.",
        hint="Write the https:// address of the proxy, or unset BEHIND_TLS_PROXY.",
        id="reelay.E008",
    ),
)
DEPLOYED = (
    # Behind a proxy that is not counted all callers share its address, so one can lock everybody out.
    Contradiction(
        lambda: settings.BEHIND_TLS_PROXY and not settings.TRUSTED_PROXIES,
        "BEHIND_TLS_PROXY is set but TRUSTED_PROXIES is 0.",
        hint="Set TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For, mostly 1.",
        id="reelay.E009",
    ),
    # Debug pages show settings and variables to anybody who causes an error.
    Contradiction(
        lambda: settings.DEBUG and settings.SERVED_WITH_TLS,
        "DEBUG is set but PUBLIC_URL begins with https://.",
        hint="Unset DEBUG wherever others than developers come.",
        id="reelay.E010",
    ),
    # Links in mails, such as those that reset a password, lead to the Host that a request names.
    Contradiction(
        lambda: "*" in settings.ALLOWED_HOSTS and settings.SERVED_WITH_TLS,
        "ALLOWED_HOSTS is * but PUBLIC_URL begins with https://.",
        hint="Name the hosts, or unset ALLOWED_HOSTS: that of PUBLIC_URL is always allowed.",
        id="reelay.E011",
    ),
    # Invitations and links to reset a password would reach nobody.
    Contradiction(
        lambda: _mail_backend() in ("console", "dummy", "filebased", "locmem") and settings.SERVED_WITH_TLS,
        "EMAIL_URL sends no mail ({backend}) but PUBLIC_URL begins with https://.",
        hint="Set EMAIL_URL to a server, such as smtp+tls://user:password@mail.example.com:587.",
        id="reelay.E012",
    ),
)


def _mail_backend() -> str:
    return str(settings.EMAIL_BACKEND.split(".")[-2])


def _errors(contradictions: Iterable[Contradiction]) -> list[CheckMessage]:
    return [
        Error(one.message.format(backend=_mail_backend()), hint=one.hint, id=one.id)
        for one in contradictions
        if one.exists()
    ]


@register()
def secrets_are_configured(**_: Any) -> Sequence[CheckMessage]:
    """Secrets generated on one machine are unknown to the others that share its database."""
    if settings.EMBEDDED_POSTGRES is not None:
        return []
    generated = {
        "SECRET_KEY": settings.SECRET_KEY_GENERATED,
        "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS_GENERATED,
    }
    hint = "Set {}, the same for every process; .env.example says how to make one."
    return [
        Error(f"DATABASE_URL is set but {name} is not.", hint=hint.format(name), id="reelay.E002")
        for name, is_missing in generated.items()
        if is_missing
    ]


@register()
def settings_agree(**_: Any) -> Sequence[CheckMessage]:
    """No process starts with these."""
    return _errors(ALWAYS)


@register(deploy=True)
def settings_agree_in_production(**_: Any) -> Sequence[CheckMessage]:
    """Nobody should deploy with these."""
    return _errors(DEPLOYED)


def run_early_checks() -> None:
    """End the process if settings contradict each other, without loading what the other checks need."""
    exit_on_errors([*secrets_are_configured(), *settings_agree()])


def exit_on_errors(messages: Sequence[CheckMessage]) -> None:
    """End the process with one line for each serious message, if there is any."""
    found = [message for message in messages if message.is_serious() and not message.is_silenced()]
    if found:
        raise SystemExit("\n".join(f"{message.msg} {message.hint or ''}".rstrip() for message in found))
