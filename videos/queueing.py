"""The one door into the job queue."""

from enum import StrEnum
from typing import Any

from procrastinate import tasks
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager


class Job(StrEnum):
    """The jobs there are; `videos.jobs` says what each does. A job's queue has its name."""

    TICK = "tick"
    SUBMIT = "submit"
    POLL = "poll"
    STORE = "store"
    SWEEP = "sweep"
    LEARN = "learn"


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
