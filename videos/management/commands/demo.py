"""Run a whole gateway and make one video with it."""

import json
import secrets
import time
import urllib.error
from argparse import ArgumentParser
from dataclasses import dataclass
from http.client import HTTPException
from textwrap import indent
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from accounts.models import APIKey, Membership, Role, Tenant, User
from config.routes import VIDEOS_PATH
from videos.local import listening, stack
from videos.local.client import BadVideoError, Client, check_video
from videos.local.processes import ProcessError, ProcessGroup

TENANT = STAFF = "demo"
SECONDS = 5
BAR = 40
LIMIT = 120.0
"""Seconds the video may take."""


def guide_example(pictures: str) -> dict[str, Any]:
    """The example body of the parameter guide; its two images are at the base URL `pictures`."""
    return {
        "model": "Kling-3.0-omni-1080p",
        "seconds": str(SECONDS),
        "prompt": "A girl dances while holding a puppy",
        "images": [f"{pictures}/images/first_frame.jpeg", f"{pictures}/images/ref_2.jpeg"],
        "metadata": {
            "aspect_ratio": "16:9",
            "negative_prompt": "low quality, blur, shake, watermark, subtitles, deformed fingers",
            "enhance_prompt": "Enabled",
            "input_region": "Mainland",
            "output_config": {
                "AudioGeneration": "Enabled",
                "PersonGeneration": "AllowAdult",
                "InputComplianceCheck": "Disabled",
                "OutputComplianceCheck": "Disabled",
            },
        },
    }


_FAILURES = (ProcessError, BadVideoError, OSError, HTTPException)
"""What may fail; an `HTTPError` is an `OSError`."""


class Command(BaseCommand):
    help = "Run a whole gateway, make one video as a client would, check it, and keep running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        listening.add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="exit after the video")

    def handle(self, *_: Any, host: str, port: str, once: bool, **__: Any) -> None:
        if settings.EMBEDDED_POSTGRES is None:
            raise CommandError("The demo makes a staff user, on its own database only: unset DATABASE_URL.")
        at = listening.choose(host, port)
        for note in at.notes:
            self.stdout.write(note)
        call_command("migrate", verbosity=0)
        call_command("seedprices", verbosity=0)
        seeded = _seed()
        try:
            with ProcessGroup(settings.DATA_DIR / "logs") as family, stack.started(family, at) as running:
                self._make_video(running, seeded, family)
                if not once:
                    self._describe(running, seeded)
                    stack.watch(family)
        except _FAILURES as error:
            raise CommandError(_described(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")
            if once:
                raise CommandError("interrupted before the video was there") from None

    def _make_video(self, running: stack.Stack, seeded: "Seeded", family: ProcessGroup) -> None:
        if not running.sandbox:
            raise CommandError(
                "The demo makes its video in the sandbox; disable the other upstream accounts."
            )
        try:
            self._request_video(Client(running.api, seeded.key), running, family)
        except _FAILURES:
            family.check()  # says more if a process has exited
            raise

    def _request_video(self, client: Client, running: stack.Stack, family: ProcessGroup) -> None:
        video = client.create(guide_example(running.sandbox))
        self.stdout.write(f"POST {running.api}{VIDEOS_PATH} → {video['id']}")
        video = self._watch(client, video["id"], family)
        if video["status"] != "completed":
            raise BadVideoError(f"{video['id']} failed: {video['error']}")
        target = settings.DATA_DIR / "demo" / f"{video['id']}.mp4"
        client.download(video["id"], target)
        self.stdout.write(f"Checked: {check_video(target, SECONDS)}")
        self.stdout.write(f"Your video: {target}")

    def _watch(self, client: Client, task_id: str, family: ProcessGroup) -> dict[str, Any]:
        deadline = time.monotonic() + LIMIT
        for video in client.progress(task_id):
            filled = BAR * video["progress"] // 100
            bar = "█" * filled + "░" * (BAR - filled)
            self.stdout.write(
                f"\r{bar} {video['progress']:3d} %  {video['metadata']['stage']:<10}", ending=""
            )
            self.stdout.flush()
            if time.monotonic() > deadline:
                raise BadVideoError(f"{task_id} was not finished after {LIMIT:.0f} s")
            if video["status"] in ("queued", "in_progress"):
                stack.look_after(family)
                time.sleep(0.25)
        self.stdout.write("")
        return video

    def _describe(self, running: stack.Stack, seeded: "Seeded") -> None:
        self.stdout.write(f"""
API      {running.api}{VIDEOS_PATH}
Console  {running.api}/admin/   user {STAFF}, password {seeded.password}
Portal   {running.api}{reverse("portal:overview", args=[seeded.tenant.pk])}   the same
Sandbox  {running.sandbox}/_sandbox/state
Logs     {running.logs}

Make another one:

{indent(pasted(running.api, seeded.key), "  ")}
Ctrl-C ends everything.""")
        self.stdout.flush()


def pasted(api: str, key: str, prompt: str = "A cat runs on the beach") -> str:
    """Shell commands that create a video, poll it until it has ended or a request fails, and download it."""
    body = json.dumps({"model": "Kling-3.0-1080p", "seconds": "5", "prompt": prompt})
    return f"""\
export REELAY_URL={api} KEY={key}
ANSWER=$(curl -sS "$REELAY_URL/v1/videos" -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -d '{body}')
ID=$(printf '%s' "$ANSWER" | grep -o 'task_[0-9a-f]\\{{32\\}}' | head -n 1)
while [ "$ID" ] && ANSWER=$(curl -sS "$REELAY_URL/v1/videos/$ID" -H "Authorization: Bearer $KEY") &&
  printf '%s' "$ANSWER" | grep -Eq '"status": ?"(queued|in_progress)"'
  do sleep 1; done
if printf '%s' "$ANSWER" | grep -Eq '"status": ?"completed"'
  then curl -sSf "$REELAY_URL/v1/videos/$ID/content" -H "Authorization: Bearer $KEY" -o $ID.mp4 &&
    ls -l $ID.mp4
  else printf 'No video: %s\\n' "$ANSWER"; fi
"""


def _described(error: Exception) -> str:
    """The error, with the API's response if there is one."""
    if isinstance(error, urllib.error.HTTPError):
        return f"{error}: {error.read().decode(errors='replace')}"
    return str(error)


@dataclass(frozen=True)
class Seeded:
    """The demo's tenant, its key, and the password of the staff user who owns it."""

    tenant: Tenant
    key: str
    password: str


def _seed() -> Seeded:
    """The tenant and user of the demo, with a new key and a new password, which only the terminal shows."""
    tenant, _ = Tenant.objects.get_or_create(name=TENANT)
    APIKey.objects.of_programs().filter(tenant=tenant, revoked_at=None).update(revoked_at=timezone.now())
    _, key = APIKey.objects.mint(tenant, "demo")
    user, _ = User.objects.get_or_create(username=STAFF, defaults={"is_staff": True, "is_superuser": True})
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": Role.OWNER})
    return Seeded(tenant, key, password)
