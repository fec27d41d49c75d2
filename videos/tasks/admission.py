"""May this tenant have one more task now? All limits at once, decided by one snapshot of what it has.

The snapshot is taken without a lock. What is then written is written only if the totals are still those of
the snapshot (their version), so nothing is ever decided by what is no longer true; where they moved on, it is
decided once more under the lock of the tenant's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8

from accounts.api.lookup import Wanted
from accounts.models import APIKey
from accounts.quotas.in_force import FIELDS, default_columns, limits_from
from accounts.quotas.limits import MINUTE, Limits, Minute, Recent
from accounts.quotas.totals import Period, Totals
from config.db import prepared
from config.db.prepared import Row
from config.ids import first_uuid7
from videos.errors import KeyRefused
from videos.estimates.queue_position import QueuePosition
from videos.tasks import sql
from videos.tasks.idempotency import KEPT, EarlierRequest, Fingerprint


@dataclass(frozen=True)
class Bucket:
    """The tenant's own bucket as it is set; empty where it has none."""

    name: str
    region: str
    path_prefix: str


@dataclass(frozen=True)
class Snapshot:
    """All that a create is decided by, seen at one moment, or at two of which the second is newer."""

    totals: Totals
    limits: Limits
    recent: Recent
    earlier: EarlierRequest
    bucket: Bucket
    offers: UUID | None
    """The revision of what is on offer."""


@dataclass(frozen=True)
class Caller:
    """Who asks for a task, when, and what tells whether it was asked for before."""

    key: APIKey
    now: datetime
    period: Period
    fingerprint: Fingerprint
    snapshot: Snapshot | None = None
    """What was seen when the caller was; None where nobody looked yet."""

    @classmethod
    def of(cls, key: APIKey, now: datetime, fingerprint: Fingerprint) -> "Caller":
        """With the tenant's own day and month at that moment."""
        return cls(key, now, Period.of(now, key.tenant.clock), fingerprint)

    def seen(self, beside: Mapping[str, Row]) -> "Caller":
        """With the snapshot that was looked up with the key, as `wanted` says."""
        return replace(self, snapshot=snapshot_of(self, beside))


def wanted(now: datetime, idempotency_key: str | None) -> Wanted:
    """What to look up with the key of a create."""
    return Wanted(sql.SNAPSHOT, _wanted_values(now, idempotency_key))


def snapshot_of(caller: Caller, beside: Mapping[str, Row]) -> Snapshot:
    """What was looked up with the caller's key, as `wanted` says, and what else this caller needs."""
    snapshot = _snapshot(caller, beside)
    return _with_further(caller, snapshot) if _is_more_needed(caller, snapshot) else snapshot


def look(caller: Caller) -> Snapshot:
    """See all that the decision depends on. Raises `KeyRefused` where the key may not be used any more."""
    values = {
        **_wanted_values(caller.now, caller.fingerprint.idempotency_key),
        **_further_values(caller),
        "prefix": caller.key.prefix,
    }
    row = prepared.fetch(sql.FULL_SNAPSHOT.statement, values)
    found = sql.FULL_SNAPSHOT.read(row) if row else None
    if found is None or not found.key.is_usable(caller.now):
        raise KeyRefused
    caller = replace(caller, key=found.key)
    return _further(caller, _snapshot(caller, found.beside), found.beside)


def _wanted_values(now: datetime, idempotency_key: str | None) -> dict[str, Any]:
    default_rate = default_columns()[FIELDS.index("requests_per_minute")]
    return {"default_rate": default_rate, **_lately(now, idempotency_key)}


def _snapshot(caller: Caller, found: Mapping[str, Row]) -> Snapshot:
    [has_quota], [offers] = found["has_quota"], found["offers"]
    return Snapshot(
        totals=Totals(*found["totals"]),
        limits=limits_from(found["quota"] if has_quota else default_columns(), caller.key),
        recent=Recent(minute=Minute(*found["minute"])),
        earlier=_earlier(*found["earlier"]),
        bucket=Bucket(*(value or "" for value in found["bucket"])),
        offers=offers,
    )


def _earlier(
    asked: bytes | None, task_id: UUID | None, position: int | None, estimated_start: datetime | None
) -> EarlierRequest:
    place = None if position is None else QueuePosition(position, estimated_start)
    return EarlierRequest(asked, task_id, place)


def _with_further(caller: Caller, snapshot: Snapshot) -> Snapshot:
    row = prepared.fetch(sql.FURTHER, _further_values(caller))
    assert row is not None, "sums are always found"  # noqa: S101 - for the type checker
    return _further(caller, snapshot, sql.FURTHER_COLUMNS.read(row))


def _is_more_needed(caller: Caller, snapshot: Snapshot) -> bool:
    key, period, totals = caller.key, caller.period, snapshot.totals
    return (
        (totals.day, totals.month) != (period.day, period.month)
        or key.requests_per_minute is not None
        or key.spend_per_month is not None
        or caller.fingerprint.is_retry
    )


def _further_values(caller: Caller) -> dict[str, Any]:
    key, period, fingerprint = caller.key, caller.period, caller.fingerprint
    return {
        "tenant": key.tenant_id,
        "key": Int8(key.pk),
        # An offset cannot be negative; no task counts where none may be made.
        "key_rate": Int8(key.requests_per_minute or 1),
        "day": period.day,
        "month": period.month,
        "retried_since": first_uuid7(caller.now - fingerprint.first_sent_within),
        "fingerprint": fingerprint.body,
        **_lately(caller.now, fingerprint.idempotency_key),
    }


def _lately(now: datetime, idempotency_key: str | None) -> dict[str, Any]:
    """What both statements look back to."""
    return {
        "minute_ago": first_uuid7(now - MINUTE),
        "idempotency_key": idempotency_key,
        "replayable_since": now - KEPT,
    }


def _further(caller: Caller, snapshot: Snapshot, found: Mapping[str, Row]) -> Snapshot:
    day_seconds, day_spend, month_seconds, month_spend = found["use"]
    totals = replace(
        snapshot.totals,
        day=caller.period.day,
        day_seconds=day_seconds,
        day_spend=day_spend,
        month=caller.period.month,
        month_seconds=month_seconds,
        month_spend=month_spend,
    )
    [key_spend], (twins, refused_at) = found["key_spend"], found["retried"]
    recent = replace(snapshot.recent, key_minute=Minute(*found["key_minute"]), key_month_spend=key_spend)
    # The earlier request once more: whatever use is seen here that was not there before may be its own.
    earlier = _earlier(*found["earlier"])
    if caller.fingerprint.is_retry:
        earlier = replace(earlier, twins=twins, refused_at=refused_at)
    return replace(snapshot, totals=totals, recent=recent, earlier=earlier)
