"""The Procrastinate jobs; each runs its step. No job queues itself, so there is no chain to break."""

from collections import Counter
from contextlib import suppress
from uuid import UUID

import structlog
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status as JobStatus

from videos.billing import statements
from videos.estimates import generation_times
from videos.listing import prompts
from videos.metrics import hourly
from videos.models import AccountState, UpstreamAccount
from videos.queueing import Job
from videos.routing import health
from videos.routing.clients import client_for, with_secrets
from videos.routing.rate_limits import UpstreamCall
from videos.upstream.base import NotSent
from videos.worker import alert as alert_step
from videos.worker import check as check_step
from videos.worker import mailing
from videos.worker import notify as notify_step
from videos.worker import poll as poll_step
from videos.worker import poster as poster_step
from videos.worker import settle as settle_step
from videos.worker import store as store_step
from videos.worker import submit as submit_step
from videos.worker import sweep as sweep_step
from videos.worker import tick as tick_step
from videos.worker.pacing import Gate
from videos.worker.threads import in_database, run_concurrently

MOST_POLLS = 4
"""Concurrent poll jobs per account in one worker; an account that answers in time needs two."""
_MINUTE = 60
MOST_SUBMITS = 4
"""Concurrent rounds of submissions per account in one worker."""
_polls: Counter[int] = Counter()
_submits: Counter[int] = Counter()

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * * *")  # every second
@app.task(name=Job.TICK, queue=Job.TICK, queueing_lock=Job.TICK)
async def tick(timestamp: int) -> None:
    """Queue jobs for the work that is due."""
    await in_database(tick_step.start_due_work, timezone.now())


@app.task(name=Job.SUBMIT, queue=Job.SUBMIT)
async def submit(account_id: int | None = None) -> None:
    """Share the queued tasks among the accounts, and submit as many as their rate limits allow.

    Jobs that the release before queued name an account, which no longer matters.
    """
    rounds = await in_database(submit_step.plan, timezone.now())
    await run_concurrently(_submit(turn) for turn in rounds)


async def _submit(turn: submit_step.Round) -> None:
    if _submits[turn.account_id] >= MOST_SUBMITS:
        return  # a slow account must not occupy the worker's job slots
    _submits[turn.account_id] += 1
    try:
        account = await _connected(turn.account_id)
        if account is None:
            return
        slots = await in_database(submit_step.reserve_slots, account, turn.wanted)
        gates = [Gate(account, UpstreamCall.CREATE, slot) for slot in slots]
        await run_concurrently(submit_step.submit_next(account, turn, gate, timezone.now) for gate in gates)
    finally:
        _submits[turn.account_id] -= 1


async def _connected(account_id: int) -> UpstreamAccount | None:
    """The account, with a client made, as that takes longer than a slot lasts.

    None if its settings allow none, which its health then tells.
    """
    try:
        account = await in_database(with_secrets, account_id)
        await client_for(account)
    except NotSent as error:
        await in_database(health.record_create, account_id, error, timezone.now())
        return None
    return account


@app.task(name=Job.POLL, queue=Job.POLL)
async def poll(account_id: int) -> None:
    """Poll the due tasks of one account, as fast as its rate limit allows."""
    if _polls[account_id] >= MOST_POLLS:
        return  # a slow account must not occupy the worker's job slots
    _polls[account_id] += 1
    try:
        await _poll(account_id)
    finally:
        _polls[account_id] -= 1


async def _poll(account_id: int) -> None:
    account = await _connected(account_id)
    if account is None or account.state.condition == AccountState.Condition.OPEN:
        return  # its tasks are polled once a check succeeds
    slots, tasks = await in_database(poll_step.claim_due, account, timezone.now())
    gates = [Gate(account, UpstreamCall.DESCRIBE, slot) for slot in slots]
    await run_concurrently(
        poll_step.look(account, task, gate, timezone.now) for task, gate in zip(tasks, gates, strict=False)
    )


@app.task(name=Job.SETTLE, queue=Job.SETTLE)
async def settle(task_id: str) -> None:
    """Look for evidence of a submission in doubt."""
    await settle_step.settle(UUID(task_id), timezone.now)


@app.task(name=Job.CHECK, queue=Job.CHECK)
async def check(account_id: int) -> None:
    """Check the connection of an account."""
    await check_step.check(account_id, timezone.now)


@app.task(name=Job.STORE, queue=Job.STORE)
async def store(task_id: str) -> None:
    """Fetch and store one result."""
    await store_step.store(UUID(task_id), timezone.now)


@app.task(name=Job.POSTER, queue=Job.POSTER)
async def poster(task_id: str) -> None:
    """Make the poster and the preview of one video."""
    await poster_step.keep(UUID(task_id))


@app.periodic(cron="* * * * * 30")  # every minute
@app.task(name=Job.LEARN, queue=Job.LEARN, queueing_lock=Job.LEARN)
async def learn(timestamp: int) -> None:
    """Update the usual generation times of the models."""
    await in_database(generation_times.learn, timezone.now())


@app.periodic(cron="* * * * * 0")  # every minute
@app.task(name=Job.ROLL_UP, queue=Job.ROLL_UP, queueing_lock=Job.ROLL_UP)
async def roll_up(timestamp: int) -> None:
    """Update the hourly counts."""
    await in_database(hourly.roll_up, timezone.now())


@app.periodic(cron="*/5 * * * * 45")  # every five minutes
@app.task(name=Job.BOOK, queue=Job.BOOK, queueing_lock=Job.BOOK)
async def book(timestamp: int) -> None:
    """Add new ledger entries to the daily sums."""
    await in_database(statements.update_daily_sums)


@app.periodic(cron="* * * * * */2")  # every two seconds
@app.task(name=Job.ADD_PROMPTS, queue=Job.ADD_PROMPTS, queueing_lock=Job.ADD_PROMPTS)
async def add_prompts(timestamp: int) -> None:
    """Add new tasks to the search."""
    back = prompts.BRIEF if timestamp % _MINUTE else prompts.LONG
    await in_database(prompts.add_new, timezone.now(), back)


@app.periodic(cron="0 6 * * *")  # every day
@app.task(name=Job.NOTIFY, queue=Job.NOTIFY, queueing_lock=Job.NOTIFY)
async def notify(timestamp: int) -> None:
    """Tell tenants which copies of their videos go soon."""
    await in_database(notify_step.notify, timezone.now())


@app.periodic(cron="* * * * * 20")  # every minute
@app.task(name=Job.ALERT, queue=Job.ALERT, queueing_lock=Job.ALERT)
async def alert(timestamp: int) -> None:
    """Tell tenants whose balance has fallen below their level."""
    await mailing.send_due(alert_step, timezone.now())


@app.periodic(cron="* * * * * 40")  # every minute
@app.task(name=Job.EXPIRY_MAILS, queue=Job.EXPIRY_MAILS, queueing_lock=Job.EXPIRY_MAILS)
async def expiry_mails(timestamp: int) -> None:
    """Send the mails about copies that go soon."""
    await mailing.send_due(notify_step, timezone.now())


@app.periodic(cron="* * * * * */10")  # every ten seconds
@app.task(name=Job.SWEEP, queue=Job.SWEEP, queueing_lock=Job.SWEEP, pass_context=True)
async def sweep(context: JobContext, timestamp: int) -> None:
    """Handle tasks that are stuck, and jobs whose worker died."""
    await in_database(sweep_step.sweep, timezone.now())
    for job in await context.app.job_manager.get_stalled_jobs():
        # Its work is still due in the task rows, so the next tick queues it again.
        log.warning("a job's worker died", job=job.task_name)
        with suppress(ConnectorException):  # another sweep was faster
            await context.app.job_manager.finish_job(job, JobStatus.ABORTED, delete_job=True)
