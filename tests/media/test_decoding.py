"""What is made of a video: its description, its poster, its preview."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.media import films
from tests.media.films import BLACK, BRIGHT, film
from tests.support.rows import check_each
from videos.media import decoding
from videos.media.decoding import MOST_PREVIEW_BYTES, NotPlayable

Make = Callable[..., bytes]


@pytest.fixture
def still(tmp_path: Path) -> Make:
    """Makes the poster of a video."""
    return lambda video: decoding.still(written(tmp_path, video))


@pytest.fixture
def preview(tmp_path: Path) -> Make:
    """Makes the preview of a video."""
    return lambda video: decoding.preview(written(tmp_path, video)) or b""


def written(folder: Path, video: bytes) -> str:
    path = folder / "video.mp4"
    path.write_bytes(video)
    return str(path)


def picture(encoded: bytes, kind: str = "JPEG") -> Image.Image:
    image = Image.open(io.BytesIO(encoded))
    assert image.format == kind
    return image


def brightness(jpeg: bytes) -> int:
    middle = picture(jpeg).convert("L").getpixel((8, 8))
    assert isinstance(middle, int)
    return middle


def lasting(webp: bytes) -> list[int]:
    """How long each frame is shown, in milliseconds."""
    image = picture(webp, "WEBP")
    shown = []
    for number in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(number)
        image.load()
        shown.append(image.info["duration"])
    return shown


# --- what it is


def test_a_clip_is_described(clip: Path, tmp_path: Path) -> None:
    assert decoding.inspect(str(clip)) == {
        "container": "mp4",
        "codec": "h264",
        "width": 342,
        "height": 192,
        "seconds": 2.0,
        "has_sound": True,
    }
    silent = decoding.inspect(written(tmp_path, film(*[BLACK] * 5)))
    assert (silent["seconds"], silent["has_sound"]) == (0.5, False)


def test_the_size_is_that_of_the_pictures(clip: Path, tmp_path: Path) -> None:
    boastful = decoding.inspect(written(tmp_path, films.said_to_be_huge(clip.read_bytes())))
    assert (boastful["width"], boastful["height"]) == (342, 192)


def test_titles_may_be_in_any_encoding(clip: Path, tmp_path: Path) -> None:
    named = clip.read_bytes().replace(b"VideoHandler", b"\xff" * 12)
    assert named != clip.read_bytes()
    assert decoding.inspect(written(tmp_path, named))["codec"] == "h264"


# --- the poster


def test_a_poster_is_the_frame_after_one_second(still: Make) -> None:
    fading_in = film(*[BLACK] * 8, *[BRIGHT] * 12, *[BLACK] * 10)
    assert brightness(still(fading_in)) > 150


def test_the_poster_of_a_short_video_is_its_middle_frame(still: Make) -> None:
    assert brightness(still(film(BLACK, BLACK, BRIGHT, BRIGHT, BRIGHT))) > 150
    assert brightness(still(film(BRIGHT))) > 150


@pytest.mark.parametrize(
    ("size", "shown"),
    [((64, 36), (64, 36)), ((1280, 720), (640, 360)), ((720, 1280), (640, 1138)), ((640, 360), (640, 360))],
)
def test_a_poster_is_at_most_640_pixels_wide(
    size: tuple[int, int], shown: tuple[int, int], still: Make
) -> None:
    wide = film(BRIGHT, BRIGHT, width=size[0], height=size[1])
    assert picture(still(wide)).size == shown


def test_the_poster_of_a_real_clip_has_contrast(clip: Path) -> None:
    image = picture(decoding.still(str(clip)))
    assert image.size == (342, 192)
    shades = {shade for shade, pixels in enumerate(image.convert("L").histogram()) if pixels}
    assert max(shades) - min(shades) > 50


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda clip: b"",
    "no video": lambda clip: b"<html>not here</html>" * 100,
    "cut off in its index": lambda clip: clip[:200],
    "without its index": lambda clip: clip.replace(b"moov", b"lost"),
    "zeros for pictures": lambda clip: clip[: clip.index(b"mdat") + 4] + bytes(len(clip)),
    "sound alone": lambda clip: films.without_pictures(),
}


def test_a_broken_video_has_no_pictures(clip: Path, still: Make, preview: Make) -> None:
    whole = clip.read_bytes()

    def check(case: str) -> None:
        for make in (still, preview):
            with pytest.raises(NotPlayable):
                make(BROKEN[case](whole))

    check_each(BROKEN, check)


# --- the preview


def test_a_preview_is_the_first_seconds_in_small(preview: Make) -> None:
    webp = preview(film(*[BLACK, (90, 90, 90), BRIGHT] * 17, width=640, height=360))
    shown = lasting(webp)
    assert 20 <= len(shown) <= 24
    assert 2500 <= sum(shown) <= 3000
    assert picture(webp, "WEBP").size == (320, 180)


def test_a_narrow_video_keeps_its_width(preview: Make) -> None:
    assert picture(preview(film(BLACK, BRIGHT, BLACK, BRIGHT)), "WEBP").size == (64, 36)


def test_the_preview_of_a_single_picture_does_not_move(preview: Make) -> None:
    assert picture(preview(film(BRIGHT)), "WEBP").is_animated is False  # type: ignore[attr-defined]


def test_a_preview_is_small_even_of_noise(preview: Make) -> None:
    webp = preview(films.noise(seconds=10))
    assert len(webp) <= MOST_PREVIEW_BYTES == 307_200
    assert len(lasting(webp)) > 1
