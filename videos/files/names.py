"""The names of uploaded files. Pure."""

import unicodedata

from videos.requests.files import FileKind

LONGEST = 200
"""Characters."""
_UNUSED = "file"


def cleaned(name: str, kind: FileKind) -> str:
    """The last part of a path, without what is not printed or steers other programs; never empty.

    A long name keeps its end, which programs take for its kind.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(char for char in unicodedata.normalize("NFC", last) if _is_shown(char))
    plain = " ".join(plain.split()).strip(". ")
    if len(plain) > LONGEST:
        stem, dot, end = plain.rpartition(".")
        end = f"{dot}{end}" if dot and len(end) <= len("jpeg") else ""
        plain = f"{(stem or plain)[: LONGEST - len(end)]}{end}"
    return plain or f"{_UNUSED}.{kind.value}"


def _is_shown(char: str) -> bool:
    """No control, format, surrogate or unassigned character, and none that quotes or separates."""
    return not unicodedata.category(char).startswith(("C", "Zl", "Zp")) and char not in '"<>|:*?'
