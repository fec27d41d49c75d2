"""Another client that keeps sending requests during an attack and measures how long it waits.

It is a separate process, so that the attacker's work does not slow its clock. It sends requests at fixed
times and measures from those times, so that a server that stops for a second delays each request due in it.
Half of the requests use a kept connection, half new ones.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.attack import Target

PROGRAM = Path(__file__).with_name("other_client.py")
SHORTEST = 0.5
"""Least seconds of measuring."""


@dataclass
class Seen:
    """The waits in seconds and the failures of its requests."""

    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def faults(self, most: float, percent: float = 100) -> list[str]:
        found, wait = [], self.percentile(percent)
        if self.failures:
            found.append(f"another client failed {len(self.failures)} times ({self.failures[0]})")
        if wait > most:
            found.append(f"another client waited {wait * 1000:.0f} ms")
        return found

    def __str__(self) -> str:
        half, most = self.percentile(50) * 1000, self.percentile(99) * 1000
        return f"another client: p50 {half:.0f} ms, p99 {most:.0f} ms of {len(self.waits)}"


class Bystander:
    """Runs the other client within the block; `seen` has the results afterwards."""

    def __init__(self, target: Target, *, path: str | None = None, key: str | None = None) -> None:
        """With a key the path is /v1/models, otherwise /healthz."""
        self.seen = Seen()
        key = key or target.key
        path = path or ("/v1/models" if key else "/healthz")
        self._order = {"host": target.host, "port": target.port, "path": path, "key": key}

    def __enter__(self) -> "Bystander":
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(self._order) + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        self._began = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        time.sleep(max(0.0, self._began + SHORTEST - time.monotonic()))
        output, _ = self._process.communicate("")
        self.seen = Seen(**json.loads(output))
