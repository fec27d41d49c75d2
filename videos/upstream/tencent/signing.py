"""Signs calls of Tencent Cloud API 3.0. Pure: the clock is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.tc3 import ALGORITHM, scope, signature, signed_names

__all__ = ["ALGORITHM", "Credential", "authorization"]


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
    proof = signature(credential.secret_key, service=service, headers=headers, body=body, timestamp=timestamp)
    return (
        f"{ALGORITHM} Credential={credential.secret_id}/{scope(service, timestamp)}, "
        f"SignedHeaders={signed_names(headers)}, Signature={proof}"
    )
