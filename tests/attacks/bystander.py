"""Another client, who asks on and on while somebody attacks: how long does it wait?

It is a process of its own, so that the attacker's work does not slow its clock. It asks at fixed moments and
counts from them, so that a server that stops for a second is not counted once, but for each request that was
due meanwhile. Half of them come on a connection that is kept, half on new ones.
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
"""Seconds that it watches at least."""


@dataclass
class Seen:
    """How long its requests took, in seconds, and what else happened."""

    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """The wait that `percent` of the requests did not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def faults(self, most: float, percent: float = 100) -> list[str]:
        """What the client would complain about."""
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
    """The other client, for as long as the block lasts; afterwards `seen` tells."""

    def __init__(self, target: Target, *, path: str | None = None, key: str | None = None) -> None:
        """It reads the models with a key, and asks for health without one."""
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
