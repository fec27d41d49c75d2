"""Whatever a file is, the process that asks about it lives, and gets a description or `Unplayable`."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.media import films
from tests.media.films import BLACK, BRIGHT, film
from tests.support.rows import check_each
from videos.media.process import Decoder, Unplayable

MOST_GROWTH = 32 * 1024 * 1024
"""Bytes by which the asking process may grow."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Where nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def hostile(clip: Path, listener: socket.socket) -> dict[str, bytes]:
    whole, index_last = clip.read_bytes(), film(*[BLACK, BRIGHT] * 20)
    here = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
    return {
        "empty": b"",
        "the head of an MP4": bytes.fromhex("00000018") + b"ftypisom" + bytes(4) + b"isommp42",
        "a third, its index first": whole[: len(whole) // 3],
        "a third, its index last": index_last[: len(index_last) // 3],
        "all but the last byte": whole[:-1],
        "a page": b"<!doctype html><title>Not found</title>" * 50,
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "a playlist of a file": playlist.format(clip).encode(),
        "a playlist of an address": playlist.format(here).encode(),
        "a list to be joined": f"ffconcat version 1.0\nfile '{clip}'\nduration 2\n".encode(),
        "a description of streams": b'<?xml version="1.0"?><MPD><BaseURL>%s</BaseURL></MPD>' % here.encode(),
        "huge pictures": films.huge(),
        "a picture that unpacks to 32 MB": films.png_bomb(),
        "sound alone": films.without_pictures(),
        "zeros for pictures": whole[: whole.index(b"mdat") + 4] + bytes(len(whole)),
        "text after a head": whole[:100] + b"moov and mdat, mdat and moov. " * 100,
        "a box that contains itself": b"\0\0\0\x10moov\0\0\0\x10moov" * 500,
        "a box of 16 EiB": b"\0\0\0\1mdat" + b"\xff" * 8 + whole,
    }


def test_a_hostile_file_is_unplayable(hostile: dict[str, bytes], decoder: Decoder, tmp_path: Path) -> None:
    def check(case: str) -> None:
        path = tmp_path / "video.mp4"
        path.write_bytes(hostile[case])
        with pytest.raises(Unplayable):
            decoder.inspect(path)

    check_each(hostile, check)


def test_a_file_makes_nothing_else_be_opened(
    hostile: dict[str, bytes], decoder: Decoder, listener: socket.socket, tmp_path: Path
) -> None:
    for case in ("a playlist of an address", "a description of streams"):
        (tmp_path / "video.mp4").write_bytes(hostile[case])
        with pytest.raises(Unplayable):
            decoder.pictures(tmp_path / "video.mp4")
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_asking_process_does_not_grow(
    hostile: dict[str, bytes], decoder: Decoder, clip: Path, tmp_path: Path
) -> None:
    decoder.inspect(clip)
    before = psutil.Process().memory_info().rss
    for number, content in enumerate((*hostile.values(), *hostile.values())):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(content)
        with suppress(Unplayable):  # one that is cut off has pictures
            decoder.pictures(path)
    assert psutil.Process().memory_info().rss - before <= MOST_GROWTH


def _replace(video: bytes, place: int, byte: int) -> bytes:
    return video[:place] + bytes([byte]) + video[place + 1 :]


def _remove(video: bytes, place: int, count: int) -> bytes:
    return video[:place] + video[place + count :]


def _repeat(video: bytes, place: int, count: int) -> bytes:
    return video[:place] + video[place : place + count] * 3 + video[place + count :]


def _cut(video: bytes, place: int, count: int) -> bytes:
    return video[: max(place, 24)]


EDITS: list[Callable[[bytes, int, int], bytes]] = [_replace, _remove, _repeat, _cut]
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(EDITS), st.floats(0, 1, exclude_max=True), st.integers(0, 255)),
    min_size=1,
    max_size=8,
)
SMALL = film(*[BLACK, BRIGHT] * 4)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS)
def test_a_damaged_video_is_described_or_unplayable(
    mutations: list[tuple[Callable[[bytes, int, int], bytes], float, int]], decoder: Decoder, tmp_path: Path
) -> None:
    video = SMALL
    for edit, place, number in mutations:
        video = edit(video, int(place * len(video)), number)
    path = tmp_path / "video.mp4"
    path.write_bytes(video)
    with suppress(Unplayable):
        assert decoder.inspect(path).codec == "h264"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rest=st.binary(max_size=2000))
def test_anything_after_a_valid_head_is_unplayable(rest: bytes, decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(SMALL[: SMALL.index(b"mdat") + 4] + rest)
    with pytest.raises(Unplayable):
        decoder.inspect(path)
