"""TC3-HMAC-SHA256: what is signed of a request, and the signature. Pure.

We sign our calls with it, and verify those of clients. Source: API 3.0 "Signature method v3"; the steps and
two test vectors are in the facts, section 8.2.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"
END_OF_SCOPE = "tc3_request"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
"""Signed in place of the body, if the client leaves the body out of the signature."""


def signature(
    secret_key: str, *, service: str, headers: Mapping[str, str], body: bytes, timestamp: int
) -> str:
    """The signature of one `POST /`, as 64 hex digits.

    `headers` are those to sign, `timestamp` is in Unix seconds.
    """
    request_digest = _sha256(_canonical_request(headers, body).encode())
    to_sign = "\n".join((ALGORITHM, str(timestamp), scope(service, timestamp), request_digest))
    key = _signing_key(secret_key, service, timestamp)
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def scope(service: str, timestamp: int) -> str:
    """What a signature is good for: one service on one day."""
    return f"{utc_date(timestamp)}/{service}/{END_OF_SCOPE}"


def signed_names(headers: Mapping[str, str]) -> str:
    """The names of the headers, as `SignedHeaders` lists them."""
    return ";".join(sorted(map(str.lower, headers)))


def utc_date(timestamp: int) -> str:
    """The day of a scope."""
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()


def _canonical_request(headers: Mapping[str, str], body: bytes) -> str:
    signed = {name.lower(): value.strip().lower() for name, value in headers.items()}
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    return "\n".join(("POST", "/", "", lines, signed_names(signed), _sha256(body)))


def _signing_key(secret_key: str, service: str, timestamp: int) -> bytes:
    key = f"TC3{secret_key}".encode()
    for part in (utc_date(timestamp), service, END_OF_SCOPE):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
