"""Run a worker until it is told to stop, also across the loss of the database."""

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

PAUSE = 1.0
"""Seconds before the next try after a worker ended by itself."""
STATEMENT_SECONDS = 80
MOST_GRACE = 3600
"""Seconds that a step in hand may be given."""

FETCHING, DRAWING = (Job.STORE,), (Job.POSTER,)
MOVING = tuple(job for job in Job if job not in FETCHING + DRAWING)
"""Results are fetched apart: slow links must not take the places of what moves tasks on."""
MOST_AT_A_TIME: dict[tuple[Job, ...], int] = {
    MOVING: settings.PROCRASTINATE_WORKER_DEFAULTS["concurrency"],
    FETCHING: settings.PROCRASTINATE_WORKER_DEFAULTS["concurrency"],
    # Videos are decoded one by one: that takes a processor, which results must not wait for.
    DRAWING: 1,
}
"""The jobs that take places from each other, and how many of them one process runs."""

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Run a worker until SIGTERM or Ctrl-C. It finishes the step in hand, and outlives its database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--shutdown-graceful-timeout",
            type=float,
            default=settings.PROCRASTINATE_WORKER_DEFAULTS["shutdown_graceful_timeout"],
            help="seconds a step in hand may take when told to stop",
        )

    def handle(self, *_: Any, shutdown_graceful_timeout: float, **__: Any) -> None:
        if not 0 <= shutdown_graceful_timeout <= MOST_GRACE:
            raise CommandError(
                f"--shutdown-graceful-timeout is {shutdown_graceful_timeout:g}: 0 to {MOST_GRACE} is allowed."
            )
        database.limit_statements(STATEMENT_SECONDS)
        asyncio.run(_work_until_stopped(shutdown_graceful_timeout))


class StepsInHand:
    """Counts the steps that run, for a process that is told to stop."""

    def __init__(self) -> None:
        self._count = 0
        self._idle_since = time.monotonic()

    async def __call__(
        self, step: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> object:
        """Run a step, as a middleware of Procrastinate."""
        self._count += 1
        try:
            return await step()
        finally:
            self._count -= 1
            self._idle_since = time.monotonic()

    def end_process(self, grace: float) -> None:
        """Wait until nothing was in hand for `WORKER_LAST_SECONDS`, or until the grace is over, and end.

        The last resort: a library that swallowed the request to stop, or waits for a database that does not
        answer, keeps no process. Runs in a thread of its own.
        """
        last = settings.WORKER_LAST_SECONDS
        told = time.monotonic()
        while (now := time.monotonic()) < told + grace + last:
            if not self._count and now > max(told, self._idle_since) + last:
                os._exit(0)
            time.sleep(PAUSE)
        os._exit(1)


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
            # Procrastinate ends a worker whose connection fails in the wrong moment.
            log.error("the worker ended by itself and is started again", exc_info=outcome)
            await asyncio.wait([waiting], timeout=PAUSE)


async def _work(stopped: "asyncio.Task[Any]", steps: StepsInHand, grace: float) -> None:
    """Run workers until one ends or all are to stop; then let them finish what they have in hand.

    They are told to stop, not cancelled: a connection that is being opened swallows a cancellation.
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
            for broken in filter(None, outcomes):
                raise broken


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
