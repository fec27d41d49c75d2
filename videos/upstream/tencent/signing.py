"""TC3-HMAC-SHA256, the request signature of Tencent Cloud API 3.0.

Pure: the clock is passed in. Source: API 3.0 "Signature method v3"; the steps and two test vectors are in the
facts, section 8.2.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"


@dataclass(frozen=True)
class Credential:
    """An account's key pair. The secret key is left out of its `repr`."""

    secret_id: str
    secret_key: str = field(repr=False)


def authorization(
    credential: Credential,
    *,
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    timestamp: int,
) -> str:
    """Return the `Authorization` header for one `POST /`.

    `headers` are those to sign, with the exact values that will be sent; upstream requires
    `content-type` and `host`. `timestamp` is in Unix seconds and must also be sent, as `X-TC-Timestamp`.
    """
    signed = {name.lower(): value.strip().lower() for name, value in headers.items()}
    scope = f"{_utc_date(timestamp)}/{service}/tc3_request"
    request_digest = _sha256(_canonical_request(signed, body).encode())
    to_sign = "\n".join((ALGORITHM, str(timestamp), scope, request_digest))
    signature = hmac.new(
        _signing_key(credential, service, timestamp), to_sign.encode(), hashlib.sha256
    ).hexdigest()
    return (
        f"{ALGORITHM} Credential={credential.secret_id}/{scope}, "
        f"SignedHeaders={_names(signed)}, Signature={signature}"
    )


def _canonical_request(signed: Mapping[str, str], body: bytes) -> str:
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    return "\n".join(("POST", "/", "", lines, _names(signed), _sha256(body)))


def _names(signed: Mapping[str, str]) -> str:
    return ";".join(sorted(signed))


def _signing_key(credential: Credential, service: str, timestamp: int) -> bytes:
    key = f"TC3{credential.secret_key}".encode()
    for part in (_utc_date(timestamp), service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def _utc_date(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
