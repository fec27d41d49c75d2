"""Verifies the signatures of requests that are signed with a key pair. Pure: the clock is passed in."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.tc3 import ALGORITHM, END_OF_SCOPE, UNSIGNED_PAYLOAD, signature, utc_date

SKEW_SECONDS = 300
"""How far the time of a signature may be from ours; after that, a captured request is worth nothing."""
SIGNED_AT_LEAST = frozenset({"content-type", "host"})
"""Headers that every signature must cover."""
MOST_SIGNED = 32
"""Headers that a signature may cover."""
_TIMESTAMP = "x-tc-timestamp"
_PAYLOAD = "x-tc-content-sha256"
_CLAIM = re.compile(
    rf"{ALGORITHM}\s+"
    rf"Credential=(?P<key_id>[0-9A-Za-z]{{1,64}})/(?P<date>[0-9-]{{10}})/(?P<service>[0-9A-Za-z-]{{1,63}})"
    rf"/{END_OF_SCOPE}\s*,\s*"
    r"SignedHeaders=(?P<names>[a-z0-9;-]{1,1000})\s*,\s*Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_PORT = re.compile(r":[0-9]{1,5}\Z")
_SECONDS = re.compile("[1-9][0-9]{0,10}")
_NOBODY = "of a key pair that does not exist"


class BadSignature(Exception):
    """A signature is not accepted; the message says why and names no secret."""


class Malformed(BadSignature):
    """There is no `Authorization` of the right form."""


class Expired(BadSignature):
    """The time of the signature is too far from ours, or is not that of its scope."""


class Forged(BadSignature):
    """The signature is not the one that the key pair makes of the request."""


@dataclass(frozen=True)
class Claim:
    """What a request says about its signature, before it is proved."""

    key_id: str
    service: str
    """SDKs name the product, or the first part of the endpoint; it is signed, and means nothing here."""
    timestamp: int
    """In Unix seconds."""
    names: tuple[str, ...]
    """The signed headers, in lower case."""
    signature: str = field(repr=False)


def read(headers: Mapping[str, str], now: float) -> Claim:
    """Read the claim of a request; `headers` are looked up by their names in lower case.

    `now` is in Unix seconds. Raises `Malformed` or `Expired`.
    """
    found = _CLAIM.fullmatch(headers.get("authorization", "").strip())
    if found is None:
        raise Malformed(f"The Authorization header must have the form of {ALGORITHM}")
    names = found["names"].split(";")
    if not SIGNED_AT_LEAST.issubset(names) or len(set(names)) < len(names) or len(names) > MOST_SIGNED:
        raise Malformed(f"SignedHeaders must include {' and '.join(sorted(SIGNED_AT_LEAST))}, each once")
    timestamp = _fresh(headers.get(_TIMESTAMP, ""), found["date"], now)
    return Claim(found["key_id"], found["service"], timestamp, tuple(names), found["signature"])


def check(claim: Claim, secret_key: str | None, headers: Mapping[str, str], body: bytes) -> None:
    """Raise `Forged` unless the key pair made the signature; without a secret key, nobody did.

    Takes as long with a wrong secret key as with the right one, or none.
    """
    expected = [
        signature(
            secret_key or _NOBODY,
            service=claim.service,
            headers={name: headers.get(name, "") for name in claim.names} | {"host": host},
            body=UNSIGNED_PAYLOAD.encode() if headers.get(_PAYLOAD) == UNSIGNED_PAYLOAD else body,
            timestamp=claim.timestamp,
        )
        for host in _hosts(headers.get("host", ""))
    ]
    is_same = any(hmac.compare_digest(each, claim.signature) for each in expected)
    if not is_same or not secret_key:
        raise Forged("The signature does not match the request")


def _hosts(sent: str) -> list[str]:
    """The host as sent, and without its port, which the SDK for Node leaves out of what it signs."""
    return list(dict.fromkeys([sent, _PORT.sub("", sent)]))


def _fresh(text: str, scope_date: str, now: float) -> int:
    if not _SECONDS.fullmatch(text):
        raise Malformed("X-TC-Timestamp must be the time in Unix seconds")
    timestamp = int(text)
    if abs(now - timestamp) > SKEW_SECONDS:
        raise Expired(f"X-TC-Timestamp differs from our clock by more than {SKEW_SECONDS} seconds")
    if utc_date(timestamp) != scope_date:
        raise Expired("The date of the credential's scope must be the UTC date of X-TC-Timestamp")
    return timestamp
