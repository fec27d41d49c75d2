"""What the server costs its machine: CPU and memory of its processes."""

import resource
import threading
from contextlib import suppress

import psutil

from tests.attacks.attack import MIB, Target

SAMPLE = 0.1
"""Seconds from one look at the memory to the next."""


def processes(target: Target) -> list[psutil.Process]:
    """The server's, if they are known."""
    if target.pid is None:
        return []
    parent = psutil.Process(target.pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(target: Target) -> float:
    """CPU that they have used until now."""
    used = 0.0
    for process in processes(target):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


class MemoryWatch:
    """Watches the biggest process for as long as the block lasts."""

    def __init__(self, target: Target) -> None:
        self.most = 0
        self._limit = target.bars.memory
        self._processes = processes(target)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def faults(self) -> list[str]:
        """What an operator would complain about."""
        return [f"a process grew to {self.most // MIB} MiB"] if self.most > self._limit else []

    def __str__(self) -> str:
        return f"memory {self.most // MIB} MiB" if self._processes else "memory unknown without --pid"

    def _watch(self) -> None:
        while True:
            for process in self._processes:
                with suppress(psutil.NoSuchProcess):
                    self.most = max(self.most, process.memory_info().rss)
            if self._stop.wait(SAMPLE):
                return


def allow_many_files() -> None:
    """Let this process open as many connections as the machine allows it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
