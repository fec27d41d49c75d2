"""Submit: the paid create call, never repeated unless upstream surely did not receive it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from config import disk
from videos.models import AccountState, Task, UpstreamAccount
from videos.products import Product
from videos.requests import InvalidRequestError
from videos.routing import health, rate_limits
from videos.routing.choice import Queue, Share, candidates, distribute
from videos.routing.clients import client_for
from videos.routing.offers import Offers
from videos.routing.rate_limits import UpstreamCall
from videos.states import Attention, Status
from videos.tasks import lifecycle, submission, turns
from videos.tasks.failures import FailureCode
from videos.upstream import Translation, stores_in_buckets
from videos.upstream.base import (
    AccountRefused,
    Duplicate,
    Faulted,
    OutcomeUnknown,
    Refused,
    Submitted,
    Throttled,
    Unavailable,
    Upstream,
    UpstreamError,
)
from videos.upstream.redaction import call_detail
from videos.worker import outcomes, settle
from videos.worker.pacing import PREPARATION, Gate, RateLimitSpent, backoff
from videos.worker.payloads import payload_of
from videos.worker.threads import in_database, in_database_with_retries

MOST_AT_ONCE = 20
"""Submissions to one account in one round; the rate limit allows fewer."""
MOST_IN_FLIGHT = 60
"""Unanswered calls per account; more would only wait for an account that hangs."""
SLOW, MOST_SLOW = timedelta(seconds=5), 3
"""An account that has not answered so many calls for so long gets no more until it does: it may hang, and
what it is sent then ends in doubt.
"""
MOST_FAULTS = 8
"""Submissions of a task that upstream fails without saying why, over about three minutes."""
PLACE = ("product", "endpoint", "region", "sub_app_id", "secret_id")
"""The fields of an account that say where its tasks are."""
MOST_BUCKET_TRIES = 5
"""Submissions of a task whose bucket upstream may not write to, before it fails."""
POSTPONEMENT = timedelta(minutes=5)
"""How long a task whose payload could not be built waits for its next try."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Round:
    """Tasks that one account is to take now."""

    account_id: int
    wanted: int
    queues: frozenset[Queue]
    """From which it takes them, in turn."""
    served: float
    """What it counts as having had before this round."""


def plan(now: datetime) -> list[Round]:
    """Share the tasks that are due among the accounts.

    Nothing while the disk is nearly full, as a paid task might be neither recorded nor stored.
    """
    if disk.is_short():
        log.warning("nothing is submitted while so little space is free", free=disk.free())
        return []
    accounts = Offers.current().accounts
    owners = {account.owner_id for account in accounts if account.owner_id is not None}
    waiting = turns.waiting(owners, MOST_AT_ONCE * max(1, len(accounts)), now) if accounts else {}
    able = {account.pk: account for queue in waiting for account in candidates(queue, accounts)}
    shares = _shares(list(able.values()), now)
    return [
        Round(
            share.account.pk,
            share.taken,
            frozenset(share.queues),
            share.served - share.taken / share.account.weight,
        )
        for share in distribute(waiting, shares, MOST_AT_ONCE)
    ]


def _shares(accounts: list[UpstreamAccount], now: datetime) -> list[Share]:
    states = AccountState.objects.in_bulk([account.pk for account in accounts])
    return [
        Share(account, states[account.pk].served, _room(account, states[account.pk], now))
        for account in accounts
        if account.pk in states
    ]


def _room(account: UpstreamAccount, state: AccountState, now: datetime) -> int:
    """How many tasks the account may take now."""
    if not health.health_of(state).takes_tasks(now):
        return 0
    of_account = Task.objects.filter(account=account.pk)
    submitting = of_account.filter(status=Status.SUBMITTING)
    begun = list(submitting.values_list("submitted_at", flat=True)[:MOST_IN_FLIGHT])
    if sum(at is not None and at < now - SLOW for at in begun) >= MOST_SLOW:
        return 0
    room = MOST_IN_FLIGHT - len(begun)
    if account.most_open_tasks is not None:
        room = min(room, account.most_open_tasks - len(begun) - _perhaps_running(account, now))
    return max(0, min(room, 1) if state.condition == AccountState.Condition.TRIAL else room)


def _perhaps_running(account: UpstreamAccount, now: datetime) -> int:
    """The tasks that the account runs, as far as it tells, and those in doubt that it may still run."""
    of_account = Task.objects.filter(account=account.pk)
    since = now - timedelta(hours=settings.TASK_DEADLINE_HOURS)
    doubtful = of_account.filter(status=Status.IN_DOUBT, submitted_at__gt=since)
    running = of_account.filter(status=Status.RUNNING).exclude(attention__startswith=Attention.NOT_TOLD)
    return running.count() + doubtful.count()


def reserve_slots(account: UpstreamAccount, wanted: int) -> list[float]:
    """Reserve slots for so many creates, as far as the rate limit allows."""
    return rate_limits.reserve(account, UpstreamCall.CREATE, wanted, lead=PREPARATION)


async def submit_next(
    account: UpstreamAccount, turn: Round, gate: Gate, clock: Callable[[], datetime]
) -> None:
    """Submit the next task in turn, if there is one, when the gate opens."""
    client = await client_for(account)
    await gate.nears()
    task = await in_database(claim_next, account, turn, clock())
    if task is None:
        return
    try:
        payload = await payload_of(task, account, clock())
        await gate.opens()
        _check_still_works(account, clock())
    except BaseException as error:
        await in_database_with_retries(_not_sent, account, task, error, clock())
        if isinstance(error, RateLimitSpent):
            return
        raise
    await _send(client, account, task, payload, clock)


def claim_next(account: UpstreamAccount, turn: Round, now: datetime) -> Task | None:
    """Claim the next task in turn for the account, and store its payload; None if it can take none now."""
    with transaction.atomic():
        # Locked, so that no two workers fill the same room.
        state = _locked_state(account)
        health.saw(state)
        if not _is_unchanged(account, state.account) or not _room(state.account, state, now):
            return None
        task = turns.next_in_turn(turn.queues, now)
        if task is None:
            return None
        try:
            translation, problems = _translated(task, Product(account.product))
        except Exception as error:  # a bug of ours must not keep the account's other tasks from their turn
            log.exception("a payload could not be built", task=task.public_id)
            _postpone(task, error, now)
            return None
        lifecycle.claim(task, account, translation, now)
        _count(account, turn, state, now)
    if problems:
        _uncount(account)
        lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, problems[0], now, violations=problems)
        return None
    return task


def _locked_state(account: UpstreamAccount) -> AccountState:
    """The account's state, with the account as it is now; both locked, so that the account does not move."""
    both = AccountState.objects.select_for_update(of=("self", "account"), no_key=True)
    states = both.select_related("account")
    return states.defer("account__secret_key", "account__proxy_url").get(account=account.pk)


def _is_unchanged(account: UpstreamAccount, current: UpstreamAccount) -> bool:
    """Whether it still takes the tasks that were meant for it."""
    is_same = all(getattr(account, name) == getattr(current, name) for name in PLACE)
    return is_same and account.owner_id == current.owner_id and current.is_enabled


def _count(account: UpstreamAccount, turn: Round, state: AccountState, now: datetime) -> None:
    """Count a task that the account takes; on trial it is the only one."""
    served = Greatest(F("served"), Value(turn.served)) + 1 / account.weight
    trial_at = health.health_of(state).with_trial(now).trial_at
    AccountState.objects.filter(account=account.pk).update(served=served, trial_at=trial_at)


def _postpone(task: Task, error: Exception, now: datetime) -> None:
    lifecycle.lease([task.pk], Status.QUEUED, now + POSTPONEMENT)
    lifecycle.flag(task, Attention.NOT_BUILT.about(type(error).__name__), now)


def _translated(task: Task, product: Product) -> tuple[Translation, list[str]]:
    """The task for upstream, or what is wrong with it, if the rules changed since it was created."""
    try:
        return submission.translated(task, product, task.attempts + 1), []
    except InvalidRequestError as error:
        return Translation("", {}, task.not_forwarded), [violation.message for violation in error.violations]


def _check_still_works(account: UpstreamAccount, now: datetime) -> None:
    """Raise `RateLimitSpent` if the account was found not to work since the task was claimed."""
    if health.takes_nothing(account.pk, now):
        raise RateLimitSpent


async def _send(
    client: Upstream,
    account: UpstreamAccount,
    task: Task,
    payload: Mapping[str, Any],
    clock: Callable[[], datetime],
) -> None:
    sent = clock()
    try:
        submitted = await client.create(payload)
    except UpstreamError as error:
        is_bucket = await _is_about_bucket(client, account, task, error)
        record = _bucket_refused if is_bucket else _not_accepted
        await in_database_with_retries(record, account, task, error, sent, clock())
    except BaseException as error:
        # Interrupted during the call, or a bug of ours: whether it was sent is unknown.
        unknown = OutcomeUnknown(f"cut off ({type(error).__name__})")
        await in_database_with_retries(_in_doubt, account, task, unknown, sent, clock())
        raise
    else:
        # Already paid for: if the database stays away, the log still has the upstream id.
        log.info("accepted", task=task.public_id, upstream_task_id=submitted.task_id)
        await in_database_with_retries(_accepted, account, task, submitted, sent, clock())


def _not_sent(account: UpstreamAccount, task: Task, error: BaseException, now: datetime) -> None:
    lifecycle.requeue(task, {"error": type(error).__name__}, now, now)
    _uncount(account)


def _uncount(account: UpstreamAccount) -> None:
    """Nothing was sent: the account has had nothing, and may still be tried."""
    AccountState.objects.filter(account=account.pk).update(
        served=F("served") - 1 / account.weight, trial_at=None
    )


def _accepted(
    account: UpstreamAccount, task: Task, submitted: Submitted, sent: datetime, now: datetime
) -> None:
    outcomes.accept(task, submitted.task_id, now, **_detail(submitted, sent, now))
    health.record_create(account.pk, None, now, known=account.state)


async def _is_about_bucket(
    client: Upstream, account: UpstreamAccount, task: Task, error: UpstreamError
) -> bool:
    """Whether only the task's bucket is refused: one tenant's bucket must not stop the account."""
    goes_to_bucket = bool(task.store_bucket) and stores_in_buckets(Product(account.product))
    if not (goes_to_bucket and isinstance(error, AccountRefused) and error.reason.may_be_bucket):
        return False
    try:
        await client.check()
    except UpstreamError:
        return False
    return True


def _not_accepted(
    account: UpstreamAccount, task: Task, error: UpstreamError, sent: datetime, now: datetime
) -> None:
    # First, so that no other task follows this one.
    health.record_create(account.pk, error, now, tenant=task.tenant_id)
    if isinstance(error, Faulted) and task.attempts >= MOST_FAULTS:
        outcomes.give_up(task, error, now, upstream=_detail(error, sent, now))
    elif isinstance(error, Throttled | Unavailable):
        lifecycle.requeue(task, _detail(error, sent, now), now + _delay(account, task, error), now)
    elif isinstance(error, Refused) and not isinstance(error, Duplicate):
        outcomes.refuse(task, error, now, upstream=_detail(error, sent, now))
    else:  # a twin means that upstream has the task, as after the database was put back to an earlier state
        _in_doubt(account, task, error, sent, now)


def _detail(outcome: UpstreamError | Submitted, sent: datetime, now: datetime) -> dict[str, Any]:
    return call_detail(UpstreamCall.CREATE, outcome, (now - sent).total_seconds())


def _bucket_refused(
    account: UpstreamAccount, task: Task, error: UpstreamError, sent: datetime, now: datetime
) -> None:
    """Staff or the tenant must mend the bucket; the task fails once others show that the account is fine."""
    detail = _detail(error, sent, now)
    if task.attempts >= MOST_BUCKET_TRIES and _takes_others(account, task):
        refused = Refused(error.message, code=error.code, reason=replace(error.reason, is_ours=True))
        outcomes.refuse(task, refused, now, upstream=detail)
        return
    lifecycle.requeue(task, detail, now + backoff(task.attempts), now)
    lifecycle.flag(task, Attention.BUCKET_REFUSED.about(task.store_bucket), now)
    _uncount(account)


def _takes_others(account: UpstreamAccount, task: Task) -> bool:
    """Whether the account accepted a task since that goes to another place."""
    accepted = Task.objects.filter(account=account.pk, accepted_at__gte=task.created_at)
    return accepted.exclude(store_bucket=task.store_bucket).exists()


def _delay(account: UpstreamAccount, task: Task, error: UpstreamError) -> timedelta:
    """How long until its next try.

    Zero if the account does not work: it takes nothing meanwhile, and others may take the task. But after a
    trial another task is to be next, in case this one is the reason.
    """
    was_on_trial = account.state.condition == AccountState.Condition.TRIAL
    if isinstance(error, AccountRefused) and not was_on_trial:
        return timedelta(0)
    return backoff(task.attempts)


def _in_doubt(
    account: UpstreamAccount, task: Task, error: UpstreamError, sent: datetime, now: datetime
) -> None:
    lifecycle.in_doubt(
        task, _detail(error, sent, now), now, settle.first_look(task, Product(account.product), now)
    )
