"""Whether a tenant may create one more task: all limits are checked against one snapshot.

The snapshot is read without a lock. The task is written only if the limits are still the snapshot's and the
totals still leave room; otherwise the limits are checked again under the lock of the tenant's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8

from accounts.api.lookup import Wanted, build_key
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
        return seen([(self, beside)])[0]


def snapshot_lookup(now: datetime, idempotency_keys: Sequence[str | None]) -> Wanted:
    """What to look up together with the keys of creates, given their idempotency keys."""
    return Wanted(sql.SNAPSHOT, _common_values(now), {"idempotency_key": idempotency_keys})


def seen(callers: Sequence[tuple[Caller, Mapping[str, Row]]]) -> list[Caller]:
    """Callers, all of one moment, with the snapshots that were looked up together with their keys.

    Takes a second query if one of them needs more.
    """
    found = [replace(caller, snapshot=_snapshot(caller, beside)) for caller, beside in callers]
    needy = [nth for nth, caller in enumerate(found) if _needs_further(caller)]
    for nth, further in zip(needy, _read_further([found[nth] for nth in needy]), strict=True):
        found[nth] = _with_further(found[nth], further)
    return found


def renewed(caller: Caller) -> Caller:
    """The caller with its key, period and snapshot as they are now, read with one statement.

    Raises `KeyRefused` if the key may no longer be used for creates.
    """
    values = {**_common_values(caller.now), **_further_values([caller]), "prefix": [caller.key.prefix]}
    row = prepared.fetch(sql.FULL_SNAPSHOT.statement, values)
    found = sql.FULL_SNAPSHOT.read(row, build_key) if row else None
    if found is None or not found.key.is_usable(caller.now) or Scope.WRITE not in found.key.scopes:
        raise KeyRefused
    fresh = Caller.of(found.key, caller.now, caller.fingerprint)
    if fresh.period != caller.period:  # the tenant's time zone has changed
        return renewed(fresh)
    return _with_further(replace(fresh, snapshot=_snapshot(fresh, found.beside)), found.beside)


def read_snapshot(caller: Caller) -> Snapshot:
    """Read everything the decision depends on. Raises `KeyRefused` if the key is no longer usable."""
    return snapshot_in(renewed(caller))


def snapshot_in(caller: Caller) -> Snapshot:
    """The snapshot that the caller was read with."""
    assert caller.snapshot is not None  # noqa: S101 - for the type checker
    return caller.snapshot


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


def _needs_further(caller: Caller) -> bool:
    key, period, totals = caller.key, caller.period, snapshot_in(caller).totals
    return (
        (totals.day, totals.month) != (period.day, period.month)
        or key.has_limits
        or caller.fingerprint.is_retry
    )


def _read_further(callers: Sequence[Caller]) -> list[Mapping[str, Row]]:
    if not callers:
        return []
    values = {**_common_values(callers[0].now), **_further_values(callers)}
    found = map(sql.FURTHER_COLUMNS.read, prepared.fetch_all(sql.FURTHER, values))
    return sorted(found, key=itemgetter("nth"))


def _further_values(callers: Sequence[Caller]) -> dict[str, Sequence[Any]]:
    now, fingerprints = callers[0].now, [caller.fingerprint for caller in callers]
    return {
        "idempotency_key": [one.idempotency_key for one in fingerprints],
        "tenant": [caller.key.tenant_id for caller in callers],
        "key": [Int8(caller.key.pk) for caller in callers],
        # A LIMIT; without a rate, or with a rate of 0, the count is not used.
        "key_rate": [Int8(caller.key.requests_per_minute or 1) for caller in callers],
        "day": [caller.period.day for caller in callers],
        "month": [caller.period.month for caller in callers],
        "retried_since": [first_uuid7(now - one.first_sent_within) for one in fingerprints],
        "fingerprint": [one.body for one in fingerprints],
    }


def _common_values(now: datetime) -> dict[str, Any]:
    return {
        "default_rate": default_columns()[FIELDS.index("requests_per_minute")],
        "minute_ago": first_uuid7(now - MINUTE),
        "replayable_since": now - KEY_LIFETIME,
    }


def _with_further(caller: Caller, found: Mapping[str, Row]) -> Caller:
    snapshot = snapshot_in(caller)
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
    return replace(caller, snapshot=replace(snapshot, totals=totals, recent=recent, earlier=earlier))
