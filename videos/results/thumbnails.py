"""Makes the thumbnail of a video from its poster. Apart from `posters`, whose codecs take 15 MiB."""

import io
from functools import lru_cache

from PIL import Image

QUALITY = 80


@lru_cache(maxsize=64)  # few are requested often
def as_webp(jpeg: bytes) -> bytes | None:
    """The same picture as WebP; None if it is not a picture."""
    webp = io.BytesIO()
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.save(webp, "WEBP", quality=QUALITY, method=2)
    except OSError:  # includes Pillow's own errors
        return None
    return webp.getvalue()
