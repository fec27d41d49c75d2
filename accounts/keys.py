"""API keys as text: generating, parsing, hashing and comparing them. Pure.

A key is `rly_<8 lookup>_<43 secret><6 checksum>`, all base 62. The checksum identifies a mistyped key, or one
found in a public repository, without a database.

A key pair, whose secret key signs requests and is never sent, is an id `RLY<13>` and 43 characters. No other
key has the prefix of a pair, so neither is ever taken for the other.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

PREFIX = "rly"
PAIR_PREFIX = "RLY"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LOOKUP_LENGTH = 8
_SECRET_LENGTH = 43
"""43 characters of base 62 hold 256 bits."""
_CHECKSUM_LENGTH = 6
_PAIR_LENGTH = 13
"""16 characters with the prefix, as many as the column of prefixes holds."""
_SHAPE = re.compile(
    rf"({PREFIX}_[0-9A-Za-z]{{{_LOOKUP_LENGTH}}})_"
    rf"[0-9A-Za-z]{{{_SECRET_LENGTH}}}([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
_WITH_SECRET = re.compile(rf"({PREFIX}_[0-9A-Za-z]{{{_LOOKUP_LENGTH}}})_[0-9A-Za-z]+")
"""A key, or as much of its secret as was copied."""


@dataclass(frozen=True)
class ParsedKey:
    """A well-formed key: the prefix that finds it, and the digest that proves it, which `repr` hides."""

    prefix: str
    digest: str = field(repr=False)


@dataclass(frozen=True)
class Minted:
    """A new key: what finds it, what is stored to prove it, and the text that is shown once."""

    prefix: str
    digest: str = field(repr=False)
    text: str = field(repr=False)


def mint_bearer() -> Minted:
    """A new key that is sent with each request."""
    text = mint()
    return Minted(text[: len(PREFIX) + 1 + _LOOKUP_LENGTH], digest(text), text)


def mint_pair() -> Minted:
    """A new key pair: `prefix` is its id, `text` its secret key."""
    secret_key = _random(_SECRET_LENGTH)
    return Minted(f"{PAIR_PREFIX}{_random(_PAIR_LENGTH)}", digest(secret_key), secret_key)


def is_pair(prefix: str) -> bool:
    """Whether it is the prefix of a key pair, that is its whole id."""
    return prefix.startswith(PAIR_PREFIX)


def mint() -> str:
    """A new key; only its digest may be stored."""
    body = f"{PREFIX}_{_random(_LOOKUP_LENGTH)}_{_random(_SECRET_LENGTH)}"
    return body + _checksum(body)


def parse(key: str) -> ParsedKey | None:
    """Parse a key as presented; None if it is malformed or its checksum is wrong."""
    match = _SHAPE.fullmatch(key)
    if match is None or _checksum(key[:-_CHECKSUM_LENGTH]) != match[2]:
        return None
    return ParsedKey(prefix=match[1], digest=digest(key))


def without_secrets(text: str) -> str:
    """The text with each key in it cut to its prefix."""
    return _WITH_SECRET.sub(r"\1", text)


def digest(key: str) -> str:
    """The hash that is stored of a key. Its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(digest: str, other: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(digest, other)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return letters
