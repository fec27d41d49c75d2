"""What is known of files at URLs, by looking at their beginnings; kept for a while in this process."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils.module_loading import import_string

from videos.files.recognition import HEAD_BYTES, MOST_IMAGE_BYTES, NotTaken, kind_of, pixels_of, what_it_is
from videos.requests.files import FileKind

KEPT, KEPT_IF_UNREADABLE = 600, 20
"""Seconds that facts are kept, and failures, which may soon be over."""
_LOOKS = "videos.inputs.looks.look"
"""Imported when it is first used: an HTTP client takes memory that few deployments need in web processes."""
_places = threading.BoundedSemaphore(max(1, settings.API_THREADS // 2))
"""Requests that may be looked at together: slow sources must not take all threads."""


@dataclass(frozen=True)
class Input:
    """A URL that a request names, and where."""

    place: str
    """As errors call it, such as `images[0]`."""
    url: str
    is_image: bool

    @property
    def counted(self) -> int:
        """How many bytes are counted if the server does not tell the size: not those of a long video."""
        return MOST_IMAGE_BYTES if self.is_image else 0


@dataclass(frozen=True)
class Facts:
    """A file, as its beginning shows it."""

    kind: FileKind | None
    what: str
    """What it is in words, such as `a WebP`."""
    size: int | None
    """Bytes, if known."""
    pixels: tuple[int, int] | None
    """Width and height of an image, if its beginning tells."""

    @classmethod
    def by(cls, head: bytes, size: int | None) -> "Facts":
        """What the beginning shows."""
        try:
            kind = kind_of(head[:HEAD_BYTES])
        except NotTaken:
            return cls(None, what_it_is(head), size, None)
        return cls(kind, kind.label, size, pixels_of(head, kind))


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read."""

    reason: str


Known = Facts | Unreadable


def of(named: Iterable[Input]) -> Mapping[str, Known]:
    """The facts by URL. Empty for those not known while no more may be looked at."""
    wanted = {given.url: given for given in named}
    kept = cache.get_many([_key(given) for given in wanted.values()])
    known: dict[str, Known] = {url: kept[_key(given)] for url, given in wanted.items() if _key(given) in kept}
    unknown = [given for url, given in wanted.items() if url not in known]
    return {**known, **(_looked_at(unknown) if unknown else {})}


def _looked_at(unknown: list[Input]) -> Mapping[str, Known]:
    if not _places.acquire(blocking=False):
        return {}
    try:
        found: dict[str, Known] = import_string(_LOOKS)({given.url: given.counted for given in unknown})
    finally:
        _places.release()
    for given in unknown:
        known = found[given.url]
        cache.set(_key(given), known, KEPT_IF_UNREADABLE if isinstance(known, Unreadable) else KEPT)
    return found


def _key(given: Input) -> str:
    digest = hashlib.sha256(given.url.encode()).hexdigest()
    return f"input-{digest}-{given.counted}"
