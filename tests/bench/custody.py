"""What custody costs and withstands: many large results at once, a full disk, a huge one, dripping sources.

    python -m tests.bench.custody [--only crowd huge dripping] [--results 1000] [--mebibytes 50]

`crowd`: that many results wait for one worker, which keeps them on a file system that holds a few dozen, so
that it is soon full; after a while they are removed as they come. Needs the right to mount. `huge`: one of
200 MiB comes after a few small ones. `dripping`: 66 results come a byte every 20 s, and one as it should.
"""

import argparse
import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.bench import stage
from tests.bench.stage import report, wait_until
from tests.support.playable import TINY, padded
from videos.local.processes import Child, ProcessGroup

if TYPE_CHECKING:
    from tests.conftest import Caller

HELD = 40
"""Results that the small file system holds."""
FULL_FOR = 20.0
"""Seconds that it stays full."""
DRIPPING, DRIP_SECONDS = 66, 20.0
MEBIBYTE = 1024 * 1024
HUGE = 200 * MEBIBYTE
SMALL_RESULTS = 4
"""Results that a worker keeps before its memory is compared, as the first ones load code."""
Options = argparse.Namespace


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--results", type=int, default=1000)
    parser.add_argument("--mebibytes", type=int, default=50)
    options = parser.parse_args()
    for name in options.only:
        with stage.empty_gateway() as family:
            SCENES[name](family, options)


def crowd(family: ProcessGroup, options: Options) -> None:
    """All are kept, in flat memory, although the disk is full for a while."""
    from django.conf import settings

    size = options.mebibytes * MEBIBYTE
    with small_disk(stage.DATA / "small", HELD * size) as folder, source(padded(size)) as served:
        [caller] = stage.make_callers(1)
        make_waiting(caller, [f"{served.url}/{nth}" for nth in range(options.results)])
        os.environ |= {"RESULTS_DIR": str(folder), "LEAST_FREE_DISK_MB": "1"}
        worker = Watched(family.start("worker", ["manage.py", "worker"]))
        began = time.monotonic()
        wait_until(lambda: noted("store_full") > 0, 1800)
        report(f"crowd: full after {succeeded()} results")
        time.sleep(FULL_FOR)
        report(
            f"crowd: while it is full {failed()} failed, {noted('store_full')} wait for room; bar 0 failed"
        )
        removed = threading.Event()
        threading.Thread(target=remove, args=(folder, removed), daemon=True).start()
        wait_until(lambda: succeeded() + failed() == options.results, 3600)
        removed.set()
        seconds = time.monotonic() - began
        rate = options.results * options.mebibytes / seconds
        report(
            f"crowd: {succeeded()} of {options.results} kept and {failed()} lost after {seconds:.0f} s,"
            f" {rate:.0f} MiB/s; bar none lost"
        )
        report(f"crowd: at most {served.most} fetched at a time; bar {settings.RESULT_FETCHES}")
        report(f"crowd: memory of the worker {worker.first} MiB after 3 s, {worker.most} MiB at most")


def huge(family: ProcessGroup, _options: Options) -> None:
    """The memory of a worker does not grow with the size of a result."""
    with source(TINY) as small, source(padded(HUGE)) as served:
        [caller] = stage.make_callers(1)
        child = family.start("worker", ["manage.py", "worker"])
        make_waiting(caller, [f"{small.url}/{nth}" for nth in range(SMALL_RESULTS)])
        wait_until(lambda: succeeded() == SMALL_RESULTS, 120)
        worker = Watched(child)
        time.sleep(4)
        make_waiting(caller, [f"{served.url}/huge"])
        wait_until(lambda: succeeded() > SMALL_RESULTS, 600)
        report(f"huge: memory of the worker rises by {worker.most - worker.first} MiB; bar 16 MiB")


def dripping(family: ProcessGroup, options: Options) -> None:
    """One good result beside those that come a byte at a time."""
    with source(TINY) as served:
        crowd, other = stage.make_callers(2)
        make_waiting(crowd, [f"{served.url}/drip/{nth}" for nth in range(DRIPPING)])
        family.start("worker", ["manage.py", "worker"])
        wait_until(lambda: served.dripping == DRIPPING, 60)
        for case, caller in (("another tenant", other), ("the same tenant", crowd)):
            before, began = succeeded(), time.monotonic()
            make_waiting(caller, [f"{served.url}/good"])
            wait_until(lambda before=before: succeeded() > before, 120)  # type: ignore[misc]  # bound at once
            took = time.monotonic() - began
            report(f"dripping: a good result of {case} is kept after {took:.1f} s; bar 5 s")


SCENES: dict[str, Callable[[ProcessGroup, Options], None]] = {
    scene.__name__: scene for scene in (crowd, huge, dripping)
}


def make_waiting(caller: "Caller", links: list[str]) -> None:
    """Tasks of the caller whose results wait at these links."""
    from django.utils import timezone

    from tests.conftest import order_video
    from videos.models import Task, UpstreamAccount
    from videos.states import Status

    if not UpstreamAccount.objects.exists():
        stage.make_account()
    account = UpstreamAccount.objects.get()
    now = timezone.now()
    for link in links:
        task = order_video(caller)
        Task.objects.filter(pk=task.pk).update(
            status=Status.STORING,
            account=account,
            upstream_task_id=task.public_id,
            submitted_at=now,
            accepted_at=now,
            looked_at=now,
            done_at=now,
            due_at=now,
            result_link=link,
        )


def _count(**conditions: Any) -> int:
    from videos.models import Task

    return Task.objects.filter(**conditions).count()


def succeeded() -> int:
    return _count(status="succeeded")


def failed() -> int:
    return _count(status="failed")


def noted(reason: str) -> int:
    """Tasks that need attention for this reason."""
    return _count(attention__startswith=reason)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of that many bytes, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def remove(folder: Path, stopped: threading.Event) -> None:
    """Remove results as they come, until told to stop."""
    while not stopped.wait(0.1):
        for path in folder.rglob("*.mp4"):
            path.unlink(missing_ok=True)


class Watched:
    """The memory of a process: after 3 s and at most, in MiB."""

    def __init__(self, child: Child) -> None:
        self._process = psutil.Process(child.process.pid)
        self.first = self.most = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        time.sleep(3)
        self.first = self._resident()
        while self._process.is_running():
            self.most = max(self.most, self._resident())
            time.sleep(0.5)

    def _resident(self) -> int:
        try:
            return int(self._process.memory_info().rss) // MEBIBYTE
        except psutil.NoSuchProcess:
            return 0


class Source:
    """Serves one file at every path, and at those with `drip` a byte every `DRIP_SECONDS`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.url = ""
        self.serving = self.most = self.dripping = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(writer, is_dripping=b"/drip/" in head)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the benchmark is over
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, *, is_dripping: bool) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._content))
        if is_dripping:
            self.dripping += 1
            await self._drip(writer)
        self.serving += 1
        self.most = max(self.most, self.serving)
        try:
            for start in range(0, len(self._content), MEBIBYTE):
                writer.write(self._content[start : start + MEBIBYTE])
                await writer.drain()
        finally:
            self.serving -= 1

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        for byte in self._content:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(DRIP_SECONDS)


@contextmanager
def source(content: bytes) -> Iterator[Source]:
    """The source, served by a thread of its own."""
    served, loop = Source(content), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(served.serve, "127.0.0.1", 0))
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


if __name__ == "__main__":
    main()
