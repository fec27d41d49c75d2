"""Attacks with request heads: work before authentication is small and bounded."""

import socket
import time

from tests.attacks import h2, wire
from tests.attacks.attack import Attack, Target, Verdict, attack
from tests.attacks.bystander import Bystander
from tests.attacks.wire import Answer, Connection

FIELDS_ALLOWED = 60
FIELDS_REFUSED = 90
"""Around the 64 the server accepts; up to 100 are refused in the API's envelope."""
FIELDS_ABSURD = 2000
LINE = 4096
"""Bytes of one large header."""
LINES_ALLOWED = 3
LINES_REFUSED = 5
"""Around the 16 KiB the server accepts."""
LINES_REPEATED = 15
LINES_ABSURD = 1000
DEADLINE = 20.0
"""Seconds within which the server closes a connection without a request."""
DRIP = 1.0
"""Seconds between two bytes."""
H2_ATTENTION = 2.0
"""Seconds to wait for an answer over HTTP/2."""
UMLAUT = b"caf\xe9 \xff"
"""Latin-1, not UTF-8."""
EVIL = "evil.example"


def _asked(target: Target, fields: list[wire.Field]) -> tuple[Answer | None, list[str], str]:
    """The answer, the faults another client saw, and the seconds it took."""
    with Bystander(target, path="/healthz") as other:
        began = time.monotonic()
        answer = wire.ask(target, wire.head(target, "GET", "/v1/models", fields))
        took = time.monotonic() - began
    faults = other.seen.faults(target.bars.latency)
    if took > target.bars.latency:
        faults.append("the answer took its time")
    return answer, faults, f"{answer or 'closed'} in {took * 1000:.0f} ms"


def _is_refused(answer: Answer | None) -> list[str]:
    if answer is not None and (answer.status, answer.code) == (431, "header_too_large"):
        return []
    return ["not 431 header_too_large"]


@attack()
def many_fields(target: Target) -> Verdict:
    """Too many header fields are refused without being parsed."""
    answer, faults, measured = _asked(target, [(f"x-{number}", "1") for number in range(FIELDS_REFUSED)])
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def large_head(target: Target) -> Verdict:
    """A head of more than 16 KiB is refused."""
    answer, faults, measured = _asked(target, [(f"x-{n}", "a" * LINE) for n in range(LINES_REFUSED)])
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def one_field_repeated(target: Target) -> Verdict:
    """A repeated header is joined once or refused, not copied again for each value."""
    answer, faults, measured = _asked(target, [("x-again", "a" * LINE)] * LINES_REPEATED)
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def ordinary_heads(target: Target) -> Verdict:
    """The headers of browsers and programs, with cookies and tracing, are accepted."""
    heads = [
        [(f"x-{number}", "1") for number in range(FIELDS_ALLOWED)],
        [(f"x-{number}", "a" * LINE) for number in range(LINES_ALLOWED)],
    ]
    answers = [wire.ask(target, wire.head(target, "GET", "/healthz", fields)) for fields in heads]
    faults = [f"{answer or 'closed'}" for answer in answers if answer is None or answer.status != 200]
    return Verdict.of("both answered", faults)


@attack()
def absurd_heads(target: Target) -> Verdict:
    """A huge head gets 431 or a closed connection at once and does not affect others."""
    faults, measured = [], []
    for fields in ([("x-a", "1")] * FIELDS_ABSURD, [("x-a", "a" * LINE)] * LINES_ABSURD):
        answer, bothered, took = _asked(target, list(fields))
        faults += bothered + ([] if answer is None or answer.status == 431 else [f"answered {answer}"])
        measured.append(took)
    return Verdict.of(", ".join(measured), faults)


@attack()
def http2_by_prior_knowledge(target: Target) -> Verdict:
    """8 KB of HTTP/2 that stand for 16 MB of headers: HTTP/2 is refused and others are not affected."""
    with Bystander(target, path="/healthz") as other, Connection(target) as connection:
        connection.send(h2.PREFACE + h2.SETTINGS + h2.repeated_header(target.netloc))
        accepts_http2 = _speaks_http2(connection)
        if accepts_http2:
            connection.wait_for_end(H2_ATTENTION)  # a client that leaves at once is not served
    faults = ["HTTP/2 is accepted"] if accepts_http2 else []
    return Verdict.of(str(other.seen), faults + other.seen.faults(target.bars.latency))


def _speaks_http2(connection: Connection) -> bool:
    connection.socket.settimeout(1.0)
    try:
        start = connection.socket.recv(h2.FRAME_HEAD, socket.MSG_WAITALL)
    except OSError:
        return False
    return h2.is_settings(start)


@attack(waits=True)
def dripping_head(target: Target) -> Verdict:
    """A head that arrives byte by byte is cut off after a while."""
    request = wire.head(target, "GET", "/healthz", [("x-slow", "a" * 100)])
    return _cut_off(target, "127.0.0.4", request)


@attack(waits=True)
def silent_connection(target: Target) -> Verdict:
    """A connection that sends nothing is closed."""
    with Connection(target, "127.0.0.5") as connection:
        return _closed(connection.wait_for_end(DEADLINE))


@attack(waits=True)
def half_a_head(target: Target) -> Verdict:
    """A connection that sends half a head is closed."""
    with Connection(target, "127.0.0.5") as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: ")
        return _closed(connection.wait_for_end(DEADLINE))


def _cut_off(target: Target, source: str, request: bytes) -> Verdict:
    with Connection(target, source) as connection:
        for sent in range(int(DEADLINE / DRIP)):
            if not connection.send(request[sent : sent + 1]) or not connection.is_open:
                return _closed(sent * DRIP)
            time.sleep(DRIP)
    return _closed(None)


def _closed(seconds: float | None) -> Verdict:
    if seconds is None:
        return Verdict.of("", [f"still open after {DEADLINE:g} s"])
    return Verdict.of(f"closed after {seconds:.0f} s")


def _carries_bytes(name: str) -> Attack:
    def run(target: Target) -> Verdict:
        answer = wire.get(target, "/v1/models" if target.key else "/healthz", [(name, UMLAUT)])
        good = answer is not None and answer.status == 200
        return Verdict.of(f"{answer or 'closed'}", [] if good else ["the request broke"])

    return Attack(f"bytes-in-{name.lower()}", f"{name} may hold any bytes, and breaks nothing.", run)


BYTES_IN_HEADERS = [_carries_bytes(name) for name in ("User-Agent", "Cookie", "X-Title", "X-Forwarded-For")]


@attack(needs=["key"])
def bytes_in_idempotency_key(target: Target) -> Verdict:
    """An unreadable Idempotency-Key is refused, not ignored. The body is invalid: nothing is created."""
    answer = wire.post_json(target, "/v1/videos", {"model": "none"}, [("Idempotency-Key", UMLAUT)])
    good = answer is not None and answer.status == 400 and "Idempotency-Key" in answer.message
    return Verdict.of(f"{answer or 'closed'}", [] if good else ["not 400 that names Idempotency-Key"])


@attack()
def health_for_any_host(target: Target) -> Verdict:
    """/healthz answers for any Host header."""
    answers = {path: wire.get(target, path, host=EVIL) for path in ("/healthz", "/readyz")}
    faults = [
        f"{path}: {answer or 'closed'}"
        for path, answer in answers.items()
        if answer is None or answer.status != 200
    ]
    return Verdict.of("both answered 200", faults)


@attack()
def foreign_host(target: Target) -> Verdict:
    """A wrong host is refused by name, in the API's envelope on its routes."""
    answer = wire.get(target, "/v1/models", host=EVIL)
    if answer is None:
        return Verdict.of("", ["closed"])
    faults = [] if answer.status == 400 and answer.code else ["not 400 in the envelope"]
    faults += [] if EVIL in answer.message else [f"the message does not name it: {answer.message[:80]!r}"]
    return Verdict.of(str(answer), faults)
