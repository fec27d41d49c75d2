"""Charsets by the names that clients use, and header texts as WSGI passes them."""

from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

UTF_8, ASCII = "utf_8", "ascii"
_OTHER_CODECS = {
    *("base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec"),
    *("rot_13", "utf_7", "uu_codec", "zlib_codec"),
}
"""Codecs that are no charsets or depend on the machine."""
_KNOWN = (frozenset(aliases.values()) | {"cp874", "koi8_u"}) - _OTHER_CODECS


@lru_cache(maxsize=64)
def codec(charset: str) -> str | None:
    """Python's name of the charset; None if it is unknown.

    Not by `codecs.lookup`, which tries to import a module for each name and caches every failure.
    """
    name = normalize_encoding(charset).lower()
    name = aliases.get(name, name)
    return name if name in _KNOWN else None


def header_text(value: str) -> str:
    """A header value decoded as UTF-8; WSGI carries each of its bytes as a character."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
