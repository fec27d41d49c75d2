"""How a server describes a file, and whether it continues the same one where a download ended. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from videos.upstream.download_errors import LinkBroken

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Described:
    """A file as it is sent, without an encoding."""

    total: int | None = None
    """Its bytes; None if unknown."""
    validator: str = ""
    """What identifies it byte by byte; empty if no parts of it can be had."""

    @classmethod
    def by(cls, headers: Mapping[str, str]) -> "Described":
        """As the headers of a whole response say."""
        length = headers.get("content-length", "")
        return cls(int(length) if _LENGTH.fullmatch(length) else None, _validator(headers))

    def ask(self, start: int) -> dict[str, str]:
        """The headers that ask for the rest from that byte on, or for all of a file that is another now."""
        return {"range": f"bytes={start}-", "if-range": self.validator}

    def check_rest(self, headers: Mapping[str, str], start: int) -> int:
        """The bytes of a partial response. Raises `LinkBroken` unless it is all the rest of this file."""
        found = _RANGE.fullmatch(headers.get("content-range", "").strip())
        if not found or headers.get("content-encoding", "identity") != "identity":
            raise LinkBroken("it does not continue where it was asked to")
        first, end = int(found[1]), int(found[2]) + 1
        total = self.total if found[3] == "*" else int(found[3])
        if first != start or end <= start or end != (total or end) or self.total not in (None, total):
            raise LinkBroken("it does not continue where it was asked to")
        if self.validator.startswith('"') and headers.get("etag", self.validator) != self.validator:
            raise LinkBroken("it continues another file")
        return end - start


def _validator(headers: Mapping[str, str]) -> str:
    if headers.get("accept-ranges", "").strip().lower() != "bytes":
        return ""
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else headers.get("last-modified", "")  # weak ones begin with W/
