"""Real web processes on the test database, concurrent requests to them, and kills."""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from config.edge import server
from tests.conftest import GOOD_BODY, Caller
from tests.support.fork_server import ForkServer
from tests.support.worker_process import TOO_LONG, child_environment, wait_until
from videos.local.processes import free_port

COUNT = 4
THREADS = 8
"""Concurrent requests of one process."""
LOG_TAIL = 2000
"""Characters of a process's output that are shown."""
SHORT_BREAK = 0.02
"""Seconds before a refused connection is retried."""


class WebProcess:
    """Granian as `serve` runs it: a supervisor and one worker."""

    def __init__(self, forks: ForkServer, log: Path, **environment: str) -> None:
        self._forks, self._log = forks, log
        self._environment = {"API_THREADS": str(THREADS), "LANE_SHOWN": "true", **environment}
        self.start()

    def start(self) -> None:
        """Start it at a new address without waiting for it."""
        port = free_port(0)
        self.url = f"http://127.0.0.1:{port}"
        command = server.command("127.0.0.1", port)
        self._process = self._forks.start(command, child_environment(**self._environment), self._log)

    def wait(self) -> None:
        wait_until(f"an answer of {self.url}", self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=TOO_LONG).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """The supervisor; the worker is its child."""
        return self._process.pid

    def kill(self) -> None:
        self._process.kill_group()
        self._process.wait()

    def log(self) -> str:
        """The end of its output since the last start."""
        return self._log.read_text(errors="replace")[-LOG_TAIL:]


@dataclass(frozen=True)
class Ask:
    """A request to send."""

    caller: Caller
    body: Mapping[str, Any] = field(default_factory=lambda: GOOD_BODY)
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/videos"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class WebProcesses:
    """Several web processes that share a database."""

    def __init__(self, forks: ForkServer, logs: Path) -> None:
        self.all = [WebProcess(forks, logs / f"web-{number}.log") for number in range(COUNT)]

    def wait(self) -> None:
        for process in self.all:
            process.wait()

    def stop(self) -> None:
        for process in self.all:
            process.kill()

    def answers(self, asks: Sequence[Ask]) -> list[Answer]:
        """Send all requests concurrently, distributed over the processes."""
        given = asyncio.run(_Volley(self.all, asks).sent())
        assert None not in given, "an answer got lost"
        return [answer for answer in given if answer is not None]

    def answers_while_killed(self, asks: Sequence[Ask], kills: int) -> list[Answer]:
        """Send the requests while random processes are killed and restarted; returns the answers received."""
        given = asyncio.run(_Volley(self.all, asks, kills).sent())
        assert None in given, "nobody was hit"
        return [answer for answer in given if answer is not None]


class _Volley:
    def __init__(self, processes: Sequence[WebProcess], asks: Sequence[Ask], kills: int = 0) -> None:
        self._processes, self._asks = processes, asks
        moments = range(1, len(asks) * 3 // 4)  # so that many requests follow the last kill
        self._kill_after = set(random.sample(moments, kills))
        self._at_once = asyncio.Semaphore(COUNT * THREADS * 2 if kills else len(asks))
        self._ended = 0

    async def sent(self) -> list[Answer | None]:
        """Each answer, or None if it was lost."""
        timeout, connector = aiohttp.ClientTimeout(30), aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            return await asyncio.gather(*(self._send(session, *each) for each in enumerate(self._asks)))

    async def _send(self, session: aiohttp.ClientSession, number: int, ask: Ask) -> Answer | None:
        async with self._at_once:
            for process in itertools.islice(itertools.cycle(self._processes), number % COUNT, None):
                try:
                    answer = await _posted(session, process.url, ask)
                except aiohttp.ClientConnectorError:  # it was not received
                    await asyncio.sleep(SHORT_BREAK)
                else:
                    self._count()
                    return answer
        raise AssertionError("the processes go round and round")

    def _count(self) -> None:
        self._ended += 1
        if self._ended in self._kill_after:
            process = random.choice(self._processes)  # noqa: S311 - chance, not secrecy
            process.kill()
            process.start()


async def _posted(session: aiohttp.ClientSession, url: str, ask: Ask) -> Answer | None:
    """The answer, or None if it was lost. Raises `aiohttp.ClientConnectorError`."""
    headers = {"authorization": f"Bearer {ask.caller.text}", **ask.headers}
    try:
        async with session.post(url + ask.path, json=ask.body, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.text())
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientError:
        return None


@pytest.fixture(scope="module")
def web_processes(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebProcesses]:
    processes = WebProcesses(fork_server, tmp_path_factory.mktemp("web"))
    try:
        yield processes
    finally:
        processes.stop()


@pytest.fixture
def web(web_processes: WebProcesses, transactional_db: None) -> Iterator[WebProcesses]:
    """The processes, all running; their output is printed for failed tests."""
    web_processes.wait()
    yield web_processes
    for process in web_processes.all:
        print(f"--- {process.url}\n{process.log()}")  # noqa: T201
