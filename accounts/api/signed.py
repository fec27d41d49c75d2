"""Authentication of requests that are signed with a key pair."""

from collections.abc import Callable, Mapping
from datetime import datetime

from accounts import keys, signatures
from accounts.api.lookup import KEY_ALONE, Found, Wanted, find_keys
from accounts.keys import ParsedKey
from accounts.models import SigningSecret


class UnknownKeyPair(Exception):
    """No usable key pair has that id; the same for one that is revoked, expired or of a suspended tenant."""

    def __init__(self) -> None:
        super().__init__("The SecretId does not exist, or no longer works")


def find_signer(
    headers: Mapping[str, str],
    read_body: Callable[[], bytes],
    now: datetime,
    wanted: Wanted = KEY_ALONE,
) -> Found:
    """The usable key pair that signed a request, and what is wanted with it.

    `headers` are by their names in lower case. The body is read only for an id that exists, since a large one
    waits until then. Raises `UnknownKeyPair`, and `BadSignature` of `signatures`.
    """
    claim = signatures.read(headers, now.timestamp())
    secret = _secret_of(claim.key_id)
    try:
        signatures.check(claim, secret, headers, read_body() if secret else b"")
    except signatures.Forged:
        if secret is None:
            raise UnknownKeyPair from None
        raise
    # Nobody else knows the digest, so a pair whose secret was replaced meanwhile is not found.
    parsed = ParsedKey(claim.key_id, keys.digest(secret or ""))
    [found] = find_keys([parsed], now, wanted)
    if found is None:
        raise UnknownKeyPair
    return found


def _secret_of(key_id: str) -> str | None:
    """The secret key of the pair with that id; None if there is none. One query."""
    return SigningSecret.objects.filter(key__prefix=key_id).values_list("secret", flat=True).first()
