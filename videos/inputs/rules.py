"""What upstream takes as an image or a video. Pure.

JPEG or PNG up to 10 MB, and for some models of certain widths and heights (seed 000, image inputs);
MP4 or MOV up to 200 MB.
"""

from urllib.parse import urlsplit

from videos.catalogue import ModelSpec
from videos.files.recognition import most_bytes
from videos.inputs.facts import Facts, Input, Known, Unreadable
from videos.requests.files import IMAGES, VIDEOS

_LONGEST_SHOWN = 200
"""Characters of a URL."""
_MEBIBYTE = 1024 * 1024


def allowed(given: Input) -> tuple[str, ...]:
    """The kinds of files that may stand there."""
    return IMAGES if given.is_image else VIDEOS


def problem(given: Input, known: Known, model: ModelSpec) -> str | None:
    """Why upstream would not take it, to be put behind the name of the field; None if it would."""
    url = shown(given.url)
    if isinstance(known, Unreadable):
        return f"cannot be read at {url}: {known.reason}"
    if known.kind is None or known.kind.label not in allowed(given):
        return f"must be {' or '.join(allowed(given))} by its content; {url} is {known.what}"
    most = most_bytes(known.kind)
    if known.size is not None and known.size > most:
        return f"must not exceed {most // _MEBIBYTE} MiB; {url} is larger"
    return _problem_of_size(known, url, model) if given.is_image else None


def _problem_of_size(known: Facts, url: str, model: ModelSpec) -> str | None:
    sizes = model.image_sizes
    if not sizes or known.pixels is None or known.pixels in sizes:
        return None
    names = " or ".join(f"{width}x{height}" for width, height in sizes)
    width, height = known.pixels
    return f"must be {names} for {model.family}; {url} is {width}x{height}"


def shown(url: str) -> str:
    """The URL without what may be secret in it: a query often holds a signature."""
    parts = urlsplit(url)
    plain = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[:_LONGEST_SHOWN]}…"
