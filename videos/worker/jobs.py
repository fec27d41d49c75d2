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
from videos.models import UpstreamAccount
from videos.queueing import Job
from videos.routing.clients import client_for
from videos.routing.rate_limits import UpstreamCall
from videos.worker import poll as poll_step
from videos.worker import poster as poster_step
from videos.worker import store as store_step
from videos.worker import submit as submit_step
from videos.worker import sweep as sweep_step
from videos.worker import tick as tick_step
from videos.worker.pacing import Gate
from videos.worker.threads import in_database, run_concurrently

MOST_POLLS = 4
"""Concurrent poll jobs per account in one worker; an account that answers in time needs two."""
_MINUTE = 60
_polls: Counter[int] = Counter()

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * * *")  # every second
@app.task(name=Job.TICK, queue=Job.TICK, queueing_lock=Job.TICK)
async def tick(timestamp: int) -> None:
    """Queue jobs for the work that is due."""
    await in_database(tick_step.start_due_work, timezone.now())


@app.task(name=Job.SUBMIT, queue=Job.SUBMIT)
async def submit(account_id: int) -> None:
    """Submit queued tasks to one account, as fast as its rate limit allows."""
    account = await in_database(UpstreamAccount.objects.get, pk=account_id)
    await client_for(account)  # connecting takes longer than a slot lasts
    slots = await in_database(submit_step.reserve_slots, account, timezone.now())
    gates = [Gate(account, UpstreamCall.CREATE, slot) for slot in slots]
    await run_concurrently(submit_step.submit_next(account, gate, timezone.now) for gate in gates)


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
    account = await in_database(UpstreamAccount.objects.get, pk=account_id)
    await client_for(account)  # as above
    slots, tasks = await in_database(poll_step.claim_due, account, timezone.now())
    gates = [Gate(account, UpstreamCall.DESCRIBE, slot) for slot in slots]
    await run_concurrently(
        poll_step.look(account, task, gate, timezone.now) for task, gate in zip(tasks, gates, strict=False)
    )


@app.task(name=Job.STORE, queue=Job.STORE)
async def store(task_id: str) -> None:
    """Fetch and store one result."""
    await store_step.store(UUID(task_id), timezone.now)


@app.task(name=Job.POSTER, queue=Job.POSTER)
async def poster(task_id: str) -> None:
    """Make the poster of one video."""
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
