"""Makes the thumbnail of a video from its poster, which is ours."""

import io
from functools import lru_cache

from PIL import Image

QUALITY = 80
MOST_PIXELS = 4_000_000
"""Pixels of a poster; one of a video as narrow as a ribbon may have more, and gets no thumbnail."""


@lru_cache(maxsize=64)  # few are requested often
def as_webp(jpeg: bytes) -> bytes | None:
    """The same picture as WebP; None if it is not a picture, or too large."""
    webp = io.BytesIO()
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.save(webp, "WEBP", quality=QUALITY, method=2)
    except (OSError, ValueError, Image.DecompressionBombError):  # which Pillow's own errors are among
        return None
    return webp.getvalue()
