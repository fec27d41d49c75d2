"""A clip's frames: the landscape moves, the captions stay, the counter runs."""

import math
import zlib
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageOps

from videos.sandbox import scenery
from videos.sandbox.clip import Clip
from videos.sandbox.lettering import font, wrap
from videos.sandbox.planes import Planes, Sprite

FRAMES_PER_SECOND = 24
PANEL = (12, 12, 24, 170)
WHITE = (255, 255, 255, 255)
FAINT = (255, 255, 255, 190)
MOST_THUMBNAILS = 4
# top edge, height (shares of the frame) and speed (widths a second) of each range of hills, far to near
RANGES = ((0.50, 0.28, 0.010), (0.62, 0.26, 0.026), (0.75, 0.25, 0.060))


class Scene:
    """Everything that appears in a clip, painted once and then moved about."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self._size = (clip.width, clip.height)
        self._unit = min(self._size)
        self._seed = zlib.crc32(f"{clip.prompt}{clip.model}".encode())
        self._palette = scenery.palette_for(self._seed)
        self._paint_landscape()
        self._paint_captions()

    def frames(self) -> Iterator[Planes]:
        """Yield every frame of the clip."""
        for index in range(self.clip.seconds * FRAMES_PER_SECOND):
            yield self._frame(index / FRAMES_PER_SECOND)

    def _paint_landscape(self) -> None:
        (width, height), unit, palette, seed = self._size, self._unit, self._palette, self._seed
        self._sky = Planes.of(scenery.sky(self._size, palette, seed))
        self._sun = Sprite(scenery.sun(unit // 6, palette.sun))
        self._balloon = Sprite(scenery.balloon(unit // 4, palette.balloon))
        self._clouds = [Sprite(scenery.cloud(unit // share, seed + share)) for share in (2, 3)]
        self._hills = [
            Sprite(
                scenery.hills(
                    (_even(width * 1.25), _even(height * share)), color, palette.horizon, seed + index
                )
            )
            for index, ((_, share, _), color) in enumerate(zip(RANGES, palette.hills, strict=True))
        ]

    def _paint_captions(self) -> None:
        self._model = Sprite(self._chip(self.clip.model))
        self._prompt = Sprite(self._panel())
        self._thumbnails = [Sprite(picture) for picture in self._reference_pictures()]

    def _frame(self, second: float) -> Planes:
        canvas = self._sky.copy()
        self._put_landscape(canvas, second)
        self._put_captions(canvas, second)
        return canvas

    def _put_landscape(self, canvas: Planes, second: float) -> None:
        width, height = self._size
        share = second / self.clip.seconds
        self._sun.put(canvas, width * (0.62 + 0.06 * share) - self._sun.width / 2,
                      height * (0.40 - 0.14 * share) - self._sun.height / 2)  # fmt: skip
        self._put_clouds(canvas, second)
        for index, (hills, (top, _, speed)) in enumerate(zip(self._hills, RANGES, strict=True)):
            self._put_hills(canvas, hills, top * height, second * speed * width)
            if index == 0:
                self._put_balloon(canvas, second)

    def _put_clouds(self, canvas: Planes, second: float) -> None:
        width, height = self._size
        for index, cloud in enumerate(self._clouds):
            span = width + cloud.width
            x = (width * (0.25 + 0.5 * index) + second * width * (0.012 + 0.008 * index)) % span - cloud.width
            cloud.put(canvas, x + cloud.width * 0.4, height * (0.16 + 0.1 * index))

    def _put_hills(self, canvas: Planes, hills: Sprite, top: float, shift: float) -> None:
        left = -(shift % hills.width)
        hills.put(canvas, left, top)
        if left + hills.width < self.clip.width:
            hills.put(canvas, left + hills.width, top)

    def _put_balloon(self, canvas: Planes, second: float) -> None:
        width, height = self._size
        x = width * (0.18 + 0.035 * second) % (width + self._balloon.width) - self._balloon.width * 0.2
        self._balloon.put(canvas, x, height * 0.20 + self._unit * 0.025 * math.sin(second * 1.4))

    def _put_captions(self, canvas: Planes, second: float) -> None:
        (width, height), margin = self._size, self._margin
        self._model.put(canvas, margin, margin)
        counter = Sprite(self._chip(f"{second:.1f} / {self.clip.seconds} s"))
        counter.put(canvas, width - margin - counter.width, margin)
        self._prompt.put(canvas, margin, height - margin - self._prompt.height)
        self._put_thumbnails(canvas)
        self._put_progress(canvas, (second + 1 / FRAMES_PER_SECOND) / self.clip.seconds)

    def _put_thumbnails(self, canvas: Planes) -> None:
        y = self._margin * 1.6 + self._model.height
        for picture in self._thumbnails:
            picture.put(canvas, self.clip.width - self._margin - picture.width, y)
            y += picture.height + self._margin * 0.4

    def _put_progress(self, canvas: Planes, share: float) -> None:
        width, height = self._size
        thickness = _even(height / 120)
        box = (0, height - thickness, _even(width * share), height)
        canvas.luma.paste(235, box)
        for plane in (canvas.blue, canvas.red):
            plane.paste(128, (0, box[1] // 2, box[2] // 2, height // 2))

    @property
    def _margin(self) -> int:
        return self._unit // 22

    def _chip(self, text: str) -> Image.Image:
        """Paint one line of text on a rounded, see-through ground."""
        size, pad = max(10, self._unit // 26), self._unit // 50
        face = font(size)
        width, height = face.getbbox(text)[2] + 2.4 * pad, size + 2 * pad
        picture = _ground(_even(width), _even(height))
        ImageDraw.Draw(picture).text((1.2 * pad, height / 2), text, WHITE, face, anchor="lm")
        return picture

    def _panel(self) -> Image.Image:
        """Paint the prompt, wrapped, with a line that says where the video comes from."""
        size, pad = max(11, self._unit // 24), self._unit // 36
        width = _even(min(self.clip.width - 2 * self._margin, self._unit * 1.25))
        face, small = font(size), font(max(9, size * 6 // 10))
        measure = ImageDraw.Draw(Image.new("L", (1, 1)))
        lines = wrap(measure, self.clip.prompt or "(no prompt)", face, width - 2 * pad, most_lines=4)
        step = int(size * 1.34)
        picture = _ground(width, _even(len(lines) * step + size + 2 * pad))
        draw = ImageDraw.Draw(picture)
        for index, line in enumerate(lines):
            draw.text((pad, pad + index * step), line, WHITE, face)
        draw.text((pad, pad + len(lines) * step + size * 0.25), self._origin(), FAINT, small)
        return picture

    def _origin(self) -> str:
        sound = " · sound" if self.clip.audio else ""
        return f"sandbox upstream · {self.clip.width} x {self.clip.height}{sound}"

    def _reference_pictures(self) -> Iterator[Image.Image]:
        side, frame = self._unit // 5, max(2, self._unit // 180)
        for path in self.clip.references[:MOST_THUMBNAILS]:
            try:
                with Image.open(path) as picture:
                    small = ImageOps.contain(picture.convert("RGB"), (side * 16 // 9, side * 5 // 6))
            except (OSError, ValueError, Image.DecompressionBombError):
                continue  # whatever the address led to, it was no picture
            yield ImageOps.expand(small, frame, "white").convert("RGBA")


def _ground(width: int, height: int) -> Image.Image:
    picture = Image.new("RGBA", (width, height), (*PANEL[:3], 0))
    ImageDraw.Draw(picture).rounded_rectangle((0, 0, width - 1, height - 1), min(height // 4, 24), fill=PANEL)
    return picture


def _even(side: float) -> int:
    return round(side / 2) * 2
