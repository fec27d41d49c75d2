"""Charsets by the names that clients call them, and the texts that WSGI carries as bytes."""

from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

UTF_8, ASCII = "utf_8", "ascii"
_OTHER_CODECS = frozenset(
    (
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "mbcs",
        "quopri_codec",
        "rot_13",
        "utf_7",
        "uu_codec",
        "zlib_codec",
    )
)
"""What Python lists beside charsets, which is none or depends on the machine."""
_KNOWN = (frozenset(aliases.values()) | {"cp874", "koi8_u"}) - _OTHER_CODECS


@lru_cache(maxsize=64)
def codec(charset: str) -> str | None:
    """What Python calls the charset; None for one that is not known.

    Python would look for a module of each name it is asked for, and remember all it did not find.
    """
    name = normalize_encoding(charset).lower()
    name = aliases.get(name, name)
    return name if name in _KNOWN else None


def header_text(value: str) -> str:
    """The text of a header for people to read; WSGI carries each of its bytes as a character."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
