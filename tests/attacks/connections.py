"""Attacks with many connections and requests: one address or tenant cannot block others."""

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
"""Source address of the attacking connections."""
OPENED = 400
KEPT = 256
"""Most connections the server keeps from one address."""
CLOSED_WITHIN = 3.0
"""Seconds within which the others are closed."""
IDLERS, HEAD_DRIPPERS, BODY_DRIPPERS = 1000, 500, 500
OVERSIZED_PER_SECOND = 50
OVERSIZED = 3 * MIB
UNFINISHED = 600
"""Connections that begin a body and never finish it."""
UNFINISHED_SENT, UNFINISHED_LENGTH = 900 * 1000, MIB
UNFINISHED_SECONDS = 3.0
OTHERS_WAIT = 1.0
"""Longest wait of others in seconds while half a gigabyte is sent to the server."""
READERS = 32
"""Concurrent requests of one tenant."""
BUSY_SECONDS = 2.0
LIST, MODELS = "/v1/videos?limit=100", "/v1/models"


@attack()
def connections_of_one_address(target: Target) -> Verdict:
    """The number of connections of one address is limited; other clients are not affected."""
    allow_many_files()
    with Bystander(target) as other, ExitStack() as stack:
        held = []
        for _ in range(OPENED):
            try:
                held.append(stack.enter_context(Connection(target, CROWD)))
            except OSError:
                continue  # refused
        kept = _kept(held)
    faults = [] if kept <= KEPT else [f"{kept} of {OPENED} are kept"]
    return Verdict.of(f"{kept} kept; {other.seen}", faults + other.seen.faults(target.bars.latency, 99))


def _kept(held: list[Connection]) -> int:
    """The number of connections left after the server had time to close the others."""
    deadline = time.monotonic() + CLOSED_WITHIN
    while len(held) > KEPT and time.monotonic() < deadline:
        held = [connection for connection in held if connection.is_open]
        time.sleep(0.1)
    return len(held)


@attack()
def slow_connections(target: Target) -> Verdict:
    """2,000 idle or slow connections and 50 oversized bodies a second, all from one address."""
    head = wire.head(target, "GET", "/healthz", [("x-slow", "")])[:-4]
    body = wire.posted(target, VALIDATE, b"{", [*wire.bearer(target.key), JSON], MIB)
    actions = [
        *[crowd.wait_for_close] * IDLERS,
        *[crowd.slow_sender(head)] * HEAD_DRIPPERS,
        *[crowd.slow_sender(body)] * BODY_DRIPPERS,
    ]
    with MemoryWatch(target) as memory, Bystander(target) as other:
        crowd.run_together(
            target.bars.load_seconds,
            *(crowd.reconnect(target, CROWD, action) for action in actions),
            *(_send_oversized(target, key) for key in (target.key, WRONG_KEY)),
        )
    faults = other.seen.faults(target.bars.latency, 99) + memory.faults()
    return Verdict.of(f"{other.seen}; {memory}", faults)


async def _send_oversized(target: Target, key: str | None) -> None:
    """Send half of the oversized bodies."""
    body = wire.posted(target, VALIDATE, b" " * OVERSIZED, [*wire.bearer(key), JSON])
    action = crowd.sender(body, keep_open=False)
    await crowd.at_rate(OVERSIZED_PER_SECOND / 2, lambda: crowd.use_connection(target, CROWD, action))


@attack(needs=["key"])
def unfinished_bodies(target: Target) -> Verdict:
    """600 unfinished bodies of an authenticated client use a bounded amount of memory."""
    begin = wire.posted(
        target, VALIDATE, b" " * UNFINISHED_SENT, [*wire.bearer(target.key), JSON], UNFINISHED_LENGTH
    )
    action = crowd.sender(begin, keep_open=True)
    with MemoryWatch(target) as memory, Bystander(target) as other:
        crowd.run_together(
            UNFINISHED_SECONDS, *(crowd.start_later(target, CROWD, action) for _ in range(UNFINISHED))
        )
    faults = other.seen.faults(max(OTHERS_WAIT, target.bars.latency), 99) + memory.faults()
    return Verdict.of(f"{other.seen}; {memory}", faults)


@attack(needs=["key"])
def health_while_busy(target: Target) -> Verdict:
    """/healthz answers at once even if all threads are busy."""
    with Bystander(target, path="/healthz") as other:
        _read_all_the_time(target)
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))


@attack(needs=["key", "other_key"])
def many_reads(target: Target) -> Verdict:
    """Many reads of one tenant do not delay another tenant."""
    with Bystander(target, key=target.other_key) as other:
        _read_all_the_time(target)
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))


def _read_all_the_time(target: Target) -> None:
    requests = [wire.head(target, "GET", path, wire.bearer(target.key)) for path in (LIST, MODELS)]
    readers = [
        crowd.repeat_request(target, CROWD, request) for request in requests for _ in range(READERS // 2)
    ]
    crowd.run_together(min(BUSY_SECONDS, target.bars.load_seconds), *readers)


@attack(needs=["key", "other_key"])
def many_validations(target: Target) -> Verdict:
    """Many validations of one tenant do not delay another tenant."""
    request = wire.posted(target, VALIDATE, json.dumps(GOOD_BODY).encode(), [*wire.bearer(target.key), JSON])
    with Bystander(target, key=target.other_key) as other:
        crowd.run_together(
            min(BUSY_SECONDS, target.bars.load_seconds),
            *(crowd.repeat_request(target, CROWD, request) for _ in range(READERS)),
        )
    return Verdict.of(str(other.seen), other.seen.faults(target.bars.latency, 99))
