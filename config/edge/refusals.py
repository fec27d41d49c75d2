"""Responses that the edge sends without Django; errors use the envelope of the contract (section 5)."""

from config.edge.answers import Answer
from config.envelope import encode, envelope
from config.error_codes import ErrorCode
from config.middleware import REQUEST_ID_HEADER, new_request_id

_INVALID = "invalid_request_error"


def alive() -> Answer:
    """200: the process accepts requests."""
    return _answer(200, {"status": "ok"})


def header_too_large(fields: int, size: int) -> Answer:
    """431, for a head of more than `fields` fields or `size` bytes."""
    message = f"The request head must not exceed {fields} header fields and {size} bytes"
    return _refusal(431, message, _INVALID, "header_too_large")


def incomplete_body(message: str) -> Answer:
    """400, for a body that did not arrive whole or in time."""
    return _refusal(400, message, _INVALID, "incomplete_body")


def too_many_bodies() -> Answer:
    """503: the memory for request bodies is used up for the moment."""
    message = "Too many request bodies are arriving at once; send this one again in a moment"
    answer = _refusal(503, message, "server_error", "overloaded")
    answer.headers.append((b"retry-after", b"1"))
    return answer


def no_answer_in_time() -> Answer:
    """503: no thread was free or finished in time; the request may have been carried out."""
    message = "The service did not get to an answer in time; ask again, with the same Idempotency-Key"
    answer = _refusal(503, message, "server_error", "overloaded")
    answer.headers.append((b"retry-after", b"5"))
    return answer


def http_2_not_spoken() -> Answer:
    """505, for HTTP/2 if the setting `HTTP_2` is off."""
    return _refusal(505, "HTTP/2 is not spoken here; use HTTP/1.1", _INVALID, "http_version_not_supported")


def _refusal(status: int, message: str, kind: str, code: ErrorCode) -> Answer:
    answer = _answer(status, envelope(message, type=kind, code=code))
    answer.headers.append((b"connection", b"close"))  # the rest of the request is not read
    return answer


def _answer(status: int, body: dict[str, object]) -> Answer:
    content = encode(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (REQUEST_ID_HEADER.encode(), new_request_id().encode()),
    ]
    return Answer(status, headers, content)
