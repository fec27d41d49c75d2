"""What the store of results holds, whatever its kind; `TEST_RESULTS=s3` makes it a bucket."""

import io
from contextlib import closing

from config import stores


def keep(key: str, content: bytes, content_type: str = "video/mp4") -> None:
    """Put an object there."""
    stores.results().put(key, io.BytesIO(content), content_type)


def content_of(key: str) -> bytes:
    """Raises `Missing` if there is no object."""
    with closing(stores.results().open(key)) as window:
        return window.read()


def kept() -> list[str]:
    """The keys of all objects, in their order."""
    return [found.key for found in stores.results().list()]
