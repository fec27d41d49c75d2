"""The health of accounts in the database, where every worker sees it; `breaker` has the rules."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from videos.models import AccountState
from videos.routing import breaker
from videos.routing.breaker import WORKING, Condition, Health, Outcome
from videos.upstream.base import UpstreamError
from videos.upstream.redaction import redacted

log = structlog.get_logger(__name__)
_FIELDS = [field.name for field in fields(Health)]
_troubled: dict[int, Health] = {}
"""Accounts that this process has seen fail, until they work again: known without a query."""


def health_of(state: AccountState) -> Health:
    """The health in a row."""
    return Health(**{name: getattr(state, name) for name in _FIELDS})


def record_create(
    account_id: int,
    error: UpstreamError | None,
    now: datetime,
    *,
    tenant: UUID | None = None,
    known: AccountState | None = None,
) -> None:
    """Note how a create of that tenant's ended; None is an answer. `known` is the state before it."""
    if error is None and known is not None and health_of(known) == WORKING:
        return
    _change(account_id, lambda health: breaker.after_create(health, error, now, tenant))


def record_query(account_id: int, error: UpstreamError | None, now: datetime, known: AccountState) -> None:
    """Note how a query ended; None is an answer. `known` is the account's state before it."""
    if error is None and not known.recent_queries:
        return
    _change(account_id, lambda health: breaker.after_query(health, error, now))


def record_check(account_id: int, error: UpstreamError | None, now: datetime) -> bool:
    """Note how a check of the connection ended, for the breaker and for staff; returns whether it works."""
    if breaker.outcome_of(error) is Outcome.THROTTLED:
        error = None  # it was let in far enough to be counted
    AccountState.objects.filter(account=account_id).update(
        checked_at=now,
        check_code="" if error is None else (error.code or type(error).__name__)[:100],
        check_message="" if error is None else str(redacted(error.message)),
    )
    _change(account_id, lambda health: breaker.after_check(health, error, now))
    return error is None


def close(account_id: int) -> None:
    """Staff say that the account works."""
    _change(account_id, lambda health: WORKING)


def takes_trial(account_id: int, now: datetime) -> bool:
    """Take the trial of an account on trial; False if another call is being tried."""
    with transaction.atomic():
        state = AccountState.objects.select_for_update().get(account=account_id)
        health = health_of(state)
        if not health.takes_tasks(now):
            return False
        AccountState.objects.filter(account=account_id).update(trial_at=health.with_trial(now).trial_at)
    return True


def saw(state: AccountState) -> None:
    """Remember what the database says, which another process may have written."""
    _remember(state.account_id, health_of(state))


def takes_nothing(account_id: int, now: datetime) -> bool:
    """Whether this process knows that the account takes no tasks now; others may know more."""
    retry_at = _troubled.get(account_id, WORKING).retry_at
    return retry_at is not None and now < retry_at


def is_out(account_id: int, now: datetime) -> bool:
    """Whether this process knows that the account is out of service, so that no call would be answered."""
    out = _troubled.get(account_id, WORKING).condition == Condition.OPEN
    return out and takes_nothing(account_id, now)


def forget() -> None:
    """Forget what only this process knows, as after a restart."""
    _troubled.clear()


def _change(account_id: int, change: Callable[[Health], Health]) -> None:
    with transaction.atomic():
        state = AccountState.objects.select_for_update().get(account=account_id)
        before = health_of(state)
        after = change(before)
        if after == before:
            return
        for name in _FIELDS:
            setattr(state, name, getattr(after, name))
        state.message = str(redacted(state.message))
        state.save(update_fields=_FIELDS)
    _remember(account_id, after)
    if after.condition != before.condition:
        _tell(account_id, before, after)


def _remember(account_id: int, health: Health) -> None:
    if health.retry_at is not None:
        _troubled[account_id] = health
    else:
        _troubled.pop(account_id, None)


def _tell(account_id: int, before: Health, after: Health) -> None:
    level = log.error if after.condition == Condition.OPEN else log.warning
    level(
        "an upstream account changed its condition",
        account=account_id,
        before=str(before.condition),
        after=str(after.condition),
        reason=after.reason,
        retry_at=after.retry_at and after.retry_at.isoformat(),
    )
