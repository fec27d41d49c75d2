"""What upstream takes as an image or a video. Pure.

JPEG or PNG up to 10 MB, and for some models of certain widths and heights (seed 000, image inputs);
MP4 or MOV up to 200 MB.
"""

from urllib.parse import urlsplit

from videos.catalogue import ModelSpec
from videos.files.recognition import most_bytes
from videos.inputs.facts import Facts, Input, Known, Unreadable
from videos.requests.files import IMAGES, VIDEOS, of_another_kind
from videos.requests.rules import Fault, Rule

_LONGEST_SHOWN = 200
"""Characters of a URL."""
_MEBIBYTE = 1024 * 1024


def allowed(given: Input) -> tuple[str, ...]:
    """The kinds of files that may stand there."""
    return IMAGES if given.is_image else VIDEOS


def fault_of(given: Input, known: Known, model: ModelSpec) -> Fault | None:
    """Why upstream would not take it; None if it would."""
    url = shown(given.url)
    if isinstance(known, Unreadable):
        return Fault(Rule.INPUT_UNREADABLE, f"cannot be read at {url}: {known.reason}", {"url": url})
    if known.kind is None or known.kind.label not in allowed(given):
        return of_another_kind(allowed(given), f"{url} is {known.what}", " by its content")
    most = most_bytes(known.kind)
    if known.size is not None and known.size > most:
        words = f"must not exceed {most // _MEBIBYTE} MiB; {url} is larger"
        return Fault(Rule.FILE_TOO_LARGE, words, {"most_bytes": most})
    return _fault_of_size(known, url, model) if given.is_image else None


def _fault_of_size(known: Facts, url: str, model: ModelSpec) -> Fault | None:
    sizes = model.image_sizes
    if not sizes or known.pixels is None or known.pixels in sizes:
        return None
    names = tuple(f"{width}x{height}" for width, height in sizes)
    found = "{}x{}".format(*known.pixels)
    words = f"must be {' or '.join(names)} for {model.family}; {url} is {found}"
    values = {"model": model.label(" "), "allowed": names, "value": found}
    return Fault(Rule.IMAGE_OF_ANOTHER_SIZE, words, values)


def shown(url: str) -> str:
    """The URL without what may be secret in it: a query often holds a signature."""
    parts = urlsplit(url)
    plain = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[:_LONGEST_SHOWN]}…"
