"""Starts and watches the processes of a whole gateway on this machine."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from config import database, local_address
from config.edge import server
from videos.local.listening import Listening
from videos.local.processes import ProcessGroup, free_port
from videos.models import UpstreamAccount

SANDBOX_ACCOUNT = "sandbox"
_SECRET_ID = "AKIDsandbox"  # noqa: S105 - an id, not a secret
WATCH_EVERY = 0.5
"""Seconds."""


@dataclass(frozen=True)
class Stack:
    """The URLs and log folder of a running gateway; `sandbox` is empty if a real upstream is set up."""

    api: str
    sandbox: str
    logs: Path


@contextmanager
def started(family: ProcessGroup, at: Listening, *, canned: bool = False) -> Iterator[Stack]:
    """Start web, worker and, unless a real upstream is set up, the sandbox; yield once all respond.

    A `canned` sandbox returns the same video for all tasks. Inside the block other commands can find the
    gateway's URL. Raises `ProcessError`.
    """
    sandbox = _start_sandbox(family, canned=canned) if not _has_real_upstream() else _disable_sandbox()
    family.start("worker", ["manage.py", "worker"])
    _start_web(family, at)
    with local_address.announced(settings.DATA_DIR, at.url):
        yield Stack(api=at.url, sandbox=sandbox, logs=settings.DATA_DIR / "logs")


def watch(family: ProcessGroup) -> NoReturn:
    """Keep the database running until a process exits.

    Raises `ProcessError` then, and `EmbeddedPostgresError` if the database cannot be restarted.
    """
    while True:
        look_after(family)
        time.sleep(WATCH_EVERY)


def look_after(family: ProcessGroup) -> None:
    """One check of `watch`; raises the same errors."""
    family.check()
    database.revive()


def _has_real_upstream() -> bool:
    return UpstreamAccount.objects.filter(is_enabled=True).exclude(name=SANDBOX_ACCOUNT).exists()


def _disable_sandbox() -> str:
    """Disable the sandbox's account, as nothing listens at its old address."""
    UpstreamAccount.objects.filter(name=SANDBOX_ACCOUNT).update(is_enabled=False)
    return ""


def _start_sandbox(family: ProcessGroup, *, canned: bool) -> str:
    port, secret = free_port(0), secrets.token_urlsafe(24)
    url = f"http://127.0.0.1:{port}"
    environment = {"SANDBOX_CREDENTIALS": f"{_SECRET_ID}:{secret}"}
    options = ["--port", str(port), *(["--canned"] if canned else [])]
    child = family.start("sandbox", ["-m", "videos.sandbox", *options], environment)
    family.wait_until_answers(child, f"{url}/_sandbox/healthz")
    UpstreamAccount.objects.update_or_create(
        name=SANDBOX_ACCOUNT,
        defaults={"endpoint": url, "secret_id": _SECRET_ID, "secret_key": secret, "is_enabled": True},
    )
    return url


def _start_web(family: ProcessGroup, at: Listening) -> None:
    # A worker that is still starting ignores SIGTERM, so waiting for it needs a limit.
    command = server.command(at.host, at.port, "--workers-kill-timeout", "30", http_2=settings.HTTP_2)
    child = family.start("web", command, {"ALLOWED_HOSTS": ",".join(at.allowed_hosts)})
    family.wait_until_answers(child, f"{at.url}/healthz")
