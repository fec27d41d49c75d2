"""Rotates and revokes keys, with audit log entries and a mail to the owners about each new key."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.models import APIKey
from accounts.models.api_key import AUDITED_FIELDS
from accounts.people import notices


def record(key: APIKey, before: audit.Values, by: audit.Author, now: datetime) -> None:
    """Record in the audit log what changed since `before`; the key's secret text is not recorded."""
    audit.record_row(by, key, audit.differences(before, audit.values(key, AUDITED_FIELDS)), now)


@transaction.atomic
def rotate(
    key: APIKey, overlap: timedelta, by: audit.Author, now: datetime, request: HttpRequest | None = None
) -> tuple[APIKey, str]:
    """Rotate the key like `APIKey.rotate`, with the same errors; returns the new key and its text."""
    key.refresh_from_db(from_queryset=APIKey.objects.select_for_update(no_key=True))
    before = audit.values(key, AUDITED_FIELDS)
    new, text = key.rotate(now, overlap, by.person)
    record(key, before, by, now)
    record(new, {}, by, now)
    notices.new_key(new, by, now, request)
    return new, text


@transaction.atomic
def revoke(key: APIKey, by: audit.Author, now: datetime) -> None:
    """Revoke the key and record it in the audit log."""
    before = audit.values(key, AUDITED_FIELDS)
    key.revoke(now)
    record(key, before, by, now)
