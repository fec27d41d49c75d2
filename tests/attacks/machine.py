"""CPU and memory of the server's processes."""

import resource
import threading
from contextlib import suppress

import psutil

from tests.attacks.attack import MIB, Target

SAMPLE = 0.1
"""Seconds between two measurements."""


def processes(target: Target) -> list[psutil.Process]:
    """The server's processes; none if its process id is not known."""
    if target.pid is None:
        return []
    parent = psutil.Process(target.pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(target: Target) -> float:
    """CPU seconds used so far."""
    used = 0.0
    for process in processes(target):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


class MemoryWatch:
    """Measures the biggest process within the block."""

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
    """Raise the limit of open files of this process to the maximum."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
