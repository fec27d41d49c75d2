"""Very many connections of one attacker, from one event loop."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.attacks.attack import Target
from tests.attacks.machine import allow_many_files

ARRIVAL = 1.0
"""Seconds within which all of a crowd have come, each at a moment of its own."""
AGAIN = (2.5, 7.5)
"""Seconds, at least and at most, after which somebody who was shown out is back."""
DRIP = 1.0
"""Seconds from one byte to the next."""
_PIECE = 64 * 1024

Deed = Callable[[socket.socket], Awaitable[None]]


def let_loose(seconds: float, *deeds: Coroutine[Any, Any, None]) -> None:
    """Do all of it side by side, for so long."""
    allow_many_files()
    asyncio.run(_for(seconds, deeds))


async def _for(seconds: float, deeds: tuple[Coroutine[Any, Any, None], ...]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*deeds)
            await asyncio.sleep(seconds)


@asynccontextmanager
async def connected(target: Target, source: str) -> AsyncIterator[socket.socket]:
    """A connection from that address. Raises `OSError`."""
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(connection, (target.host, target.port))
        yield connection


async def persist(target: Target, source: str, deed: Deed) -> None:
    """Do something with a connection, and be back a while after the server has closed it."""
    while True:
        await arrive(target, source, deed)
        await asyncio.sleep(random.uniform(*AGAIN))  # noqa: S311 - chance, not secrecy


async def stay(connection: socket.socket) -> None:
    """Say nothing until the server closes."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(connection, _PIECE):
        pass


def saying(data: bytes, *, then_stay: bool) -> Deed:
    """Send something, and either wait for what comes, or go once an answer begins."""

    async def deed(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, data)
        if then_stay:
            await stay(connection)
        else:
            await loop.sock_recv(connection, _PIECE)

    return deed


def dripping(begin: bytes) -> Deed:
    """Send the beginning, and then a byte now and then."""

    async def deed(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, begin)
        while True:
            await asyncio.sleep(DRIP)
            await loop.sock_sendall(connection, b"x")

    return deed


async def steadily(per_second: float, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Begin it so many times a second, however long each takes."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(do())
            await asyncio.sleep(1 / per_second)


async def arrive(target: Target, source: str, deed: Deed) -> None:
    """Come at a moment of one's own, and do something with a connection."""
    await asyncio.sleep(random.uniform(0, ARRIVAL))  # noqa: S311 - chance, not secrecy
    await once(target, source, deed)


async def once(target: Target, source: str, deed: Deed) -> None:
    """Do something with a connection; what the server does about it does not matter."""
    with suppress(OSError):
        async with connected(target, source) as connection:
            await deed(connection)


async def read_on_and_on(target: Target, source: str, request: bytes) -> None:
    """Ask the same on one connection as fast as answers come."""
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
