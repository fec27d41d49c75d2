"""A gateway whose database is slow, frozen, killed, and on a full disk, under load.

    python -m tests.bench.database_faults [--creates 200]

Prints the longest request, the statuses and the inconsistencies afterwards; exits with 1 if a limit is
exceeded. The full disk needs root to mount a small file system; without it that fault is skipped.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_REQUEST, LONGEST_SETTLING = 15.0, 240.0
"""Limits in seconds."""
BEGUN_SECONDS = 1.0
"""Seconds from the start of a fault to the first request."""
CLIENTS = 8
DISK = "1G"
BODY = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "A cat [sandbox: generation_seconds 5]"}


@dataclass
class Seen:
    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int, seconds: float) -> None:
        """Count an answer; 0 means no answer."""
        with self.lock:
            self.statuses[status] += 1
            self.longest = max(self.longest, seconds)


@dataclass(frozen=True)
class Gateway:
    """`manage.py serve` in its own data folder."""

    folder: Path
    url: str
    process: subprocess.Popen[str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command with the same data folder."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )

    def servers(self) -> list[psutil.Process]:
        """PostgreSQL's processes, the postmaster first."""
        return [found for found in self._all() if found.name().startswith("postgres")]

    def _all(self) -> Iterator[psutil.Process]:
        for found in psutil.process_iter(["name", "cmdline"]):
            with suppress(psutil.Error):
                mine = f"{self.folder}/postgres" in " ".join(found.cmdline()) or any(
                    f"{self.folder}/postgres" in " ".join(parent.cmdline()) for parent in found.parents()
                )
                if mine:
                    yield found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--creates", type=int, default=200)
    creates: int = options.parse_args().creates
    with _data_folder() as (folder, is_small), _served(folder) as gateway:
        made = json.loads(gateway.command("createtenant", "Alice").stdout)
        seen = Seen()
        _ask(gateway, made["key"], creates, seen)  # open tasks when the faults begin
        faults: dict[str, Callable[[Gateway], None]] = {"slow": slow, "frozen": frozen, "killed": killed}
        faults |= {"full disk": full_disk} if is_small else {}
        for name, fault in faults.items():
            before = sum(seen.statuses.values())
            asked = (gateway, made["key"], creates // len(faults), seen)
            clients = threading.Timer(BEGUN_SECONDS, _ask, asked)
            clients.start()
            fault(gateway)
            clients.join()
            _tell(f"{name}: {sum(seen.statuses.values()) - before} requests, longest {seen.longest:.1f} s")
        sys.exit(_report(gateway, made["key"], seen))


def slow(gateway: Gateway) -> None:
    """PostgreSQL is stopped for nine tenths of the time."""
    for _ in range(60):
        _send(gateway.servers(), signal.SIGSTOP)
        time.sleep(0.18)
        _send(gateway.servers(), signal.SIGCONT)
        time.sleep(0.02)


def frozen(gateway: Gateway) -> None:
    """PostgreSQL is stopped for half a minute."""
    servers = gateway.servers()
    _send(servers, signal.SIGSTOP)
    time.sleep(30)
    _send(servers, signal.SIGCONT)


def killed(gateway: Gateway) -> None:
    """PostgreSQL is killed and restarted."""
    _send(gateway.servers(), signal.SIGKILL)
    time.sleep(10)


def full_disk(gateway: Gateway) -> None:
    filler = gateway.folder / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 1024 * 1024)
            file.flush()
    time.sleep(20)
    filler.unlink()


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _ask(gateway: Gateway, key: str, count: int, seen: Seen) -> None:
    """Create that many videos, each retried with its Idempotency-Key until it is accepted."""
    left = iter(range(count))
    lock, stamp = threading.Lock(), time.time_ns()

    def client() -> None:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as http:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                while not _taken(http, f"{stamp}-{number}", seen):
                    time.sleep(1)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _taken(http: httpx.Client, name: str, seen: Seen) -> bool:
    began = time.monotonic()
    try:
        status = http.post("/v1/videos", json=BODY, headers={"idempotency-key": name}).status_code
    except httpx.HTTPError:
        status = 0
    seen.note(status, time.monotonic() - began)
    return status == httpx.codes.OK


def _report(gateway: Gateway, key: str, seen: Seen) -> int:
    """Wait until all videos have ended, print the results, and return the exit code."""
    settled, figures = _settled(gateway, key)
    proof = gateway.command("reconcile")
    _tell(
        f"answers {dict(seen.statuses)}, longest request {seen.longest:.1f} s (at most {LONGEST_REQUEST:g})"
    )
    _tell(
        f"videos {figures}, settled after {settled:.0f} s; serve {'runs' if _runs(gateway) else 'has ended'}"
    )
    _tell(proof.stdout.strip() or proof.stderr.strip())
    is_met = seen.longest <= LONGEST_REQUEST and set(figures) == {"completed"} and proof.returncode == 0
    return 0 if is_met and _runs(gateway) else 1


def _settled(gateway: Gateway, key: str) -> tuple[float, dict[str, int]]:
    began = time.monotonic()
    while True:
        figures = _statuses(gateway, key)
        seconds = time.monotonic() - began
        if not {"queued", "in_progress"} & set(figures) or seconds > LONGEST_SETTLING:
            return seconds, figures
        time.sleep(2)


def _statuses(gateway: Gateway, key: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    after = ""
    with httpx.Client(base_url=gateway.url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        while True:
            page: dict[str, Any] = http.get(f"/v1/videos?limit=100{after}").raise_for_status().json()
            counts.update(video["status"] for video in page["data"])
            if not page["has_more"]:
                return dict(counts)
            after = f"&after={page['last_id']}"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _runs(gateway: Gateway) -> bool:
    return gateway.process.poll() is None


@contextmanager
def _data_folder() -> Iterator[tuple[Path, bool]]:
    """A folder, and whether it is on a small file system, which needs the right to mount one."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name) / "data"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
        is_small = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
        try:
            yield folder, is_small
        finally:
            if is_small:
                subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - of the system


@contextmanager
def _served(folder: Path) -> Iterator[Gateway]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--canned", "--port", "0"],
        cwd=PROJECT,
        env=_environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Gateway(folder, _address(process), process)
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        process.wait(120)
        _tell(f"ended {time.monotonic() - began:.1f} s after SIGTERM")


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"API +(http://\S+?)/v1/videos", line):
            return found[1]
    raise SystemExit("serve did not start")


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(folder), "LEAST_FREE_DISK_MB": "50", "DATABASE_URL": ""}


if __name__ == "__main__":
    main()
