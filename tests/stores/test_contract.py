"""What every kind of store does alike: a folder, and buckets by host, by path and of COS."""

import hashlib
import io
import random
from datetime import UTC, datetime, timedelta

import pytest

from config.stores.base import BLOCK, Misconfigured, Missing, Readable, Store, StoreError

VIDEO = "video/mp4"
KEY = "tenant/2026/11/video.mp4"
LARGE = random.Random(7).randbytes(20 * 1024 * 1024 + 1)  # noqa: S311 - not a secret
ODD_KEYS = (
    *("a b/c d.mp4", "视频/é.mp4", "a+b.mp4", "100%.mp4", "%2F%20.mp4", "a&b=c;d.mp4", "#?.mp4", "'\"().mp4"),
    *("a:b@c,d$e!f*g.mp4", "[x]{y}|z.mp4", "<Code>x</Code>.mp4", "~a_b-c.mp4", "\\^`.mp4", ".hidden"),
)


class Unread(io.RawIOBase):
    """Content that breaks after so many bytes."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        if not self._left:
            raise EOFError("the source broke")
        size = min(size, self._left)
        self._left -= size
        return b"x" * size


def put(store: Store, content: bytes | Readable, key: str = KEY) -> str:
    """Put an object; returns its checksum."""
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    return store.put(key, file, VIDEO).sha256


def content_of(store: Store, key: str = KEY, start: int = 0, stop: int | None = None) -> bytes:
    window = store.open(key, start, stop)
    try:
        return window.read()
    finally:
        window.close()


def keys(store: Store, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, 5 * 1024 * 1024, 8 * 1024 * 1024, len(LARGE)])
def test_what_was_put_is_read_with_its_size_and_checksum(size: int, store: Store) -> None:
    content = LARGE[:size]
    saved = store.put(KEY, io.BytesIO(content), VIDEO)
    assert (saved.size, saved.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert content_of(store) == content
    assert store.stat(KEY).size == size


def test_a_put_begins_where_the_file_stands(store: Store) -> None:
    file = io.BytesIO(b"head and tail")
    file.seek(9)
    assert store.put(KEY, file, VIDEO).size == 4
    assert content_of(store) == b"tail"


@pytest.mark.parametrize("later", [b"", b"new", LARGE])
def test_a_put_replaces_an_object(later: bytes, store: Store) -> None:
    put(store, b"an older and longer one")
    put(store, later)
    assert content_of(store) == later
    assert keys(store) == [KEY]


def test_odd_keys_are_kept_as_they_are(store: Store) -> None:
    for number, key in enumerate(ODD_KEYS):
        put(store, str(number).encode(), key)
    assert keys(store) == sorted(ODD_KEYS)
    for number, key in enumerate(ODD_KEYS):
        assert (content_of(store, key), store.stat(key).key) == (str(number).encode(), key)
        store.delete(key)
    assert keys(store) == []


@pytest.mark.parametrize("key", ["", "/a", "a//b", "a/", "../a", "a/../b", ".", "a/."])
def test_a_key_that_is_no_plain_path_is_refused(key: str, store: Store) -> None:
    calls = (lambda: put(store, b"x", key), lambda: store.stat(key), lambda: store.open(key))
    for call in (*calls, lambda: store.delete(key)):
        with pytest.raises(Misconfigured, match="no key"):
            call()


def test_stat_says_size_and_time(store: Store) -> None:
    put(store, b"a video")
    found = store.stat(KEY)
    assert (found.key, found.size) == (KEY, 7)
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_missing_object_is_missing(store: Store) -> None:
    for call in (store.stat, store.open, lambda key: store.open(key, 5, 5), lambda key: store.open(key, 1)):
        with pytest.raises(Missing):
            call(KEY)


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (0, 10), (3, 7), (9, 10), (9, 99), (10, None), (10, 11), (99, None), (4, 4), (7, 3), (4, None)],
)
def test_a_window_shows_the_bytes_that_exist(start: int, stop: int | None, store: Store) -> None:
    put(store, b"0123456789")
    assert content_of(store, start=start, stop=stop) == b"0123456789"[start:stop]


def test_a_window_on_an_empty_object_is_empty(store: Store) -> None:
    put(store, b"")
    assert [content_of(store), content_of(store, start=0, stop=5), content_of(store, start=1)] == [b""] * 3


def test_a_window_is_read_in_blocks(store: Store) -> None:
    put(store, LARGE)
    start = 12_345
    window = store.open(KEY, start, start + 3 * BLOCK)
    first = window.read(10)
    assert first == LARGE[start : start + 10]
    blocks = list(window)
    assert 0 < max(map(len, blocks)) <= BLOCK
    assert first + b"".join(blocks) == LARGE[start : start + 3 * BLOCK]
    assert (window.read(), window.read(5)) == (b"", b"")
    window.close()


def test_a_window_may_be_closed_before_its_end(store: Store) -> None:
    put(store, LARGE)
    for begun in (False, True):
        window = store.open(KEY)
        if begun:
            assert window.read(1) == LARGE[:1]
        window.close()
    assert content_of(store) == LARGE


def test_keys_are_listed_in_order_over_several_pages(store: Store) -> None:
    listed = ["a/1.mp4", "a/2.mp4", "a/b/1.mp4", "a-b/1.mp4", "a.mp4", "ab/1.mp4", "z/é.mp4", "é/1.mp4"]
    for key in reversed(listed):
        put(store, key.encode(), key)
    listed.sort()
    assert keys(store) == listed
    for prefix in ("a", "a/", "a/b", "a/1", "a-", "z/é", "é", "none", "a/none/"):
        assert keys(store, prefix) == [key for key in listed if key.startswith(prefix)]
    assert [found.size for found in store.list("a/")] == [7, 7, 9]


def test_a_list_of_nothing_is_empty(store: Store) -> None:
    assert keys(store) == []


def test_an_object_is_deleted_once_or_twice(store: Store) -> None:
    put(store, b"a video")
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(Missing):
        store.stat(KEY)


@pytest.mark.parametrize("size", [0, BLOCK, 12 * 1024 * 1024])
def test_a_broken_upload_leaves_what_was_there(size: int, store: Store) -> None:
    with pytest.raises((EOFError, StoreError)):
        put(store, Unread(size))
    assert keys(store) == []
    put(store, b"the older one")
    with pytest.raises((EOFError, StoreError)):
        put(store, Unread(size))
    assert content_of(store) == b"the older one"
    assert keys(store) == [KEY]


def test_the_place_is_named_without_credentials(store: Store) -> None:
    assert store.place.startswith(
        ("/", "s3://videos-1250000000/kept/here", "cos://videos-1250000000/kept/here")
    )
    assert "?" not in store.place
