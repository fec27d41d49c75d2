"""Replace a key by a new one."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, notices
from accounts.models import APIKey
from accounts.models.api_key import RECORDED, ROTATION_OVERLAP, NotRotatable
from config.texts import is_one_line


class Command(BaseCommand):
    help = 'Replace a key and print {"tenant": …, "key": "…", "old_key_expires_at": …}; shown only here.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the key to replace, by its beginning, such as rly_0fYq3kLm")
        parser.add_argument(
            "--overlap-hours",
            type=float,
            default=ROTATION_OVERLAP / timedelta(hours=1),
            help="how long the old key works on (%(default)g)",
        )

    def handle(self, *_: Any, prefix: str, overlap_hours: float, **__: Any) -> None:
        if not 0 <= overlap_hours <= 24 * 365:
            raise CommandError("The overlap must be between 0 hours and a year.")
        key = APIKey.objects.filter(prefix=prefix).first() if is_one_line(prefix) else None
        if key is None:  # what was typed might be a whole key, so it is not repeated
            raise CommandError("There is no key with that prefix.")
        self.stdout.write(json.dumps(_rotated(key, timedelta(hours=overlap_hours))))


@transaction.atomic
def _rotated(key: APIKey, overlap: timedelta) -> dict[str, Any]:
    before, by, now = audit.values(key, RECORDED), audit.at_command_line(), timezone.now()
    try:
        new, text = key.rotate(now, overlap)
    except NotRotatable as refusal:
        raise CommandError(f"{refusal}.") from refusal
    audit.record_row(by, key, audit.differences(before, audit.values(key, RECORDED)), now)
    audit.record_row(by, new, ({}, audit.values(new, RECORDED)), now)
    notices.new_key(new, _("The platform's staff"), now)
    ends = key.expires_at.isoformat() if key.expires_at else None
    return {"tenant": str(key.tenant_id), "key": text, "old_key_expires_at": ends}
