"""Limits how many connections one address may hold open.

The server accepts every connection and reports it only when a request has arrived. So a thread checks the
sockets of the process a few times a second, only while there are many; if an address has too many, those that
were silent the longest are closed.
"""

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from config.networks import subscriber_network

Peer = tuple[str, str]
"""Address and port of the client, as in an ASGI scope."""

EVERY_SECONDS = 0.25
_OPEN_FILES = "/dev/fd"
_MOST_PEERS_HEARD = 20_000
_LOG_SECONDS = 60.0
log = structlog.get_logger(__name__)


class Connections:
    """The client connections of this process; an address keeps at most `most` of them, 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heard: dict[Peer, float] = {}
        self._silent: dict[Peer, float] = {}
        """When each peer that has sent no request was first seen."""
        self._logged_at = 0.0
        if most:
            threading.Thread(target=self._watch, name="connections", daemon=True).start()

    def hear(self, peer: Peer) -> None:
        """Record that a request of the peer arrived or was answered."""
        if self._most:
            self._heard[peer] = time.monotonic()

    def close_excess(self) -> int:
        """Close the excess connections of each address; returns how many were closed."""
        names = os.listdir(_OPEN_FILES)  # noqa: PTH208 - thousands of numbers, not paths
        if len(names) <= self._most and len(self._heard) < _MOST_PEERS_HEARD:
            return 0
        found = {peer: number for number, peer in _peers(map(int, names))}
        self._forget_all_but(found)
        return sum(_close(found[peer], peer) for peer in self._excess(found))

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            try:
                closed = self.close_excess()
            except OSError as error:  # such as too many open files, which may be over by the next round
                log.warning("connections could not be counted", error=str(error))
                continue
            if closed and time.monotonic() - self._logged_at > _LOG_SECONDS:
                self._logged_at = time.monotonic()
                log.warning("an address held too many connections", closed=closed, most=self._most)

    def _forget_all_but(self, found: dict[Peer, int]) -> None:
        now = time.monotonic()
        self._heard = {peer: at for peer, at in self._heard.copy().items() if peer in found}
        self._silent = {peer: self._silent.get(peer, now) for peer in found if peer not in self._heard}

    def _excess(self, found: dict[Peer, int]) -> Iterator[Peer]:
        of_network: dict[str, list[Peer]] = defaultdict(list)
        for peer in found:
            of_network[subscriber_network(peer[0])].append(peer)
        for peers in of_network.values():
            if len(peers) > self._most:
                yield from sorted(peers, key=self._worth)[: len(peers) - self._most]

    def _worth(self, peer: Peer) -> tuple[bool, float]:
        """Sort key: peers that sent no request first, then the least recently active."""
        heard = self._heard.get(peer)
        return (False, self._silent.get(peer, 0.0)) if heard is None else (True, heard)


def _peers(numbers: Iterator[int]) -> Iterator[tuple[int, Peer]]:
    """The open files that are client connections, with their peers."""
    ports = set()
    connected = []
    for number in numbers:
        with suppress(OSError), _socket(number) as at:
            if at.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            port = at.getsockname()[1]
            if at.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                ports.add(port)
            else:
                connected.append((number, port, at.getpeername()))
    return ((number, _named(peer)) for number, port, peer in connected if port in ports)


@contextmanager
def _socket(number: int) -> Iterator[socket.socket]:
    """A socket for an open file; closing it leaves the file open. Raises `OSError` if it is no socket."""
    copy = os.dup(number)
    try:
        opened = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with opened:
        yield opened


def _named(peer: tuple[str, int]) -> Peer:
    return peer[0], str(peer[1])


def _close(number: int, peer: Peer) -> bool:
    """Shut a connection down, unless its number was reused; returns whether it did."""
    with suppress(OSError), _socket(number) as at:
        if _named(at.getpeername()) == peer:
            at.shutdown(socket.SHUT_RDWR)
            return True
    return False
