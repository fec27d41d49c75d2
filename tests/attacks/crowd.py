"""Thousands of attacking connections on one event loop."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.attacks.attack import Target
from tests.attacks.machine import allow_many_files

ARRIVAL = 1.0
"""Seconds over which the connections are opened, each at a random time."""
AGAIN = (2.5, 7.5)
"""Range of seconds after which a closed connection is opened again."""
DRIP = 1.0
"""Seconds between two bytes."""
_PIECE = 64 * 1024

Action = Callable[[socket.socket], Awaitable[None]]


def run_together(seconds: float, *actions: Coroutine[Any, Any, None]) -> None:
    """Run the coroutines concurrently for that many seconds."""
    allow_many_files()
    asyncio.run(_for(seconds, actions))


async def _for(seconds: float, actions: tuple[Coroutine[Any, Any, None], ...]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*actions)
            await asyncio.sleep(seconds)


@asynccontextmanager
async def connected(target: Target, source: str) -> AsyncIterator[socket.socket]:
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(connection, (target.host, target.port))
        yield connection


async def reconnect(target: Target, source: str, action: Action) -> None:
    """Use a connection, and open another some time after the server closed it."""
    while True:
        await start_later(target, source, action)
        await asyncio.sleep(random.uniform(*AGAIN))  # noqa: S311 - chance, not secrecy


async def wait_for_close(connection: socket.socket) -> None:
    """Send nothing until the server closes."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(connection, _PIECE):
        pass


def sender(data: bytes, *, keep_open: bool) -> Action:
    """Send the data, then wait for the end or leave once an answer begins."""

    async def action(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, data)
        if keep_open:
            await wait_for_close(connection)
        else:
            await loop.sock_recv(connection, _PIECE)

    return action


def slow_sender(begin: bytes) -> Action:
    """Send the beginning, then single bytes."""

    async def action(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, begin)
        while True:
            await asyncio.sleep(DRIP)
            await loop.sock_sendall(connection, b"x")

    return action


async def at_rate(per_second: float, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start it that many times a second, without waiting for it."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(do())
            await asyncio.sleep(1 / per_second)


async def start_later(target: Target, source: str, action: Action) -> None:
    """Use a connection from a random time on."""
    await asyncio.sleep(random.uniform(0, ARRIVAL))  # noqa: S311 - chance, not secrecy
    await use_connection(target, source, action)


async def use_connection(target: Target, source: str, action: Action) -> None:
    """Use a connection and ignore its errors."""
    with suppress(OSError):
        async with connected(target, source) as connection:
            await action(connection)


async def repeat_request(target: Target, source: str, request: bytes) -> None:
    """Repeat the request on one connection as fast as answers arrive."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(target.host, target.port, local_addr=(source, 0))
            try:
                while True:
                    await _exchange(reader, writer, request)
            finally:
                writer.close()
        await asyncio.sleep(0.1)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    answer_head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = answer_head.partition(b"content-length:")
    await reader.readexactly(int(rest.partition(b"\r\n")[0] or b"0"))
