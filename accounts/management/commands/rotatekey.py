"""Replace a key by a new one."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import audit
from accounts.models import APIKey
from accounts.models.api_key import ROTATION_OVERLAP, NotRotatable
from accounts.pages import key_changes
from config.texts import is_one_line


class Command(BaseCommand):
    help = 'Replace a key and print {"tenant": …, "key": "…", "old_key_expires_at": …}; shown only here.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the key to replace, by its beginning, such as rly_0fYq3kLm")
        parser.add_argument(
            "--overlap-hours",
            type=float,
            default=ROTATION_OVERLAP / timedelta(hours=1),
            help="hours that the old key keeps working (%(default)g)",
        )

    def handle(self, *_: Any, prefix: str, overlap_hours: float, **__: Any) -> None:
        if not 0 <= overlap_hours <= 24 * 365:
            raise CommandError("The overlap must be between 0 hours and a year.")
        key = APIKey.objects.filter(prefix=prefix).first() if is_one_line(prefix) else None
        if key is None:  # what was typed might be a whole key, so it is not repeated
            raise CommandError("There is no key with that prefix.")
        self.stdout.write(json.dumps(_rotated(key, timedelta(hours=overlap_hours))))


def _rotated(key: APIKey, overlap: timedelta) -> dict[str, Any]:
    try:
        _new, text = key_changes.rotate(key, overlap, audit.at_command_line(), timezone.now())
    except NotRotatable as refusal:
        raise CommandError(f"{refusal}.") from refusal
    ends = key.expires_at.isoformat() if key.expires_at else None
    return {"tenant": str(key.tenant_id), "key": text, "old_key_expires_at": ends}
