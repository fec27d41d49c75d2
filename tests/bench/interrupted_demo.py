"""`make demo ONCE=1`, interrupted at a random moment and run again: does that complete?

    python -m tests.bench.interrupted_demo [--installed 10] [--fresh 10] [--seed 1]

Some runs begin in a copy where everything is installed, without a database; others, slower, in a fresh copy.
Every fourth interruption is a SIGKILL of the whole process group, the others are a Ctrl-C.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = ("make", "demo", "ONCE=1", "PORT=0")
LONGEST = 900.0
"""Seconds that a run may take on a machine that is busy with other things."""
GONE_WITHIN = 90.0
"""Seconds after which a process that is still there was left behind: a worker may finish its step in hand."""
KILLED_EVERY = 4


@dataclass(frozen=True)
class Interruption:
    """When a run is interrupted, in seconds after its start, and by what."""

    moment: float
    number: signal.Signals


@dataclass(frozen=True)
class Outcome:
    """What an interruption left behind, and what became of the run after it."""

    was_doing: str
    left_behind: list[str]
    seconds: float
    failure: str


def main() -> None:
    """Interrupt as many runs as are wanted, each at a moment of a run that nobody interrupted."""
    options = _options()
    # A shell that put us into the background lets us, and whom we start, ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance = random.Random(options.seed)  # noqa: S311 - moments, nothing secret
    with _fresh_copy() as folder:
        fresh = _uninterrupted("fresh", folder)
        shutil.rmtree(folder / ".data")
        installed = _uninterrupted("installed", folder)
        outcomes = [*_measured(options.installed, installed, chance, lambda: _without_data(folder))]
    outcomes += _measured(options.fresh, fresh, chance, _fresh_copy)
    failed = sum(bool(outcome.failure or outcome.left_behind) for outcome in outcomes)
    _report(
        f"{len(outcomes) - failed} of {len(outcomes)} were run again to their end, and left nothing behind"
    )
    sys.exit(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installed", type=int, default=10)
    parser.add_argument("--fresh", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _uninterrupted(name: str, folder: Path) -> float:
    """Seconds that a run takes."""
    whole = _completed(folder)
    if whole.failure:
        sys.exit(f"Without an interruption: {whole.failure}")
    _report(f"{name}, uninterrupted: {whole.seconds:.1f} s")
    return whole.seconds


def _measured(
    runs: int, seconds: float, chance: random.Random, place: Callable[[], AbstractContextManager[Path]]
) -> Iterator[Outcome]:
    """Interrupt runs, each in a place of its own, at moments within so many seconds."""
    for run in range(1, runs + 1):
        number = signal.SIGKILL if run % KILLED_EVERY == 0 else signal.SIGINT
        interruption = Interruption(chance.uniform(0, seconds), number)
        with place() as folder:
            outcome = _interrupted_and_repeated(folder, interruption)
        _report(_line(run, interruption, outcome))
        yield outcome


@contextmanager
def _without_data(folder: Path) -> Iterator[Path]:
    """The folder as it is after an installation."""
    shutil.rmtree(folder / ".data", ignore_errors=True)
    yield folder


@contextmanager
def _fresh_copy() -> Iterator[Path]:
    """What is under version control, as it is now, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="interrupted-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "reelay"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True)  # noqa: S607
        for path in filter(None, listed.stdout.decode().split("\0")):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / path, target)
        yield folder


def _interrupted_and_repeated(folder: Path, interruption: Interruption) -> Outcome:
    log = folder.parent / "first.log"
    with log.open("wb") as output:
        process = _started(folder, output)
        try:
            process.wait(timeout=interruption.moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, interruption.number)
        process.wait(timeout=LONGEST)
    left_behind = _left_behind(folder)
    repeated = _completed(folder)
    return Outcome(_last_line(log), left_behind, repeated.seconds, repeated.failure)


def _completed(folder: Path) -> Outcome:
    """Run the demo to its end."""
    log = folder.parent / "whole.log"
    began = time.monotonic()
    with log.open("wb") as output:
        code = _started(folder, output).wait(timeout=LONGEST)
    seconds = time.monotonic() - began
    is_good = code == 0 and b"Your video:" in log.read_bytes()
    return Outcome(
        "", _left_behind(folder), seconds, "" if is_good else log.read_text(errors="replace")[-2000:]
    )


def _started(folder: Path, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


def _environment() -> dict[str, str]:
    """Ours, without settings: the demo of somebody who has just come."""
    settings = re.findall(r"^#([A-Z_0-9]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    return {name: value for name, value in os.environ.items() if name not in settings}


def _left_behind(folder: Path) -> list[str]:
    """The processes of the folder that do not end."""
    deadline = time.monotonic() + GONE_WITHIN
    while (found := _processes(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _processes(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if str(folder) in line or process.cwd().startswith(str(folder)):
                found.append(line)
        except psutil.Error:
            continue
    return found


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").replace("\r", "\n").splitlines()]
    told = [line for line in lines if line and not line.startswith(("make:", "WARNING"))]
    return told[-1][:60] if told else "(nothing said)"


def _line(run: int, interruption: Interruption, outcome: Outcome) -> str:
    result = outcome.failure or f"completed in {outcome.seconds:.1f} s"
    behind = f", left behind: {outcome.left_behind}" if outcome.left_behind else ""
    when = f"{interruption.number.name} at {interruption.moment:5.1f} s ({outcome.was_doing})"
    return f"{run:2} {when}: {result}{behind}"


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
