"""Sample pictures for people trying image-to-video: served under `/images/`."""

import random
from pathlib import Path

from PIL import Image, ImageDraw

from videos.sandbox import scenery

SIZE = (1280, 720)
SKIN, HAIR, DRESS, SHOE = (250, 212, 180), (104, 62, 40), (226, 74, 92), (90, 52, 60)
FUR, DARK_FUR, NOSE = (222, 164, 98), (168, 112, 60), (60, 40, 36)
BLUSH = (240, 160, 148)
INK = (52, 34, 40)


def paint(name: str, path: Path) -> None:
    """Write the sample picture of this name as JPEG. Raises `KeyError` for an unknown name."""
    PICTURES[name]().convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(path, "JPEG", quality=88)


def _first_frame() -> Image.Image:
    picture = _meadow()
    draw = ImageDraw.Draw(picture)
    _shadow(draw, 1120, 1180, 260)
    _shadow(draw, 1580, 1190, 230)
    _girl(draw, 1120, 1180)
    _puppy(draw, 1580, 1190, size=1.0)
    return picture


def _ref_2() -> Image.Image:
    picture = _meadow()
    draw = ImageDraw.Draw(picture)
    _shadow(draw, 1280, 1250, 520)
    _puppy(draw, 1280, 1240, size=2.3)
    return picture


PICTURES = {"first_frame": _first_frame, "ref_2": _ref_2}


def _meadow() -> Image.Image:
    """Paint a sunny meadow at twice the final size, which smooths the edges."""
    width, height = SIZE[0] * 2, SIZE[1] * 2
    palette = scenery.PALETTES[1]
    picture = scenery.sky((width, height), palette, 7).convert("RGBA")
    picture.alpha_composite(scenery.sun(260, palette.sun), (1640, -180))
    for seed, x, y in ((3, 180, 130), (5, 1180, 220)):
        picture.alpha_composite(scenery.cloud(620, seed), (x, y))
    for seed, (color, top) in enumerate(
        (((150, 196, 140), 0.50), ((118, 182, 104), 0.60), ((92, 164, 82), 0.70))
    ):
        picture.alpha_composite(scenery.hills((width, int(height * 0.5)), color, (210, 230, 130), seed + 11),
                                (0, int(height * top)))  # fmt: skip
    _flowers(ImageDraw.Draw(picture))
    return picture


def _flowers(draw: ImageDraw.ImageDraw) -> None:
    rng = random.Random(4)  # noqa: S311 - a picture, nothing secret
    for index in range(70):
        x, y = rng.randrange(2560), 1190 + 240 * index // 70
        size = 5 + (y - 1190) // 32
        petal = ((255, 255, 255), (255, 214, 90), (246, 150, 178))[index % 3]
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            _disc(draw, x + dx * size, y + dy * size, size * 0.8, petal)
        _disc(draw, x, y, size * 0.7, (246, 178, 50))


def _girl(draw: ImageDraw.ImageDraw, x: int, ground: int) -> None:
    """Draw a girl standing at `x`, her feet on `ground`, one arm out to her dog."""
    for side in (-1, 1):
        draw.line((x + side * 34, ground - 150, x + side * 38, ground - 24), fill=SKIN, width=34)
        draw.rounded_rectangle((x + side * 40 - 34, ground - 34, x + side * 40 + 36, ground), 16, fill=SHOE)
    draw.line((x + 60, ground - 340, x + 200, ground - 230), fill=SKIN, width=32)
    draw.line((x - 60, ground - 340, x - 150, ground - 420), fill=SKIN, width=32)
    _disc(draw, x + 200, ground - 230, 21, SKIN)
    _disc(draw, x - 150, ground - 420, 21, SKIN)
    waist, hem = ground - 390, ground - 140
    skirt = [(x - 62, waist), (x + 62, waist), (x + 152, hem), (x - 152, hem)]
    draw.polygon(skirt, fill=DRESS)
    draw.rounded_rectangle((x - 74, ground - 400, x + 74, ground - 330), 34, fill=DRESS)
    draw.rounded_rectangle((x - 84, ground - 300, x + 84, ground - 276), 8, fill=(255, 236, 220))
    _girls_head(draw, x, ground - 500)


def _girls_head(draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
    for side in (-1, 1):
        _oval(draw, x + side * 132, y + 30, 44, 74, HAIR)
        _disc(draw, x + side * 112, y - 26, 19, DRESS)
    _disc(draw, x, y - 14, 124, HAIR)
    _disc(draw, x, y + 8, 108, SKIN)
    draw.pieslice((x - 116, y - 128, x + 116, y + 64), 180, 360, fill=HAIR)
    _face(draw, x, y + 20, 42, 1.0)


def _puppy(draw: ImageDraw.ImageDraw, x: int, ground: int, size: float) -> None:
    """Draw a sitting puppy, its paws on `ground`; `size` 1 is 330 pixels high."""

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * size, ground + dy * size

    tail = [at(100, -60), at(170, -110), at(186, -180)]
    draw.line(tail, fill=DARK_FUR, width=int(34 * size), joint="curve")
    _disc(draw, *tail[-1], 17 * size, DARK_FUR)
    _oval(draw, *at(20, -86), 104 * size, 92 * size, FUR)
    _oval(draw, *at(-14, -80), 56 * size, 74 * size, (250, 224, 186))
    for dx in (-62, 6, 92):
        _oval(draw, *at(dx, -16), 42 * size, 22 * size, FUR)
    _puppys_head(draw, at(-26, -232), size)


def _puppys_head(draw: ImageDraw.ImageDraw, center: tuple[float, float], size: float) -> None:
    x, y = center
    _oval(draw, x, y, 102 * size, 90 * size, FUR)
    for side in (-1, 1):
        _oval(draw, x + side * 98 * size, y + 4 * size, 34 * size, 74 * size, DARK_FUR)
    _oval(draw, x, y + 34 * size, 54 * size, 42 * size, (250, 224, 186))
    _face(draw, x, y - 8 * size, 40 * size, size, mouth_drop=52 * size)
    _oval(draw, x, y + 14 * size, 21 * size, 15 * size, NOSE)
    draw.chord((x - 15 * size, y + 40 * size, x + 15 * size, y + 84 * size), 0, 180, fill=(236, 110, 122))


def _face(
    draw: ImageDraw.ImageDraw, x: float, y: float, apart: float, size: float, mouth_drop: float = 40
) -> None:
    for side in (-1, 1):
        _oval(draw, x + side * apart, y, 13 * size, 17 * size, INK)
        _disc(draw, x + side * apart + 4 * size, y - 6 * size, 5 * size, (255, 255, 255))
        _disc(draw, x + side * apart * 1.5, y + 32 * size, 16 * size, BLUSH)
    smile = (x - 32 * size, y + mouth_drop - 34 * size, x + 32 * size, y + mouth_drop + 14 * size)
    draw.arc(smile, 20, 160, fill=INK, width=max(2, int(7 * size)))


def _shadow(draw: ImageDraw.ImageDraw, x: int, y: int, half: int) -> None:
    _oval(draw, x, y, half, half // 8, (66, 128, 66))


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, color: scenery.RGB) -> None:
    _oval(draw, x, y, radius, radius, color)


def _oval(
    draw: ImageDraw.ImageDraw, x: float, y: float, across: float, down: float, color: scenery.RGB
) -> None:
    draw.ellipse((x - across, y - down, x + across, y + down), fill=color)
