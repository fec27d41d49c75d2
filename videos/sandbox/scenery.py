"""The landscape behind a video's text: sky, sun, hills, clouds and a balloon."""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """The colours of one time of day."""

    zenith: RGB
    middle: RGB
    horizon: RGB
    sun: RGB
    hills: tuple[RGB, RGB, RGB]  # far to near
    balloon: tuple[RGB, RGB]


PALETTES = (
    Palette((38, 28, 84), (168, 72, 132), (255, 170, 110), (255, 232, 170),
            ((146, 84, 140), (86, 52, 110), (40, 26, 66)), ((240, 92, 84), (255, 222, 150))),
    Palette((24, 86, 160), (96, 172, 222), (226, 242, 246), (255, 250, 214),
            ((122, 176, 172), (66, 138, 116), (24, 88, 78)), ((250, 150, 60), (255, 244, 220))),
    Palette((8, 14, 44), (30, 48, 104), (96, 110, 170), (236, 240, 255),
            ((52, 66, 122), (30, 40, 84), (12, 18, 44)), ((120, 200, 230), (240, 246, 255))),
    Palette((20, 70, 92), (64, 150, 150), (250, 220, 168), (255, 244, 200),
            ((98, 150, 140), (44, 104, 104), (16, 58, 66)), ((230, 80, 110), (255, 232, 200))),
    Palette((70, 46, 118), (206, 120, 166), (255, 206, 178), (255, 244, 214),
            ((190, 126, 168), (128, 84, 144), (70, 46, 98)), ((84, 160, 220), (255, 240, 224))),
)  # fmt: skip


STARLIT = 160  # the darkest skies, as the sum of their zenith's colour


def palette_for(seed: int) -> Palette:
    """Return the palette of a video; the same seed always gives the same one."""
    return PALETTES[seed % len(PALETTES)]


def sky(size: tuple[int, int], palette: Palette, seed: int) -> Image.Image:
    """Paint the sky, with stars where it is dark."""
    ramp = Image.linear_gradient("L").resize(size)
    picture = ImageOps.colorize(ramp, palette.zenith, palette.horizon, palette.middle, midpoint=120)
    if sum(palette.zenith) < STARLIT:
        _stars(picture, random.Random(seed))  # noqa: S311 - a picture, nothing secret
    return picture


def _stars(picture: Image.Image, rng: random.Random) -> None:
    draw = ImageDraw.Draw(picture)
    for _ in range(90):
        x, y = rng.randrange(picture.width), int(rng.random() ** 1.7 * picture.height * 0.45)
        size = rng.choice((1, 1, 2)) * picture.height / 900
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(255, 255, 255))


def sun(diameter: int, color: RGB) -> Image.Image:
    """Paint a disc of this diameter with a halo three times as wide."""
    side = diameter * 3
    # The gradient reaches 181 where the picture ends: there the halo must have faded.
    halo = (
        Image.radial_gradient("L").point(lambda level: max(0, 181 - level) ** 2 // 260).resize((side, side))
    )
    disc = _disc(side, diameter)
    picture = Image.new("RGBA", (side, side), color)
    picture.putalpha(ImageChops.lighter(halo, disc))
    return picture


def _disc(side: int, diameter: int) -> Image.Image:
    mask = Image.new("L", (side * 2, side * 2))
    ImageDraw.Draw(mask).ellipse(
        (side - diameter, side - diameter, side + diameter, side + diameter), fill=255
    )
    return mask.resize((side, side), Image.Resampling.BOX)


def hills(size: tuple[int, int], color: RGB, haze: RGB, seed: int) -> Image.Image:
    """Paint one range of hills that repeats without a seam; it fades into `haze` towards its foot."""
    width, height = size
    foot = _mix(color, haze, 0.35)
    picture = ImageOps.colorize(Image.linear_gradient("L").resize(size), color, foot).convert("RGBA")
    mask = Image.new("L", (width * 2, height * 2))
    outline = [(x * 2, y * 2) for x, y in _ridge(width, height, random.Random(seed))]  # noqa: S311 - a picture
    ImageDraw.Draw(mask).polygon([(0, height * 2), *outline, (width * 2, height * 2)], fill=255)
    picture.putalpha(mask.resize(size, Image.Resampling.BOX))
    return picture


def _ridge(width: int, height: int, rng: random.Random) -> list[tuple[float, float]]:
    waves = [(turns, rng.random() * math.tau, 0.24 / turns**0.8) for turns in (1, 2, 3, 5, 8, 13)]
    step = max(2, width // 240)
    points = []
    for x in [*range(0, width, step), width]:
        swell = sum(share * math.sin(math.tau * turns * x / width + phase) for turns, phase, share in waves)
        points.append((x, height * (0.30 + 0.44 * swell)))
    return points


def cloud(width: int, seed: int) -> Image.Image:
    """Paint one soft cloud."""
    rng = random.Random(seed)  # noqa: S311 - a picture, nothing secret
    height = width // 2
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    for _ in range(9):
        x, radius = rng.uniform(0.2, 0.8) * width, rng.uniform(0.09, 0.17) * width
        y = height * 0.6 - rng.random() * radius * 0.7
        draw.ellipse((x - radius, y - radius * 0.62, x + radius, y + radius * 0.5), fill=120)
    picture = Image.new("RGBA", (width, height), (255, 255, 255))
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(width / 40)))
    return picture


def balloon(height: int, colors: tuple[RGB, RGB]) -> Image.Image:
    """Paint a striped hot-air balloon with its basket."""
    scale = 2
    tall = height * scale
    wide = int(tall * 0.74)
    picture = Image.new("RGBA", (wide, tall))
    draw = ImageDraw.Draw(picture)
    _basket(draw, wide, tall)
    _envelope(draw, wide, tall * 0.74, colors)
    return picture.resize((wide // scale, height), Image.Resampling.LANCZOS)


def _basket(draw: ImageDraw.ImageDraw, wide: float, tall: float) -> None:
    middle, half, top, bottom = wide / 2, wide * 0.09, tall * 0.86, tall * 0.97
    for side in (-1, 1):
        rope = (middle + side * wide * 0.2, tall * 0.62, middle + side * half, top)
        draw.line(rope, fill=(70, 50, 40), width=max(1, int(tall * 0.006)))
    draw.rounded_rectangle((middle - half, top, middle + half, bottom), half * 0.3, fill=(118, 78, 48))


def _envelope(draw: ImageDraw.ImageDraw, wide: float, tall: float, colors: tuple[RGB, RGB]) -> None:
    middle, stripes = wide / 2, 7
    for stripe in range(stripes, 0, -1):
        # Nested outlines of shrinking width read as the gores of a balloon.
        half = wide * 0.48 * math.sin(stripe / stripes * math.pi / 2)
        points = [(middle + half * _girth(turn / 60), tall * turn / 60) for turn in range(61)]
        points += [(middle - half * _girth(turn / 60), tall * turn / 60) for turn in range(60, -1, -1)]
        draw.polygon(points, fill=_mix(colors[stripe % 2], (20, 10, 30), 0.05 * stripe))


def _girth(depth: float) -> float:
    """Return how wide the envelope is, 0..1, at a depth of 0 (crown) to 1 (mouth)."""
    if depth < 0.45:
        return math.sqrt(1 - ((0.45 - depth) / 0.45) ** 2)
    return 1 - 0.78 * math.pow((depth - 0.45) / 0.55, 1.7)


def _mix(first: RGB, second: RGB, share: float) -> RGB:
    red, green, blue = (round(a * (1 - share) + b * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
