"""The only place where jobs are queued."""

from enum import StrEnum
from typing import Any

from django.db import connection
from procrastinate import tasks
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager


class Job(StrEnum):
    """All jobs; `videos.worker.jobs` describes each. A job's queue has the same name."""

    TICK = "tick"
    SUBMIT = "submit"
    SETTLE = "settle"
    CHECK = "check"
    POLL = "poll"
    STORE = "store"
    POSTER = "poster"
    SWEEP = "sweep"
    NOTIFY = "notify"
    ALERT = "alert"
    EXPIRY_MAILS = "expiry_mails"
    LEARN = "learn"
    ROLL_UP = "roll_up"
    BOOK = "book"
    ADD_PROMPTS = "add_prompts"


_QUEUE = JobManager(DjangoConnector())


def enqueue(job: Job, *, queueing_lock: str | None = None, **arguments: Any) -> None:
    """Queue a job on Django's own connection: it commits or rolls back with the current transaction.

    Procrastinate's own app must not be used for this: inside a running worker it queues on a separate
    connection, and the job would survive a rollback.

    Only one job per `queueing_lock` can wait: a second raises `AlreadyEnqueued`, which breaks the transaction
    unless the call has a savepoint of its own.
    """
    tasks.configure_task(
        name=job.value, job_manager=_QUEUE, queue=job.value, queueing_lock=queueing_lock
    ).defer(**arguments)


def enqueue_submit() -> None:
    """Queue a submit job unless one waits already."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DEFER_SUBMIT} WHERE {NO_SUBMIT_WAITS}")


DEFER_SUBMIT = f"""procrastinate_defer_jobs_v1(ARRAY[ROW('{Job.SUBMIT}', '{Job.SUBMIT}', 0, NULL, NULL,
        '{{}}'::jsonb, NULL)]::procrastinate_job_to_defer_v1[])"""
"""The SQL of `enqueue(Job.SUBMIT)`."""

NO_SUBMIT_WAITS = f"""NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queue_name = '{Job.SUBMIT}'
        AND status = 'todo')"""
"""SQL condition: no submit job is waiting. A waiting one, or the next tick, finds the new task too, so a
thousand tasks created at once, or while no worker runs, leave a single job.
"""
