"""Attacks with request bodies: incomplete ones are refused, unauthenticated ones are hardly read.

On a server that fails, the attacks that cut a body create a video: use the key of a tenant at the sandbox.
"""

import json
import secrets
import socket
import time

from tests.attacks import wire
from tests.attacks.attack import MIB, Target, Verdict, attack
from tests.attacks.wire import Answer, Connection

CREATE, VALIDATE = "/v1/videos", "/v1/videos/validate"
GOOD_BODY = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}
JSON = ("Content-Type", "application/json")
MISSING = 500
"""Bytes announced in Content-Length and never sent."""
LARGE = 900 * 1000
"""Bytes of a large body that is allowed."""
PROMPTLY = 2.0
"""Seconds within which a request without a valid key is answered."""
GO_ON = b"HTTP/1.1 100"
DEADLINE = 20.0
"""Seconds within which the server closes a connection with a slow body."""
DRIP = 1.0
CONSEQUENCE = 0.7
"""Seconds after which a request would have taken effect."""
LISTED = 50
"""Tasks to list when looking for a new one."""
WRONG_KEY = "rl_wrong00_0000000000000000000000000000000000000000"


def _marked() -> tuple[str, bytes]:
    """A unique prompt and a body that uses it."""
    mark = f"attack {secrets.token_hex(8)}"
    return mark, json.dumps({**GOOD_BODY, "prompt": mark}).encode()


def _was_made(target: Target, mark: str) -> bool:
    answer = wire.get(target, f"{CREATE}?limit={LISTED}")
    if answer is None or answer.status != 200:
        raise ConnectionError(f"the list of tasks was not answered: {answer or 'closed'}")
    return any(mark in str(task["prompt"]) for task in answer.json["data"])


def _cut(target: Target, mark: str, request: bytes, *, listens: bool) -> Verdict:
    """Send an incomplete request, end the connection, and check that no task was created."""
    with Connection(target) as connection:
        connection.send(request)
        if listens:
            connection.finish()
            answer = connection.answer()
    if not listens:
        answer = None
    time.sleep(CONSEQUENCE)
    made = ["a task was made"] if _was_made(target, mark) else []
    return Verdict.of(f"{answer or 'no answer'}", made + (_incomplete(answer) if answer else []))


def _incomplete(answer: Answer) -> list[str]:
    good = (answer.status, answer.code) == (400, "incomplete_body")
    return [] if good else ["not 400 incomplete_body"]


def _promised(target: Target, body: bytes) -> bytes:
    return wire.posted(target, CREATE, body, [*wire.bearer(target.key), JSON], len(body) + MISSING)


@attack(needs=["key"], waits=True)
def body_ends_early(target: Target) -> Verdict:
    """A body shorter than its Content-Length is refused as incomplete, even if it is valid JSON."""
    mark, body = _marked()
    return _cut(target, mark, _promised(target, body), listens=True)


@attack(needs=["key"], waits=True)
def client_vanishes(target: Target) -> Verdict:
    """A client that disconnects within a body creates nothing."""
    mark, body = _marked()
    return _cut(target, mark, _promised(target, body), listens=False)


@attack(needs=["key"], waits=True)
def chunks_end_early(target: Target) -> Verdict:
    """A chunked body without its last chunk is incomplete."""
    mark, body = _marked()
    return _cut(target, mark, _chunked(target, body), listens=True)


@attack(needs=["key"], waits=True)
def client_vanishes_amid_chunks(target: Target) -> Verdict:
    """A client that disconnects within a chunked body creates nothing."""
    mark, body = _marked()
    return _cut(target, mark, _chunked(target, body), listens=False)


def _chunked(target: Target, body: bytes) -> bytes:
    fields = [*wire.bearer(target.key), JSON, ("Transfer-Encoding", "chunked")]
    return wire.head(target, "POST", CREATE, fields) + f"{len(body):x}\r\n".encode() + body + b"\r\n"


@attack(needs=["key"], waits=True)
def form_ends_early(target: Target) -> Verdict:
    """A form shorter than its Content-Length creates nothing."""
    mark, content_type, body = _marked_form()
    fields = [*wire.bearer(target.key), content_type]
    return _cut(target, mark, wire.posted(target, CREATE, body, fields, len(body) + MISSING), listens=True)


@attack(needs=["key"], waits=True)
def form_without_an_end(target: Target) -> Verdict:
    """A form without its last boundary but with a matching Content-Length is refused."""
    mark, content_type, body = _marked_form()
    cut = body[: -len("--\r\n") - len("part") - 20]
    with Connection(target) as connection:
        connection.send(wire.posted(target, CREATE, cut, [*wire.bearer(target.key), content_type]))
        answer = connection.answer()
    made = ["a task was made"] if _was_made(target, mark) else []
    refused = answer is None or answer.status == 400
    return Verdict.of(f"{answer or 'closed'}", made + ([] if refused else ["not 400"]))


def _marked_form() -> tuple[str, wire.Field, bytes]:
    mark, body = _marked()
    return mark, *wire.form(json.loads(body).items())


@attack(waits=True)
def dripping_body(target: Target) -> Verdict:
    """A body that arrives byte by byte is refused after a while."""
    body = json.dumps(GOOD_BODY).encode()
    with Connection(target, "127.0.0.6") as connection:
        connection.send(_announced(target, target.key or WRONG_KEY, len(body)))
        for sent in range(int(DEADLINE / DRIP)):
            received = connection.received()
            if received is not None:
                status = " ".join(received[:12].decode("latin-1").split()) or "closed"
                refused = status.startswith("HTTP/1.1 4") or not received
                return Verdict.of(f"{status} after {sent * DRIP:.0f} s", [] if refused else ["not refused"])
            connection.send(body[sent : sent + 1])
            time.sleep(DRIP)
    return Verdict.of("", [f"still taken after {DEADLINE:g} s"])


@attack(waits=True)
def body_that_never_comes(target: Target) -> Verdict:
    """A connection whose announced body never arrives is closed."""
    with Connection(target, "127.0.0.6") as connection:
        connection.send(_announced(target, target.key or WRONG_KEY, LARGE))
        ended = connection.wait_for_end(DEADLINE)
    return Verdict.of(f"closed after {ended:.0f} s" if ended else "", [] if ended else ["still waited for"])


def _announced(target: Target, key: str | None, length: int, *fields: wire.Field) -> bytes:
    """The head of a POST to validate, without a body."""
    return wire.posted(target, VALIDATE, b"", [*wire.bearer(key), JSON, *fields], length)


def _refused_early(target: Target, request: bytes) -> Verdict:
    """Check that the request gets 401 before any of its body was sent."""
    try:
        with Connection(target, patience=PROMPTLY) as connection:
            connection.send(request)
            start = connection.socket.recv(len(GO_ON), socket.MSG_PEEK)
            answer = connection.answer()
    except TimeoutError:
        return Verdict.of("", [f"no answer within {PROMPTLY:g} s, before the body"])
    if answer is None or start == GO_ON:
        return Verdict.of("", ["told to go on" if start == GO_ON else "closed without an answer"])
    faults = [] if (answer.status, answer.code) == (401, "invalid_api_key") else ["not 401 invalid_api_key"]
    return Verdict.of(f"{answer} in {answer.seconds * 1000:.0f} ms", faults)


@attack(waits=True)
def large_body_of_a_wrong_key(target: Target) -> Verdict:
    """A wrong key is refused before a large body is read."""
    return _refused_early(target, _announced(target, WRONG_KEY, LARGE))


@attack(waits=True)
def large_body_without_a_key(target: Target) -> Verdict:
    """A missing key is refused before a large body is read."""
    return _refused_early(target, _announced(target, None, LARGE))


@attack(waits=True)
def large_body_that_asks_first(target: Target) -> Verdict:
    """`Expect: 100-continue` with a wrong key gets 401, not 100."""
    return _refused_early(target, _announced(target, WRONG_KEY, LARGE, ("Expect", "100-continue")))


def _refused(answer: Answer | None, status: int, code: str, named: str = "") -> Verdict:
    if answer is None:
        return Verdict.of("", ["closed without an answer"])
    faults = [] if (answer.status, answer.code) == (status, code) else [f"not {status} {code}"]
    faults += (
        [] if named in answer.message else [f"the message does not name {named}: {answer.message[:80]!r}"]
    )
    return Verdict.of(str(answer), faults)


@attack(needs=["key"])
def body_over_the_limit(target: Target) -> Verdict:
    """A body of one byte over 1 MiB gets 413."""
    return _refused(wire.post_json(target, VALIDATE, b" " * (MIB + 1)), 413, "request_too_large")


@attack(needs=["key"])
def zipped_body(target: Target) -> Verdict:
    """A compressed body is refused with the reason, not as invalid JSON."""
    answer = wire.post_json(target, VALIDATE, b"\x1f\x8b\x08", [("Content-Encoding", "gzip")])
    return _refused(answer, 415, "unsupported_media_type", "gzip")


@attack(needs=["key"])
def foreign_charset(target: Target) -> Verdict:
    """A body in another charset is refused with the reason, not as invalid JSON."""
    body = json.dumps({**GOOD_BODY, "prompt": "一只猫"}, ensure_ascii=False).encode("gbk")
    answer = _in_charset(target, body, "gbk")
    return _refused(answer, 415, "unsupported_media_type", "gbk")


@attack(needs=["key"])
def own_charset(target: Target) -> Verdict:
    """`charset=utf-8` is accepted."""
    answer = _in_charset(target, json.dumps(GOOD_BODY).encode(), "utf-8")
    good = answer is not None and answer.status == 200
    return Verdict.of(f"{answer or 'closed'}", [] if good else ["not 200"])


def _in_charset(target: Target, body: bytes, charset: str) -> Answer | None:
    fields = [*wire.bearer(target.key), ("Content-Type", f"application/json; charset={charset}")]
    return wire.ask(target, wire.posted(target, VALIDATE, body, fields))
