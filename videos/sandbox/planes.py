"""Pictures kept as Y, U and V planes, the way the encoder takes them.

Composing in planes costs a third of composing in RGB and converting every frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

# Pillow's YCbCr uses all 256 levels, video by convention 16..235 and 16..240.
_VIDEO_LUMA = [16 + round(level * 219 / 255) for level in range(256)]
_VIDEO_CHROMA = [128 + round((level - 128) * 224 / 255) for level in range(256)]


@dataclass(frozen=True)
class Planes:
    """One 4:2:0 picture: luma at full size, both chroma planes at half of it."""

    luma: Image.Image
    blue: Image.Image
    red: Image.Image

    @classmethod
    def of(cls, picture: Image.Image) -> "Planes":
        """Convert a picture to BT.601 video levels."""
        luma, blue, red = picture.convert("RGB").convert("YCbCr").split()
        half = _half(picture.size)
        return cls(
            luma.point(_VIDEO_LUMA),
            blue.point(_VIDEO_CHROMA).resize(half, Image.Resampling.BOX),
            red.point(_VIDEO_CHROMA).resize(half, Image.Resampling.BOX),
        )

    def __iter__(self) -> Iterator[Image.Image]:
        return iter((self.luma, self.blue, self.red))

    def copy(self) -> "Planes":
        """Return a canvas of its own to draw on."""
        return Planes(*(plane.copy() for plane in self))


class Sprite:
    """A picture with transparency, ready to be put on planes."""

    def __init__(self, picture: Image.Image) -> None:
        self.width, self.height = picture.size
        self._planes = Planes.of(picture)
        mask = picture.getchannel("A")
        half = mask.resize(_half(picture.size), Image.Resampling.BOX)
        self._masks = (mask, half, half)

    def put(self, canvas: Planes, x: float, y: float) -> None:
        """Draw it with its top left corner at (x, y) pixels; what lies outside is cut off."""
        left, top = 2 * round(x / 2), 2 * round(y / 2)  # even, so that luma and chroma stay together
        corners = ((left, top), (left // 2, top // 2), (left // 2, top // 2))
        for plane, ours, mask, corner in zip(canvas, self._planes, self._masks, corners, strict=True):
            plane.paste(ours, corner, mask)


def _half(size: tuple[int, int]) -> tuple[int, int]:
    return max(1, (size[0] + 1) // 2), max(1, (size[1] + 1) // 2)
