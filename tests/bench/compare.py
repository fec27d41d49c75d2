"""Is this checkout as fast as another one? Both serve at once, and are measured in turns.

    git worktree add ../before 7055162
    python -m tests.bench.compare ../before [--rounds 6] [--seconds 1] [--traffic creates reads lists]

One gateway of each checkout runs on a database of its own. `wrk` asks one, then the other, in an order that
changes each round, so that a machine whose speed drifts slows both. Prints the median of the rounds' ratios
(this checkout to the other) of requests a second and of CPU a request. Needs `wrk`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import gateway, stage
from tests.bench.stage import report

PROJECT = Path(__file__).resolve().parents[2]
TENANTS = 64
BAR = 0.95


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("before", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--traffic", nargs="*", default=["creates", "reads", "lists"])
    parser.add_argument("--serve", action="store_true", help="run the gateway of the checkout in this folder")
    options = parser.parse_args()
    if options.serve:
        return serve()
    with ExitStack() as stack:
        before = stack.enter_context(served(options.before.resolve()))
        now = stack.enter_context(served(PROJECT))
        report("           connections  before/s     now/s  of before       CPU  each round")
        for traffic in options.traffic:
            for connections in gateway.CONNECTIONS:
                compare(before, now, traffic, connections, options)
    return None


class Served:
    """A gateway that a child process runs."""

    def __init__(self, description: str) -> None:
        described = json.loads(description)
        self.url, self.traffic = described["url"], described["traffic"]
        self.web = gateway.Web(described["processes"])


@contextmanager
def served(checkout: Path) -> Iterator[Served]:
    """The gateway of a checkout, whose code may be older: only this file is of now."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "DATA_DIR": str(checkout / ".data" / "compared")}
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(
        command, cwd=checkout, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        yield Served(child.stdout.readline())
        child.communicate()


def serve() -> None:
    """Run an empty gateway until the input ends; prints its address, its processes and its requests."""
    with stage.empty_gateway() as family:
        stage.make_account()
        callers = stage.make_callers(TENANTS)
        gateway._limit(callers)
        traffic = dict(gateway._traffic(callers))
        url = stage.start_web(
            family, "--workers=1", OTHER_REQUESTS_PER_MINUTE="0", CONNECTIONS_PER_ADDRESS="0"
        )
        processes = [process.pid for process in gateway.Web()._processes]
        report(json.dumps({"url": url, "processes": processes, "traffic": traffic}))
        sys.stdin.read()


def compare(before: Served, now: Served, traffic: str, connections: int, options: argparse.Namespace) -> None:
    pairs = []
    for number in range(options.rounds):
        sides = (before, now) if number % 2 else (now, before)
        results = {
            side: gateway._wrk(side.url, side.traffic[traffic], connections, options.seconds, side.web)
            for side in sides
        }
        pairs.append((results[before], results[now]))
    rates = [new.rate / old.rate for old, new in pairs]
    cpu = statistics.median(new.cpu / old.cpu for old, new in pairs)
    old, new = (statistics.median(result.rate for result in side) for side in zip(*pairs, strict=True))
    report(
        f"{traffic:<10} {connections:11d} {old:9.0f} {new:9.0f} {statistics.median(rates):10.2f} {cpu:9.2f}"
        f"  {' '.join(f'{rate:.2f}' for rate in rates)}; bar {BAR}"
    )


if __name__ == "__main__":
    main()
