"""Whether a tenant may create one more task: all limits are checked against one snapshot.

The snapshot is read without a lock. The task is written only if the totals still have the snapshot's version;
otherwise the limits are checked again under the lock of the tenant's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8

from accounts.api.lookup import Wanted
from accounts.models import APIKey, Scope
from accounts.quotas.in_force import FIELDS, default_columns, limits_from
from accounts.quotas.limits import MINUTE, Limits, Minute, Recent
from accounts.quotas.totals import Period, Totals
from config.db import prepared
from config.db.prepared import Row
from config.ids import first_uuid7
from videos.errors import KeyRefused
from videos.estimates.queue_position import QueuePosition
from videos.tasks import sql
from videos.tasks.idempotency import KEY_LIFETIME, EarlierRequest, Fingerprint


@dataclass(frozen=True)
class Bucket:
    """The tenant's own bucket; the fields are empty if it has none."""

    name: str
    region: str
    path_prefix: str


@dataclass(frozen=True)
class Snapshot:
    """Everything that a create is decided by, read at one moment, or partly at a later one."""

    stored: Totals
    """As stored, perhaps of an earlier day or month."""
    totals: Totals
    limits: Limits
    limits_version: int
    """Incremented when `limits` or anything else of the tenant's that decides a create changes."""
    recent: Recent
    earlier: EarlierRequest
    bucket: Bucket
    offers: UUID | None
    """The revision of the prices and upstream accounts."""


@dataclass(frozen=True)
class Caller:
    """The API key that asks for a task, the time, and the fingerprint that detects a repeated request."""

    key: APIKey
    now: datetime
    period: Period
    fingerprint: Fingerprint
    snapshot: Snapshot | None = None
    """Read together with the key; None if not read yet."""

    @classmethod
    def of(cls, key: APIKey, now: datetime, fingerprint: Fingerprint) -> "Caller":
        return cls(key, now, Period.of(now, key.tenant.clock), fingerprint)

    def seen(self, beside: Mapping[str, Row]) -> "Caller":
        """A copy with the snapshot that was looked up together with the key (see `snapshot_lookup`)."""
        return replace(self, snapshot=snapshot_of(self, beside))


def snapshot_lookup(now: datetime, idempotency_key: str | None) -> Wanted:
    """What to look up together with the key of a create."""
    return Wanted(sql.SNAPSHOT, _wanted_values(now, idempotency_key))


def snapshot_of(caller: Caller, beside: Mapping[str, Row]) -> Snapshot:
    """The snapshot looked up together with the key (see `snapshot_lookup`), with a second query if needed."""
    snapshot = _snapshot(caller, beside)
    return _with_further(caller, snapshot) if _needs_further(caller, snapshot) else snapshot


def renewed(caller: Caller) -> Caller:
    """The caller with its key, period and snapshot as they are now, read with one statement.

    Raises `KeyRefused` if the key may no longer be used for creates.
    """
    values = {
        **_wanted_values(caller.now, caller.fingerprint.idempotency_key),
        **_further_values(caller),
        "prefix": caller.key.prefix,
    }
    row = prepared.fetch(sql.FULL_SNAPSHOT.statement, values)
    found = sql.FULL_SNAPSHOT.read(row) if row else None
    if found is None or not found.key.is_usable(caller.now) or Scope.WRITE not in found.key.scopes:
        raise KeyRefused
    fresh = Caller.of(found.key, caller.now, caller.fingerprint)
    if fresh.period != caller.period:  # the tenant's time zone has changed
        return renewed(fresh)
    return replace(fresh, snapshot=_further(fresh, _snapshot(fresh, found.beside), found.beside))


def read_snapshot(caller: Caller) -> Snapshot:
    """Read everything the decision depends on. Raises `KeyRefused` if the key is no longer usable."""
    return snapshot_in(renewed(caller))


def snapshot_in(caller: Caller) -> Snapshot:
    """The snapshot that the caller was read with."""
    assert caller.snapshot is not None  # noqa: S101 - for the type checker
    return caller.snapshot


def _wanted_values(now: datetime, idempotency_key: str | None) -> dict[str, Any]:
    default_rate = default_columns()[FIELDS.index("requests_per_minute")]
    return {"default_rate": default_rate, **_common_values(now, idempotency_key)}


def _snapshot(caller: Caller, found: Mapping[str, Row]) -> Snapshot:
    [has_quota], [offers], [limits_version] = found["has_quota"], found["offers"], found["limits_version"]
    totals = Totals(*found["totals"])
    return Snapshot(
        stored=totals,
        totals=totals,
        limits_version=limits_version,
        limits=limits_from(found["quota"] if has_quota else default_columns(), caller.key),
        recent=Recent(minute=Minute(*found["minute"])),
        earlier=_earlier(*found["earlier"]),
        bucket=Bucket(*(value or "" for value in found["bucket"])),
        offers=offers,
    )


def _earlier(
    fingerprint: bytes | None, task_id: UUID | None, position: int | None, estimated_start: datetime | None
) -> EarlierRequest:
    place = None if position is None else QueuePosition(position, estimated_start)
    return EarlierRequest(fingerprint, task_id, place)


def _with_further(caller: Caller, snapshot: Snapshot) -> Snapshot:
    row = prepared.fetch(sql.FURTHER, _further_values(caller))
    assert row is not None, "aggregates always return a row"  # noqa: S101 - for the type checker
    return _further(caller, snapshot, sql.FURTHER_COLUMNS.read(row))


def _needs_further(caller: Caller, snapshot: Snapshot) -> bool:
    key, period, totals = caller.key, caller.period, snapshot.totals
    return (
        (totals.day, totals.month) != (period.day, period.month)
        or key.has_limits
        or caller.fingerprint.is_retry
    )


def _further_values(caller: Caller) -> dict[str, Any]:
    key, period, fingerprint = caller.key, caller.period, caller.fingerprint
    return {
        "tenant": key.tenant_id,
        "key": Int8(key.pk),
        # A LIMIT; without a rate, or with a rate of 0, the count is not used.
        "key_rate": Int8(key.requests_per_minute or 1),
        "day": period.day,
        "month": period.month,
        "retried_since": first_uuid7(caller.now - fingerprint.first_sent_within),
        "fingerprint": fingerprint.body,
        **_common_values(caller.now, fingerprint.idempotency_key),
    }


def _common_values(now: datetime, idempotency_key: str | None) -> dict[str, Any]:
    """The values that both statements take."""
    return {
        "minute_ago": first_uuid7(now - MINUTE),
        "idempotency_key": idempotency_key,
        "replayable_since": now - KEY_LIFETIME,
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
    # Read again: use that is new since the first snapshot may come from that very request.
    earlier = _earlier(*found["earlier"])
    if caller.fingerprint.is_retry:
        earlier = replace(earlier, twins=twins, refused_at=refused_at)
    return replace(snapshot, totals=totals, recent=recent, earlier=earlier)
