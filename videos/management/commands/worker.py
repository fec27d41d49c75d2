"""Run a worker until it is told to stop; it survives a loss of the database."""

import asyncio
import os
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.worker import Worker

from config import database
from videos.queueing import Job
from videos.worker import jobs as _jobs  # noqa: F401 - registers the jobs
from videos.worker.fetching import MOST_SLOW

MOST_WAITING = 64
"""Results that wait in one worker for a place to be fetched."""
PAUSE = 1.0
"""Seconds before a worker that ended unexpectedly is restarted."""
STATEMENT_SECONDS = 80
MOST_GRACE = 3600
"""The longest allowed grace period, in seconds."""

FETCHING, DRAWING = (Job.STORE,), (Job.POSTER,)
MOVING = tuple(job for job in Job if job not in FETCHING + DRAWING)
"""Results are fetched in a pool of their own: slow links must not block the jobs that advance tasks."""
MOST_AT_A_TIME: dict[tuple[Job, ...], int] = {
    MOVING: settings.PROCRASTINATE_WORKER_DEFAULTS["concurrency"],
    # Jobs wait here for a place, and slow sources are followed beside the places.
    FETCHING: settings.RESULT_FETCHES + MOST_SLOW + MOST_WAITING,
    # Decoding a video occupies a processor, which must not hold up the fetching of results.
    DRAWING: 1,
}
"""The pools of jobs, and how many jobs of each pool one process runs at a time."""

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Run a worker until SIGTERM or Ctrl-C. Finishes its current step; survives database restarts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--shutdown-graceful-timeout",
            type=float,
            default=settings.PROCRASTINATE_WORKER_DEFAULTS["shutdown_graceful_timeout"],
            help="seconds the current step may take after a signal to stop",
        )

    def handle(self, *_: Any, shutdown_graceful_timeout: float, **__: Any) -> None:
        if not 0 <= shutdown_graceful_timeout <= MOST_GRACE:
            raise CommandError(
                f"--shutdown-graceful-timeout is {shutdown_graceful_timeout:g}: 0 to {MOST_GRACE} is allowed."
            )
        database.limit_statements(STATEMENT_SECONDS)
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(_work_until_stopped(shutdown_graceful_timeout))


class StepsInHand:
    """Counts the running steps, to end a stopping process as soon as it is idle."""

    def __init__(self) -> None:
        self._count = 0
        self._idle_since = time.monotonic()

    async def __call__(
        self, step: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> object:
        """Count a step while it runs, as a middleware of Procrastinate."""
        self._count += 1
        try:
            return await step()
        finally:
            self._count -= 1
            self._idle_since = time.monotonic()

    def end_process(self, grace: float) -> None:
        """Exit once no step has run for `WORKER_LAST_SECONDS`, or when the grace period is over.

        The last resort, in a thread of its own: libraries may swallow the request to stop, or wait for a
        database that does not respond.
        """
        idle_seconds = settings.WORKER_LAST_SECONDS
        stopped_at = time.monotonic()
        while (now := time.monotonic()) < stopped_at + grace + idle_seconds:
            if not self._count and now > max(stopped_at, self._idle_since) + idle_seconds:
                os._exit(0)
            time.sleep(PAUSE)
        os._exit(1)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes less CPU, except on Windows."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _work_until_stopped(grace: float) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    waiting = asyncio.create_task(stopped.wait())
    steps = StepsInHand()
    waiting.add_done_callback(
        lambda _: threading.Thread(target=steps.end_process, args=(grace,), daemon=True).start()
    )
    while not stopped.is_set():
        [outcome] = await asyncio.gather(_work(waiting, steps, grace), return_exceptions=True)
        if not stopped.is_set():
            # Procrastinate ends a worker if its connection fails at the wrong moment.
            log.error("the worker ended by itself and is started again", exc_info=outcome)
            await asyncio.wait([waiting], timeout=PAUSE)


async def _work(stopped: "asyncio.Task[Any]", steps: StepsInHand, grace: float) -> None:
    """Run workers until one ends or `stopped` is done; then let them finish their current steps.

    They are stopped, not cancelled: a connection that is being opened swallows a cancellation.
    """
    connector = cast("DjangoConnector", app.connector).get_worker_connector()
    with app.replace_connector(connector):
        async with app.open_async():
            workers = [_worker(*pool, steps, grace) for pool in MOST_AT_A_TIME.items()]
            running = [asyncio.create_task(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]
            await asyncio.wait([*running, stopped], return_when=asyncio.FIRST_COMPLETED)
            for worker in workers:
                worker.stop()  # type: ignore[no-untyped-call]
            outcomes = await asyncio.gather(*running, return_exceptions=True)
            for failure in filter(None, outcomes):
                raise failure


def _worker(queues: Sequence[Job], concurrency: int, steps: StepsInHand, grace: float) -> Worker:
    defaults = settings.PROCRASTINATE_WORKER_DEFAULTS
    return Worker(
        app=app,
        **defaults
        | {
            "queues": [queue.value for queue in queues],
            "concurrency": concurrency,
            "worker_middleware": [steps],
            "install_signal_handlers": False,
            "shutdown_graceful_timeout": grace,
        },
    )
