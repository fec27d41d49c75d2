"""A process killed at any step of storing or deleting a video loses nothing, and leaves nothing unnamed."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import randint
from types import FrameType
from typing import Any

import pytest
from django.db import connections

from config import stores
from tests.conftest import NOW, Caller, MakeTask
from tests.support.playable import TINY
from tests.worker.test_steps import reread, serving
from videos.media import process
from videos.models import Task
from videos.results import verification
from videos.results.files import media_name, poster_name
from videos.results.verification import Kind
from videos.states import Status
from videos.tasks import deletion
from videos.worker import store, sweep, threads

pytestmark = pytest.mark.usefixtures("database_threads")

STEPS_IN = ("stores/folder.py", "worker/store.py", "tasks/lifecycle.py", "tasks/deletion.py")
"""A kill comes between two calls of functions in these files."""
MOST_STEPS = 200
STRIDE = int(os.environ.get("KILL_STRIDE", "9"))
"""Of so many steps one is tried, beginning anywhere; `make test-long` tries all."""
LATER = NOW + timedelta(minutes=1)
MUCH_LATER = NOW + timedelta(days=10_000)
"""By then every object has been there for long."""


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a process of its own that is killed at the step; False if it was done before."""
    connections.close_all()
    threads.close()
    child = os.fork()
    if child == 0:
        try:
            process._kept.cache_clear()  # its threads are not in the fork
            _die_at(step)
            work()
        except BaseException:
            os._exit(2)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "the work broke"
    return code == 9


def _die_at(step: int) -> None:
    left = [step]

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.endswith(STEPS_IN):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

    threading.setprofile(count)
    sys.setprofile(count)


def objects() -> set[str]:
    return {found.key for found in stores.results().list()}


def named() -> dict[str, Kind]:
    return {found.key: found.kind for found in verification.differences(None, MUCH_LATER)}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(TINY) + TINY)
    await writer.drain()
    writer.close()


@pytest.mark.processes
def test_a_kill_while_a_video_is_stored(make_task: MakeTask, results_folder: Path) -> None:
    with serving(serve) as url:
        for step in range(randint(1, STRIDE), MOST_STEPS, STRIDE):  # noqa: S311 - no secret
            task = make_task(Status.STORING, done_at=NOW, result_link=f"{url}/1.mp4")

            def work(task: Task = task) -> None:
                asyncio.run(store.store(task.pk, lambda: LATER))

            was_killed = killed_at(step, work)
            after = reread(task)
            expected = {after.media_name} if after.state is Status.SUCCEEDED else set()
            assert expected <= objects()
            if after.state is Status.STORING:
                # What is there may be of use to the next attempt, which replaces it.
                assert all(name == media_name(task) or ".saving-" in name for name in objects())
                work()
            assert reread(task).state is Status.SUCCEEDED
            strays = objects() - {reread(task).media_name}
            assert named() == dict.fromkeys(strays, Kind.ORPHANED)
            assert verification.delete(verification.differences(None, MUCH_LATER)) == len(strays)
            Task.objects.filter(pk=task.pk).update(media_removed_at=LATER)
            stores.results().delete(reread(task).media_name)
            if not was_killed:
                break
        else:
            pytest.fail("it never came to an end")
    assert step > 20


@pytest.mark.processes
def test_a_kill_while_a_video_is_deleted(make_task: MakeTask, owner: Caller, results_folder: Path) -> None:
    for step in range(randint(1, STRIDE), MOST_STEPS, STRIDE):  # noqa: S311 - no secret
        task = make_task(Status.SUCCEEDED, has_poster=True, expires_at=NOW + timedelta(days=30))
        for name in (task.media_name, poster_name(task)):
            path = results_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(TINY)

        def work(task: Task = task) -> None:
            deletion.remove(lambda: Task.objects.get(pk=task.pk), LATER)

        was_killed = killed_at(step, work)
        after = reread(task)
        if after.hidden_at is None:
            assert task.media_name in objects()
            work()
        sweep.sweep(LATER)
        assert (reread(task).media_removed_at is not None, objects()) == (True, set())
        if not was_killed:
            break
    else:
        pytest.fail("it never came to an end")
    assert step > 5
