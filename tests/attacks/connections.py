"""Attacks by many connections and many requests: one address or tenant stands in nobody's way."""

import json
import time
from contextlib import ExitStack

from tests.attacks import crowd, wire
from tests.attacks.attack import MIB, Target, Verdict, attack
from tests.attacks.bodies import GOOD_BODY, JSON, VALIDATE, WRONG_KEY
from tests.attacks.bystander import Bystander
from tests.attacks.machine import MemoryWatch, allow_many_files
from tests.attacks.wire import Connection

CROWD = "127.0.0.3"
"""Where a crowd comes from."""
OPENED = 400
KEPT = 256
"""Connections that the server keeps of one address."""
SHOWN_OUT = 3.0
"""Seconds within which those beyond are closed."""
IDLERS, HEAD_DRIPPERS, BODY_DRIPPERS = 1000, 500, 500
OVERSIZED_PER_SECOND = 50
OVERSIZED = 3 * MIB
UNFINISHED = 600
"""Connections that begin a body and do not end it."""
UNFINISHED_SENT, UNFINISHED_LENGTH = 900 * 1000, MIB
UNFINISHED_SECONDS = 3.0
OTHERS_WAIT = 1.0
"""Seconds others wait at most while half a gigabyte is thrown at the server."""
READERS = 32
"""Requests of one tenant that are under way at any time."""
BUSY_SECONDS = 2.0
LIST, MODELS = "/v1/videos?limit=100", "/v1/models"


@attack()
def connections_of_one_address(target: Target) -> Verdict:
    """An address holds so many connections and no more; others do not notice."""
    allow_many_files()
    with Bystander(target) as other, ExitStack() as stack:
        held = []
        for _ in range(OPENED):
            try:
                held.append(stack.enter_context(Connection(target, CROWD)))
            except OSError:
                continue  # turned away at the door
        kept = _kept(held)
    faults = [] if kept <= KEPT else [f"{kept} of {OPENED} are kept"]
    return Verdict.of(f"{kept} kept; {other.seen}", faults + other.seen.faults(target.bars.latency, 99))


def _kept(held: list[Connection]) -> int:
    """How many of the connections the server keeps, once it has had time to close the others."""
    deadline = time.monotonic() + SHOWN_OUT
    while len(held) > KEPT and time.monotonic() < deadline:
        held = [connection for connection in held if connection.is_open]
        time.sleep(0.1)
    return len(held)


@attack()
def crowd_of_slow_ones(target: Target) -> Verdict:
    """2,000 idle or dripping connections and 50 oversized bodies a second, all from one address."""
    head = wire.head(target, "GET", "/healthz", [("x-slow", "")])[:-4]
    body = wire.posted(target, VALIDATE, b"{", [*wire.bearer(target.key), JSON], MIB)
    deeds = [
        *[crowd.stay] * IDLERS,
        *[crowd.dripping(head)] * HEAD_DRIPPERS,
        *[crowd.dripping(body)] * BODY_DRIPPERS,
    ]
    with MemoryWatch(target) as memory, Bystander(target) as other:
        crowd.let_loose(
            target.bars.load_seconds,
            *(crowd.persist(target, CROWD, deed) for deed in deeds),
            *(_send_oversized(target, key) for key in (target.key, WRONG_KEY)),
        )
    faults = other.seen.faults(target.bars.latency, 99) + memory.faults()
    return Verdict.of(f"{other.seen}; {memory}", faults)


async def _send_oversized(target: Target, key: str | None) -> None:
    """Half of the oversized bodies, as fast as they are taken."""
    body = wire.posted(target, VALIDATE, b" " * OVERSIZED, [*wire.bearer(key), JSON])
    deed = crowd.saying(body, then_stay=False)
    await crowd.steadily(OVERSIZED_PER_SECOND / 2, lambda: crowd.once(target, CROWD, deed))


@attack(needs=["key"])
def unfinished_bodies(target: Target) -> Verdict:
    """600 bodies of somebody known, none of which is ever ended: what they may hold is bounded."""
    begin = wire.posted(
        target, VALIDATE, b" " * UNFINISHED_SENT, [*wire.bearer(target.key), JSON], UNFINISHED_LENGTH
    )
    deed = crowd.saying(begin, then_stay=True)
    with MemoryWatch(target) as memory, Bystander(target) as other:
        crowd.let_loose(UNFINISHED_SECONDS, *(crowd.arrive(target, CROWD, deed) for _ in range(UNFINISHED)))
    faults = other.seen.faults(max(OTHERS_WAIT, target.bars.latency), 99) + memory.faults()
    return Verdict.of(f"{other.seen}; {memory}", faults)


@attack(needs=["key"])
def health_while_busy(target: Target) -> Verdict:
    """However busy the threads are, who asks whether the server lives is answered at once."""
    with Bystander(target, path="/healthz") as other:
        _read_heavily(target)
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))


@attack(needs=["key", "other_key"])
def heavy_readers(target: Target) -> Verdict:
    """Readers of one tenant do not stall those of another."""
    with Bystander(target, key=target.other_key) as other:
        _read_heavily(target)
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))


def _read_heavily(target: Target) -> None:
    requests = [wire.head(target, "GET", path, wire.bearer(target.key)) for path in (LIST, MODELS)]
    readers = [
        crowd.read_on_and_on(target, CROWD, request) for request in requests for _ in range(READERS // 2)
    ]
    crowd.let_loose(min(BUSY_SECONDS, target.bars.load_seconds), *readers)


@attack(needs=["key", "other_key"])
def heavy_askers(target: Target) -> Verdict:
    """Nor do those of one tenant who let requests be judged."""
    request = wire.posted(target, VALIDATE, json.dumps(GOOD_BODY).encode(), [*wire.bearer(target.key), JSON])
    with Bystander(target, key=target.other_key) as other:
        crowd.let_loose(
            min(BUSY_SECONDS, target.bars.load_seconds),
            *(crowd.read_on_and_on(target, CROWD, request) for _ in range(READERS)),
        )
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))
