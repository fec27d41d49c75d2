"""What people do to keys: with its entries in the audit log, and mail to the owners about each new one."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.models import APIKey
from accounts.models.api_key import RECORDED
from accounts.people import notices


def record(key: APIKey, before: audit.Values, by: audit.Author, now: datetime) -> None:
    """Write down what changed of a key since it was as `before`; nothing of its text."""
    audit.record_row(by, key, audit.differences(before, audit.values(key, RECORDED)), now)


@transaction.atomic
def rotate(
    key: APIKey, overlap: timedelta, by: audit.Author, now: datetime, request: HttpRequest | None = None
) -> tuple[APIKey, str]:
    """Replace the key as `APIKey.rotate` does, and raise what that raises."""
    key.refresh_from_db(from_queryset=APIKey.objects.select_for_update())
    before = audit.values(key, RECORDED)
    new, text = key.rotate(now, overlap, by.person)
    record(key, before, by, now)
    record(new, {}, by, now)
    notices.new_key(new, by, now, request)
    return new, text


@transaction.atomic
def revoke(key: APIKey, by: audit.Author, now: datetime) -> None:
    """Let the key work no more."""
    before = audit.values(key, RECORDED)
    key.revoke(now)
    record(key, before, by, now)
