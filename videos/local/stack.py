"""The processes of a whole gateway on this machine."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.edge import server
from config.processes import Family, free_port
from videos.models import UpstreamAccount

SANDBOX_ACCOUNT = "sandbox"
_SECRET_ID = "AKIDsandbox"  # noqa: S105 - names the account, proves nothing
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Stack:
    """Where the parts of a running gateway are; `sandbox` is empty where a real upstream is set up."""

    api: str
    sandbox: str
    logs: Path


def start(family: Family, port: int) -> Stack:
    """Start web, worker and, unless an upstream account is set up, the sandbox; returns once all answer.

    `port` is where the API should listen; another is chosen if it is taken. Raises `ProcessError`.
    """
    sandbox = _start_sandbox(family) if not _has_real_upstream() else _retire_sandbox()
    family.start("worker", ["manage.py", "worker"])
    api = _start_web(family, free_port(port))
    return Stack(api=api, sandbox=sandbox, logs=settings.DATA_DIR / "logs")


def _has_real_upstream() -> bool:
    return UpstreamAccount.objects.filter(is_enabled=True).exclude(name=SANDBOX_ACCOUNT).exists()


def _retire_sandbox() -> str:
    """Nothing answers at the sandbox's old address: no new task may go there."""
    UpstreamAccount.objects.filter(name=SANDBOX_ACCOUNT).update(is_enabled=False)
    return ""


def _start_sandbox(family: Family) -> str:
    port, secret = free_port(0), secrets.token_urlsafe(24)
    url = f"http://127.0.0.1:{port}"
    environment = {"SANDBOX_CREDENTIALS": f"{_SECRET_ID}:{secret}"}
    child = family.start("sandbox", ["-m", "videos.sandbox", "--port", str(port)], environment)
    family.wait_until_answers(child, f"{url}/_sandbox/healthz")
    UpstreamAccount.objects.update_or_create(
        name=SANDBOX_ACCOUNT,
        defaults={"endpoint": url, "secret_id": _SECRET_ID, "secret_key": secret, "is_enabled": True},
    )
    return url


def _start_web(family: Family, port: int) -> str:
    url = f"http://127.0.0.1:{port}"
    # A worker that is still starting does not hear SIGTERM: it is not waited for without end.
    more = ("--workers-kill-timeout", "30")
    child = family.start("web", server.command("127.0.0.1", port, *more, http_2=settings.HTTP_2))
    family.wait_until_answers(child, f"{url}/healthz")
    return url
