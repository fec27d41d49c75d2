"""Run a worker until it is told to stop, also across the loss of the database."""

import asyncio
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, cast

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

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


async def _work_until_stopped(grace: float) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    waiting = asyncio.create_task(stopped.wait())
    stopped_hard = threading.Timer(grace + settings.WORKER_LAST_SECONDS, os._exit, [1])
    stopped_hard.daemon = True
    while not stopped.is_set():
        working = asyncio.create_task(_work(grace))
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        if stopped.is_set():
            stopped_hard.start()  # whatever hangs in a database that does not answer
            working.cancel()
        [outcome] = await asyncio.gather(working, return_exceptions=True)
        if not stopped.is_set():
            # Procrastinate ends a worker whose connection fails in the wrong moment.
            log.error("the worker ended by itself and is started again", exc_info=outcome)
            await asyncio.wait([waiting], timeout=PAUSE)


async def _work(grace: float) -> None:
    """Run workers until one ends; then, or when cancelled, let the others finish what they have in hand."""
    connector = cast("DjangoConnector", app.connector).get_worker_connector()
    with app.replace_connector(connector):
        async with app.open_async():
            workers = [asyncio.create_task(_run(*pool, grace)) for pool in MOST_AT_A_TIME.items()]
            try:
                await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for worker in workers:
                    worker.cancel()  # which Procrastinate takes for a request to finish
                outcomes = await asyncio.gather(*workers, return_exceptions=True)
            for broken in filter(None, outcomes):
                raise broken


async def _run(queues: Sequence[Job], concurrency: int, grace: float) -> None:
    await app.run_worker_async(
        queues=[queue.value for queue in queues],
        concurrency=concurrency,
        install_signal_handlers=False,
        shutdown_graceful_timeout=grace,
    )
