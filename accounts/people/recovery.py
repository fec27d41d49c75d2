"""Recovery codes: ten single-use codes that log in a person who lost the authenticator app."""

import re
import secrets
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts import audit
from accounts.keys import digest
from accounts.models import AuditPlace, Authenticator, RecoveryCode, User
from accounts.people import notices, totp

NUMBER = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without characters that are easily mistaken for others."""
_GROUPS, _GROUP_LENGTH = 4, 4
"""16 of 30 characters hold 78 bits, so that the digest needs no salt and no slow hash."""
_SHAPE = re.compile(f"[{_ALPHABET}]{{{_GROUPS * _GROUP_LENGTH}}}")
RECORDED = "recovery codes"
"""What the audit log calls the number of unused codes."""


def is_code(text: str) -> bool:
    """Whether the text has the shape of a recovery code; a code of the app has not."""
    return _SHAPE.fullmatch(_plain(text)) is not None


def left(device: Authenticator) -> int:
    """How many codes are unused."""
    return RecoveryCode.objects.filter(device=device, used_at=None).count()


@transaction.atomic
def renew(device: Authenticator) -> list[str]:
    """Replace all codes by new ones, and return them as text, which can never be shown again."""
    codes = [_new() for _ in range(NUMBER)]
    RecoveryCode.objects.filter(device=device).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(device=device, digest=digest(_plain(code))) for code in codes
    )
    return codes


@transaction.atomic
def use(request: HttpRequest, person: User, text: str, now: datetime) -> Authenticator | None:
    """Use up the code, record it and mail the person; returns their device, or None if the code is wrong."""
    device = totp.of(person)
    if device is None or not _take(device, text, now):
        return None
    number = left(device)
    by = audit.claimed(request, AuditPlace.OWN_PAGES, person)
    audit.record(by, audit.subject_of(person), "", {RECORDED: number + 1}, {RECORDED: number}, now)
    happened = ngettext(
        "A recovery code was used. %(number)d is left.",
        "A recovery code was used. %(number)d are left.",
        number,
    )
    notices.notify(request, person, happened % {"number": number}, now)
    return device


def _take(device: Authenticator, text: str, now: datetime) -> bool:
    """Mark the code as used; False if there is none, or another request was faster."""
    unused = RecoveryCode.objects.filter(device=device, digest=digest(_plain(text)), used_at=None)
    return unused.update(used_at=now) > 0


def _new() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(text: str) -> str:
    """As it is stored: however the person wrote it."""
    return "".join(text.split()).replace("-", "").upper()
