"""May this tenant have one more task now? All limits at once, decided by one look at what it has.

The look is taken without a lock. What is then written is written only if the totals are still those that
were looked at (their version), so nothing is ever decided by what is no longer true; where they moved on,
it is decided once more under the lock of the tenant's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8

from accounts.models import APIKey
from accounts.models.api_key import from_row
from accounts.quotas.in_force import FIELDS, default_columns, limits_from
from accounts.quotas.limits import MINUTE, Limits, Minute, Recent
from accounts.quotas.standing import COLUMNS
from accounts.quotas.totals import Period, Totals
from config.db import prepared
from config.ids import first_uuid7
from videos.errors import KeyRefused
from videos.tasks import sql
from videos.tasks.idempotency import KEPT, Earlier, Repetition

_TOTALS, _QUOTA, _FURTHER = len(COLUMNS), len(FIELDS), 11
"""How many columns of `statements.LOOK` and `FURTHER` are what."""


@dataclass(frozen=True)
class Asker:
    """Who asks for a task, when, and what tells whether it was asked for before."""

    key: APIKey
    now: datetime
    period: Period
    repetition: Repetition

    @classmethod
    def of(cls, key: APIKey, now: datetime, repetition: Repetition) -> "Asker":
        """With the tenant's own day and month at that moment."""
        return cls(key, now, Period.of(now, key.tenant.clock), repetition)


@dataclass(frozen=True)
class Look:
    """What was seen in one snapshot, or in two of which the second can only be newer."""

    totals: Totals
    limits: Limits
    recent: Recent
    earlier: Earlier
    bucket: tuple[str | None, str | None, str | None]
    """The name, region and path prefix of the tenant's own bucket; None or empty where it has none."""
    offers: UUID | None
    """The revision of what is on offer."""


def looked_up(now: datetime, idempotency_key: str | None) -> Mapping[str, Any]:
    """The values of `statements.LOOK`, but for the key's prefix."""
    return {
        "default_rate": default_columns()[FIELDS.index("requests_per_minute")],
        **_lately(now, idempotency_key),
    }


def seen_with_key(asker: Asker) -> Look:
    """What the statement that found the key saw beside it."""
    return _look(asker, asker.key.beside)


def look(asker: Asker) -> Look:
    """See all that the decision depends on. Raises `KeyRefused` where the key may not be used any more."""
    values = {
        **looked_up(asker.now, asker.repetition.idempotency_key),
        **_further_values(asker),
        "prefix": asker.key.prefix,
    }
    row = prepared.fetch(sql.LOOK_AGAIN, values)
    key = from_row(row) if row else None
    if key is None or not key.is_usable(asker.now):
        raise KeyRefused
    return _with_further(asker, _seen(asker, key.beside[:-_FURTHER]), key.beside[-_FURTHER:])


def _look(asker: Asker, row: prepared.Row) -> Look:
    seen = _seen(asker, row)
    return _further(asker, seen) if _is_more_to_see(asker, seen) else seen


def _seen(asker: Asker, row: prepared.Row) -> Look:
    totals, has_quota, quota = row[:_TOTALS], row[_TOTALS], row[_TOTALS + 1 : _TOTALS + 1 + _QUOTA]
    tasks, since, fingerprint, answer, *bucket, offers = row[_TOTALS + 1 + _QUOTA :]
    limits, minute = limits_from(quota if has_quota else default_columns(), asker.key), Minute(tasks, since)
    return Look(
        totals=Totals(*totals),
        limits=limits,
        recent=Recent(_full_since(minute, limits.requests_per_minute), minute=minute),
        earlier=Earlier(fingerprint, answer),
        bucket=(bucket[0], bucket[1], bucket[2]),
        offers=offers,
    )


def _full_since(minute: Minute, limit: int | None) -> datetime | None:
    return minute.since if limit is not None and minute.tasks >= limit else None


def _is_more_to_see(asker: Asker, seen: Look) -> bool:
    key, period = asker.key, asker.period
    return (
        (seen.totals.day, seen.totals.month) != (period.day, period.month)
        or key.requests_per_minute is not None
        or key.spend_per_month is not None
        or asker.repetition.is_retry
    )


def _further(asker: Asker, seen: Look) -> Look:
    row = prepared.fetch(sql.FURTHER, _further_values(asker))
    assert row is not None, "sums are always found"  # noqa: S101 - for the type checker
    return _with_further(asker, seen, row)


def _further_values(asker: Asker) -> dict[str, Any]:
    key, period = asker.key, asker.period
    return {
        "tenant": key.tenant_id,
        "key": Int8(key.pk),
        # An offset cannot be negative; no task counts where none may be made.
        "key_rate": Int8(key.requests_per_minute or 1),
        "day": period.day,
        "month": period.month,
        "retried_since": first_uuid7(asker.now - asker.repetition.first_sent_within),
        "fingerprint": asker.repetition.fingerprint,
        **_lately(asker.now, asker.repetition.idempotency_key),
    }


def _lately(now: datetime, idempotency_key: str | None) -> dict[str, Any]:
    """What both statements look back to."""
    return {
        "minute_ago": first_uuid7(now - MINUTE),
        "idempotency_key": idempotency_key,
        "replayable_since": now - KEPT,
    }


def _with_further(asker: Asker, seen: Look, row: prepared.Row) -> Look:
    period = asker.period
    day_seconds, day_spend, month_seconds, month_spend, tasks, since, key_spend, *earlier = row
    key_minute = Minute(tasks, since)
    twins, refused_at, fingerprint, answer = earlier
    is_retry = asker.repetition.is_retry
    return replace(
        seen,
        totals=replace(
            seen.totals,
            day=period.day,
            day_seconds=day_seconds,
            day_spend=day_spend,
            month=period.month,
            month_seconds=month_seconds,
            month_spend=month_spend,
        ),
        recent=replace(
            seen.recent,
            key_full_minute_since=_full_since(key_minute, asker.key.requests_per_minute),
            key_month_spend=key_spend,
            key_minute=key_minute,
        ),
        # The answer once more: whatever use is seen here that was not there before may be its own.
        earlier=Earlier(fingerprint, answer, twins if is_retry else (), refused_at if is_retry else None),
    )
