"""What buckets do beyond folders: links, rights, refusals, and servers that fail."""

import io
import re
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from config.stores import Credentials
from config.stores.base import Denied, Full, Misconfigured, Missing, Store, StoreError, Unreachable
from tests.stores.places import Place
from tests.stores.test_contract import KEY, LARGE, ODD_KEYS, VIDEO, content_of, keys, put
from tests.support.s3_server import KEY_ID, SECRET, S3Server
from tests.support.s3_signatures import ALL, Key

TOKEN = "token-of-temporary-keys/+="
BOUND = 15
"""Seconds within which a call of an unreachable server fails."""


def calls(store: Store) -> list[Callable[[], object]]:
    """Each method that asks the server."""
    return [
        lambda: put(store, b"x"),
        lambda: put(store, LARGE),
        lambda: store.stat(KEY),
        lambda: store.open(KEY),
        lambda: keys(store),
        lambda: store.delete(KEY),
    ]


@contextmanager
def opened(place: Place) -> Iterator[Store]:
    """The store there, closed in the end."""
    store = place.open()
    yield store
    getattr(store, "close", lambda: None)()


def assert_fails(kind: type[StoreError], call: Callable[[], object], code: str = "") -> None:
    """The call fails so, and what it raises shows neither secrets nor links."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert code in str(caught.value)
    assert re.match(r"(s3|cos)://videos", str(caught.value))
    assert not [secret for secret in (SECRET, TOKEN, "ignature=") if secret in shown]


def test_a_link_plays_without_a_key(bucket_store: Store, bucket: Place) -> None:
    put(bucket_store, b"0123456789")
    link = bucket_store.sign(KEY, 60)
    assert link is not None
    status, headers, body = bucket.fetch(link)
    assert (status, headers["Content-Type"], body) == (200, VIDEO, b"0123456789")
    assert bucket.fetch(link, {"Range": "bytes=2-4"})[::2] == (206, b"234")


def test_a_link_sets_headers(bucket_store: Store, bucket: Place) -> None:
    put(bucket_store, b"a video")
    link = bucket_store.sign(KEY, 60, content_type="video/x; a=b", filename='a "b" é.mp4')
    assert link is not None
    status, headers, _ = bucket.fetch(link)
    assert (status, headers["Content-Type"]) == (200, "video/x; a=b")
    assert headers["Content-Disposition"] == "inline; filename*=utf-8''a%20%22b%22%20%C3%A9.mp4"


def test_links_lead_to_odd_keys(bucket_store: Store, bucket: Place) -> None:
    for key in ODD_KEYS:
        put(bucket_store, key.encode(), key)
        assert bucket.fetch(bucket_store.sign(key, 60, filename="v.mp4") or "")[::2] == (200, key.encode())


def test_a_link_expires(bucket_store: Store, bucket: Place, s3_server: S3Server) -> None:
    put(bucket_store, b"a video")
    link = bucket_store.sign(KEY, 600) or ""
    s3_server.clock_offset = timedelta(seconds=590)
    assert bucket.fetch(link)[0] == 200
    s3_server.clock_offset = timedelta(seconds=610)
    assert bucket.fetch(link)[0] == 403


def test_a_link_is_for_one_object_and_its_headers(bucket_store: Store, bucket: Place) -> None:
    put(bucket_store, b"a video")
    link = bucket_store.sign(KEY, 60, content_type=VIDEO) or ""
    put(bucket_store, b"another", "other.mp4")
    changed = [link.replace(KEY, "other.mp4"), link.replace("video%2Fmp4", "text%2Fhtml"), link[:-1] + "x"]
    for other in changed:
        assert other != link
        assert bucket.fetch(other)[0] == 403


def test_a_bare_address_is_refused(bucket_store: Store, bucket: Place) -> None:
    put(bucket_store, b"a video")
    link = urlsplit(bucket_store.sign(KEY, 60) or "")
    assert bucket.fetch(link._replace(query="").geturl())[0] == 403


def test_links_of_a_revoked_key_stop(bucket_store: Store, bucket: Place, s3_server: S3Server) -> None:
    put(bucket_store, b"a video")
    link = bucket_store.sign(KEY, 60) or ""
    del s3_server.keys[KEY_ID]
    assert bucket.fetch(link)[0] == 403


def test_temporary_keys_sign_with_their_token(bucket: Place, s3_server: S3Server) -> None:
    s3_server.keys["temporary"] = Key(SECRET, TOKEN)
    with opened(bucket.changed(credentials=Credentials("temporary", SECRET, TOKEN))) as store:
        put(store, LARGE)
        assert content_of(store, stop=5) == LARGE[:5]
        assert keys(store) == [KEY]
        assert bucket.fetch(store.sign(KEY, 60, filename="v.mp4") or "", {"Range": "bytes=0-0"})[0] == 206
        s3_server.keys["temporary"].token_expired = True
        for call in calls(store):
            assert_fails(Denied, call, "ExpiredToken")
        assert bucket.fetch(store.sign(KEY, 60) or "")[0] == 400


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("unknown", SECRET), "InvalidAccessKeyId"),
        (Credentials(KEY_ID, "another"), "SignatureDoesNotMatch"),
        (Credentials(KEY_ID, SECRET, TOKEN), "InvalidToken"),
    ],
)
def test_wrong_credentials_are_denied(credentials: Credentials, code: str, bucket: Place) -> None:
    with opened(bucket.changed(credentials=credentials)) as store:
        for call in calls(store):
            assert_fails(Denied, call, code)


def test_what_was_signed_is_not_shown(bucket: Place, s3_server: S3Server) -> None:
    s3_server.keys["temporary"] = Key("another", TOKEN)
    with opened(bucket.changed(credentials=Credentials("temporary", SECRET, TOKEN))) as store:
        for call in calls(store):
            assert_fails(Denied, call, "SignatureDoesNotMatch")


def test_no_secret_is_in_what_describes_a_store(bucket: Place) -> None:
    with opened(bucket.changed(credentials=Credentials(KEY_ID, SECRET, TOKEN))) as store:
        shown = [repr(store), str(store), store.place, *map(repr, vars(store).values())]
    assert not [text for text in shown if SECRET in text or TOKEN in text]


@pytest.mark.parametrize(
    ("right", "denied"), [("write", [0, 1]), ("read", [2, 3]), ("list", [4]), ("delete", [5])]
)
def test_each_right_is_needed(right: str, denied: list[int], bucket: Place, s3_server: S3Server) -> None:
    with opened(bucket) as store:
        put(store, b"a video")
        s3_server.keys[KEY_ID].rights = ALL - {right}
        for number, call in enumerate(calls(store)):
            if number in denied:
                assert_fails(Denied, call, "AccessDenied")
            else:
                call()


def test_a_revoked_key_is_denied(bucket_store: Store, s3_server: S3Server) -> None:
    put(bucket_store, b"a video")
    window = bucket_store.open(KEY)
    del s3_server.keys[KEY_ID]
    for call in calls(bucket_store):
        assert_fails(Denied, call, "InvalidAccessKeyId")
    assert window.read() == b"a video"
    window.close()


def test_a_wrong_clock_is_denied(bucket_store: Store, s3_server: S3Server) -> None:
    s3_server.clock_offset = timedelta(days=2)
    for call in calls(bucket_store):
        assert_fails(Denied, call)


def test_a_bucket_that_does_not_exist_is_a_wrong_setting(bucket: Place, s3_server: S3Server) -> None:
    s3_server.buckets.clear()
    with opened(bucket) as store:
        for call in calls(store):
            assert_fails(Misconfigured, call, "NoSuchBucket")


def test_a_bucket_in_another_region_is_a_wrong_setting(bucket: Place, s3_server: S3Server) -> None:
    with opened(bucket) as store:
        for call in calls(store):
            s3_server.script(times=2, status=301, code="PermanentRedirect")
            assert_fails(Misconfigured, call)
            s3_server.faults.clear()


@pytest.mark.parametrize(
    ("status", "code"),
    [(507, "XMinioStorageFull"), (403, "QuotaExceeded"), (413, "EntityTooLarge"), (507, "")],
)
def test_a_full_bucket_is_full(status: int, code: str, bucket_store: Store, s3_server: S3Server) -> None:
    for content in (b"a video", LARGE):
        s3_server.script(times=20, method="PUT", status=status, code=code)
        assert_fails(Full, lambda content=content: put(bucket_store, content), code)  # type: ignore[misc]
        s3_server.faults.clear()
    assert (s3_server.objects, s3_server.uploads) == ({}, {})


def test_a_server_that_fails_once_is_asked_again(bucket_store: Store, s3_server: S3Server) -> None:
    for call in calls(bucket_store)[:1] + calls(bucket_store)[2:]:
        s3_server.script(status=503, code="SlowDown")
        call()
    assert s3_server.faults[-1].times == 0


def test_a_server_that_keeps_failing_is_unreachable(bucket_store: Store, s3_server: S3Server) -> None:
    s3_server.script(times=1000, status=503, code="SlowDown")
    for call in calls(bucket_store):
        assert_fails(Unreachable, call)


def test_a_completion_that_fails_late_is_a_failure(bucket_store: Store, s3_server: S3Server) -> None:
    """S3 may answer a completion with 200 before it is done, and then say that it failed."""
    s3_server.script(times=10, method="POST", having="uploadId", status=200, code="InternalError")
    assert_fails(Unreachable, lambda: put(bucket_store, LARGE))
    assert (s3_server.objects, s3_server.uploads) == ({}, {})


def test_no_server_is_unreachable(bucket: Place) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with opened(bucket.changed(kind=bucket.kind.replace("by host", "by path"), endpoint=endpoint)) as store:
        for call in calls(store):
            began = time.monotonic()
            assert_fails(Unreachable, call)
            assert time.monotonic() - began < BOUND


def test_a_broken_upload_is_aborted(bucket_store: Store, s3_server: S3Server) -> None:
    s3_server.script(times=10, method="PUT", having="partNumber", status=403, code="AccessDenied")
    assert_fails(Denied, lambda: put(bucket_store, LARGE), "AccessDenied")
    assert (s3_server.objects, s3_server.uploads) == ({}, {})


def test_nothing_is_visible_before_an_upload_is_complete(bucket_store: Store, s3_server: S3Server) -> None:
    seen: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append(len(s3_server.objects))
            return super().read(size)

    put(bucket_store, Watched(LARGE))
    assert len(seen) > 20
    assert set(seen) == {0}


def test_a_broken_download_raises_when_it_is_read(bucket_store: Store, s3_server: S3Server) -> None:
    put(bucket_store, LARGE)
    s3_server.script(times=20, method="GET", drop_after=3_000_000)
    window = bucket_store.open(KEY, 1_000_000)
    s3_server.faults.clear()
    s3_server.script(times=20, method="GET", status=500)
    assert_fails(Unreachable, window.read)
    window.close()


def test_an_object_that_vanishes_is_missing(bucket_store: Store) -> None:
    put(bucket_store, b"a video")
    bucket_store.delete(KEY)
    for call in (bucket_store.stat, bucket_store.open):
        assert_fails(Missing, lambda call=call: call(KEY), "NoSuchKey")  # type: ignore[misc]
