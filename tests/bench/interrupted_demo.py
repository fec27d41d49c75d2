"""Does `make demo ONCE=1` complete after an earlier run was interrupted at a random moment?

    python -m tests.bench.interrupted_demo [--installed 10] [--fresh 10] [--seed 1]

Some runs start in a copy with everything installed but without a database; others, slower, in a fresh copy.
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
"""Most seconds of a run on a busy machine."""
GONE_WITHIN = 90.0
"""Seconds after which a process counts as left behind; a worker may finish its current step."""
KILLED_EVERY = 4


@dataclass(frozen=True)
class Interruption:
    """The seconds after the start of a run and the signal."""

    moment: float
    number: signal.Signals


@dataclass(frozen=True)
class Outcome:
    """The processes left behind and the result of the next run."""

    was_doing: str
    left_behind: list[str]
    seconds: float
    failure: str


def main() -> None:
    """Interrupt that many runs, each at a moment of an uninterrupted one."""
    options = _options()
    # A shell that starts us in the background makes us and our children ignore it.
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
    """The seconds of an uninterrupted run."""
    run = _completed(folder)
    if run.failure:
        sys.exit(f"Without an interruption: {run.failure}")
    _report(f"{name}, uninterrupted: {run.seconds:.1f} s")
    return run.seconds


def _measured(
    runs: int, seconds: float, chance: random.Random, place: Callable[[], AbstractContextManager[Path]]
) -> Iterator[Outcome]:
    """Interrupt runs, each in its own folder, at moments within that many seconds."""
    for run in range(1, runs + 1):
        number = signal.SIGKILL if run % KILLED_EVERY == 0 else signal.SIGINT
        interruption = Interruption(chance.uniform(0, seconds), number)
        with place() as folder:
            outcome = _interrupted_and_repeated(folder, interruption)
        _report(_line(run, interruption, outcome))
        yield outcome


@contextmanager
def _without_data(folder: Path) -> Iterator[Path]:
    """A folder with everything installed."""
    shutil.rmtree(folder / ".data", ignore_errors=True)
    yield folder


@contextmanager
def _fresh_copy() -> Iterator[Path]:
    """A copy of the files under version control."""
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
    log = folder.parent / "run.log"
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
    """Our environment without settings, as for a first-time user."""
    settings = re.findall(r"^#([A-Z_0-9]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    return {name: value for name, value in os.environ.items() if name not in settings}


def _left_behind(folder: Path) -> list[str]:
    """Processes of the folder that do not end."""
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
    printed = [line for line in lines if line and not line.startswith(("make:", "WARNING"))]
    return printed[-1][:60] if printed else "(no output)"


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
