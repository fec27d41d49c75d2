"""Attacks by the head of a request: before anybody is known, work is small and bounded."""

import socket
import time

from tests.attacks import h2, wire
from tests.attacks.attack import Attack, Target, Verdict, attack
from tests.attacks.bystander import Bystander
from tests.attacks.wire import Answer, Connection

FIELDS_ALLOWED = 60
FIELDS_REFUSED = 90
"""Around the 64 that the server takes, whatever it counts; up to 100 are refused in the API's envelope."""
FIELDS_ABSURD = 2000
LINE = 4096
"""Bytes of one large header."""
LINES_ALLOWED = 3
LINES_REFUSED = 5
"""Around the 16 KiB that the server takes."""
LINES_REPEATED = 15
LINES_ABSURD = 1000
DEADLINE = 20.0
"""Seconds after which the server has closed a connection on which no request arrives."""
DRIP = 1.0
"""Seconds from one byte to the next."""
H2_ATTENTION = 2.0
"""Seconds to stay for an answer over HTTP/2."""
UMLAUT = b"caf\xe9 \xff"
"""Latin-1, and no UTF-8."""
EVIL = "evil.example"


def _asked(target: Target, fields: list[wire.Field]) -> tuple[Answer | None, list[str], str]:
    """The answer to a head with these fields, what bothered another client, and how long it took."""
    with Bystander(target, path="/healthz") as other:
        began = time.monotonic()
        answer = wire.ask(target, wire.head(target, "GET", "/v1/models", fields))
        took = time.monotonic() - began
    faults = other.seen.faults(target.bars.latency)
    if took > target.bars.latency:
        faults.append("the answer took its time")
    return answer, faults, f"{answer or 'closed'} in {took * 1000:.0f} ms"


def _is_refused(answer: Answer | None) -> list[str]:
    """Whether it is 431 in the API's envelope."""
    if answer is not None and (answer.status, answer.code) == (431, "header_too_large"):
        return []
    return ["not 431 header_too_large"]


@attack()
def many_fields(target: Target) -> Verdict:
    """More fields than anybody needs are refused, not looked at one by one."""
    answer, faults, measured = _asked(target, [(f"x-{number}", "1") for number in range(FIELDS_REFUSED)])
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def large_head(target: Target) -> Verdict:
    """A head of more than 16 KiB is refused."""
    answer, faults, measured = _asked(target, [(f"x-{n}", "a" * LINE) for n in range(LINES_REFUSED)])
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def one_field_repeated(target: Target) -> Verdict:
    """One header many times: its values are joined once, or refused, and never copied again for each."""
    answer, faults, measured = _asked(target, [("x-again", "a" * LINE)] * LINES_REPEATED)
    return Verdict.of(measured, _is_refused(answer) + faults)


@attack()
def ordinary_heads(target: Target) -> Verdict:
    """What browsers and programs do send, with cookies and tracing headers, is not refused."""
    heads = [
        [(f"x-{number}", "1") for number in range(FIELDS_ALLOWED)],
        [(f"x-{number}", "a" * LINE) for number in range(LINES_ALLOWED)],
    ]
    answers = [wire.ask(target, wire.head(target, "GET", "/healthz", fields)) for fields in heads]
    faults = [f"{answer or 'closed'}" for answer in answers if answer is None or answer.status != 200]
    return Verdict.of("both answered", faults)


@attack()
def absurd_heads(target: Target) -> Verdict:
    """A head beyond all measure ends in 431 or in a closed connection, at once and at nobody's cost."""
    faults, measured = [], []
    for fields in ([("x-a", "1")] * FIELDS_ABSURD, [("x-a", "a" * LINE)] * LINES_ABSURD):
        answer, bothered, took = _asked(target, list(fields))
        faults += bothered + ([] if answer is None or answer.status == 431 else [f"answered {answer}"])
        measured.append(took)
    return Verdict.of(", ".join(measured), faults)


@attack()
def http2_by_prior_knowledge(target: Target) -> Verdict:
    """8 KB of HTTP/2 that stand for 16 MB of headers: HTTP/2 is not spoken, and nobody else notices."""
    with Bystander(target, path="/healthz") as other, Connection(target) as connection:
        connection.send(h2.PREFACE + h2.SETTINGS + h2.repeated_header(target.netloc))
        spoken = _speaks_http2(connection)
        if spoken:
            connection.wait_for_end(H2_ATTENTION)  # who goes away at once is not worked for
    faults = ["HTTP/2 is spoken"] if spoken else []
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
    """A head that comes byte by byte is cut off after a while, however steadily it comes."""
    request = wire.head(target, "GET", "/healthz", [("x-slow", "a" * 100)])
    return _cut_off(target, "127.0.0.4", request)


@attack(waits=True)
def silent_connection(target: Target) -> Verdict:
    """Who connects and says nothing is shown out."""
    with Connection(target, "127.0.0.5") as connection:
        return _closed(connection.wait_for_end(DEADLINE))


@attack(waits=True)
def half_a_head(target: Target) -> Verdict:
    """Who sends half a head and then nothing is shown out too."""
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
    """A key that cannot be read is not taken for one that was not sent. The body is bad: nothing is made."""
    answer = wire.post_json(target, "/v1/videos", {"model": "none"}, [("Idempotency-Key", UMLAUT)])
    good = answer is not None and answer.status == 400 and "Idempotency-Key" in answer.message
    return Verdict.of(f"{answer or 'closed'}", [] if good else ["not 400 that names Idempotency-Key"])


@attack()
def health_for_any_host(target: Target) -> Verdict:
    """Who watches the server asks by its address, whatever hosts it serves."""
    answers = {path: wire.get(target, path, host=EVIL) for path in ("/healthz", "/readyz")}
    faults = [
        f"{path}: {answer or 'closed'}"
        for path, answer in answers.items()
        if answer is None or answer.status != 200
    ]
    return Verdict.of("both answered 200", faults)


@attack()
def foreign_host(target: Target) -> Verdict:
    """A wrong host is told so by name, in the API's envelope on its routes."""
    answer = wire.get(target, "/v1/models", host=EVIL)
    if answer is None:
        return Verdict.of("", ["closed"])
    faults = [] if answer.status == 400 and answer.code else ["not 400 in the envelope"]
    faults += [] if EVIL in answer.message else [f"the message does not name it: {answer.message[:80]!r}"]
    return Verdict.of(str(answer), faults)
