"""The one door into the job queue."""

from enum import StrEnum
from typing import Any

from procrastinate import tasks
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager


class Job(StrEnum):
    """The jobs there are; `videos.worker.jobs` says what each does. A job's queue has its name."""

    TICK = "tick"
    SUBMIT = "submit"
    POLL = "poll"
    STORE = "store"
    POSTER = "poster"
    SWEEP = "sweep"
    LEARN = "learn"
    ROLL_UP = "roll_up"
    BOOK = "book"


_QUEUE = JobManager(DjangoConnector())


def enqueue(job: Job, *, queueing_lock: str | None = None, **arguments: Any) -> None:
    """Queue a job on Django's own connection: it commits or rolls back with the rows written beside it.

    Procrastinate's own app must not be used for this: inside a running worker it queues on a connection of
    its own, and the job would outlive a transaction that was rolled back.

    Of jobs with the same `queueing_lock`, one can wait at a time: raises `AlreadyEnqueued`, which leaves the
    transaction unusable unless it is caught outside a savepoint of its own.
    """
    tasks.configure_task(
        name=job.value, job_manager=_QUEUE, queue=job.value, queueing_lock=queueing_lock
    ).defer(**arguments)


DEFER_SUBMIT = f"""procrastinate_defer_jobs_v1(ARRAY[ROW('{Job.SUBMIT}', '{Job.SUBMIT}', 0, NULL, NULL,
        jsonb_build_object('account_id', asked.account), NULL)]::procrastinate_job_to_defer_v1[])"""
"""What `enqueue(Job.SUBMIT, account_id=…)` runs, for the `account` of `asked`, which a statement names."""

NO_SUBMIT_WAITS = f"""NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queue_name = '{Job.SUBMIT}'
        AND status = 'todo' AND args = jsonb_build_object('account_id', asked.account))"""
"""Whether a job to submit is needed: one that waits will see the new task, too, or else the next tick will.
So a thousand tasks made at once, or while no worker runs, leave one job and not a thousand.
"""
