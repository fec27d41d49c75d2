"""Downloading a video: whole or in part, with a key or a signed link, unchanged."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.http import HttpResponse, StreamingHttpResponse
from PIL import Image

from config.ids import uuid7
from tests.conftest import NOW, Caller, MakeTask
from tests.support.kept import keep
from tests.support.refusals import assert_refused, assert_request_id
from videos.models import Task
from videos.results import files
from videos.results.thumbnails import as_webp
from videos.states import Status

VIDEO = bytes(range(256)) * 4096 + b"the end"
"""More than one block of a mebibyte."""
SIZE = len(VIDEO)


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    made = make_task(Status.SUCCEEDED)
    keep(made.media_name, VIDEO)
    return made


def url(task: Task) -> str:
    return f"/v1/videos/{task.public_id}/content"


def signed(caller: Caller, task: Task) -> str:
    parts = urlsplit(caller.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"])
    return f"{parts.path}?{parts.query}"


def read(answer: HttpResponse) -> bytes:
    """Read the body, which also closes the file."""
    assert isinstance(answer, StreamingHttpResponse)
    content: bytes = answer.getvalue()
    return content


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_whole_video_is_served_as_it_was_stored(slash: str, owner: Caller, task: Task) -> None:
    answer = owner.get(url(task) + slash)
    assert answer.status_code == 200
    assert_request_id(answer)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'inline; filename="{task.public_id}.mp4"'
    assert "content-range" not in answer.headers
    assert read(answer) == VIDEO


def test_head_returns_the_size_and_no_body(owner: Caller, task: Task) -> None:
    answer = owner.head(url(task))
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["content-type"] == "video/mp4"
    assert read(answer) == b""


RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=0-99", 0, 100),
    ("bytes=100-199", 100, 200),
    ("bytes=1048570-", 1048570, SIZE),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    ("bytes=-7", SIZE - 7, SIZE),
    (f"bytes=1-{SIZE * 2}", 1, SIZE),
    ("bytes=262143-524289", 262143, 524290),
    ("bytes=0-", 0, SIZE),
    (f"bytes=0-{SIZE - 1}", 0, SIZE),
    (f"bytes=-{SIZE * 2}", 0, SIZE),
]


@pytest.mark.parametrize(("asked", "start", "stop"), RANGES)
def test_a_range_is_served_as_a_part(asked: str, start: int, stop: int, owner: Caller, task: Task) -> None:
    answer = owner.get(url(task), HTTP_RANGE=asked)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(stop - start)
    assert read(answer) == VIDEO[start:stop]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes 0-1",
        "items=0-1",
        "0-1",
        "bytes=0-1-2",
        "bytes=5-2",
        "",
        "\xff",
    ],
)
def test_a_malformed_or_multiple_range_is_ignored(asked: str, owner: Caller, task: Task) -> None:
    answer = owner.get(url(task), HTTP_RANGE=asked)
    assert answer.status_code == 200
    assert read(answer) == VIDEO


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_outside_the_video_gets_416_with_its_size(asked: str, owner: Caller, task: Task) -> None:
    answer = owner.get(url(task), HTTP_RANGE=asked)
    assert str(SIZE) in assert_refused(answer, 416, "invalid_range")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_head_ignores_the_range(owner: Caller, task: Task) -> None:
    head = owner.head(url(task), HTTP_RANGE="bytes=0-9")
    assert (head.status_code, head.headers["content-length"]) == (200, str(SIZE))
    assert read(head) == b""


KNOWN: dict[str, Callable[[Any], dict[str, str]]] = {
    "its tag": lambda head: {"HTTP_IF_NONE_MATCH": head.headers["etag"]},
    "its tag among others": lambda head: {"HTTP_IF_NONE_MATCH": f'"x", W/{head.headers["etag"]}'},
    "its time": lambda head: {"HTTP_IF_MODIFIED_SINCE": head.headers["last-modified"]},
    "its tag, and wants a part": lambda head: {
        "HTTP_IF_NONE_MATCH": head.headers["etag"],
        "HTTP_RANGE": "bytes=0-9",
    },
}


@pytest.mark.parametrize("known", KNOWN)
def test_a_client_that_has_the_video_gets_304(known: str, owner: Caller, task: Task) -> None:
    head = owner.head(url(task))
    assert read(head) == b""
    answer = owner.get(url(task), **KNOWN[known](head))
    assert (answer.status_code, answer.content) == (304, b"")
    for name in ("etag", "last-modified", "cache-control"):
        assert answer.headers[name] == head.headers[name]


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_IF_NONE_MATCH": '"another"'},
        {"HTTP_IF_MODIFIED_SINCE": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"HTTP_IF_MODIFIED_SINCE": "nonsense"},
        {"HTTP_IF_MATCH": "*"},
    ],
)
def test_a_client_that_has_another_video_gets_this_one(
    header: dict[str, str], owner: Caller, task: Task
) -> None:
    answer = owner.get(url(task), **header)
    assert (answer.status_code, read(answer)) == (200, VIDEO)


def test_a_failed_if_match_gets_412(owner: Caller, task: Task) -> None:
    assert_refused(owner.get(url(task), HTTP_IF_MATCH='"another"'), 412, "precondition_failed")


@pytest.mark.parametrize("variant", ["", "?variant=", "?variant=video"])
def test_the_default_variant_is_the_video(variant: str, owner: Caller, task: Task) -> None:
    assert read(owner.get(url(task) + variant)) == VIDEO


def test_the_thumbnail_is_the_poster_as_webp(owner: Caller, nobody: Caller, task: Task) -> None:
    still = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(still, "JPEG")
    files.save_pictures(task, still.getvalue())
    Task.objects.update(has_poster=True)
    answer = owner.get(f"{url(task)}?variant=thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (64, 36))
    again = owner.get(f"{url(task)}?variant=thumbnail", HTTP_IF_NONE_MATCH=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert nobody.get(f"{signed(owner, task)}&variant=thumbnail").headers["content-type"] == "image/webp"


@pytest.mark.parametrize("has_poster", [False, True])
def test_a_video_without_a_poster_has_no_thumbnail(has_poster: bool, owner: Caller, task: Task) -> None:
    Task.objects.update(has_poster=has_poster)  # in the second case the file is missing
    assert_refused(owner.get(f"{url(task)}?variant=thumbnail"), 409, "video_not_ready")
    if not has_poster:
        known = owner.get(f"{url(task)}?variant=thumbnail", HTTP_IF_NONE_MATCH="*")
        assert_refused(known, 409, "video_not_ready")


def test_a_poster_of_too_many_pixels_gives_no_thumbnail() -> None:
    still = io.BytesIO()
    Image.new("L", (640, 6500)).save(still, "JPEG")
    assert as_webp(still.getvalue()) is None


def test_a_broken_poster_gives_no_thumbnail(owner: Caller, task: Task) -> None:
    files.save_pictures(task, b"no picture")
    Task.objects.update(has_poster=True)
    assert_refused(owner.get(f"{url(task)}?variant=thumbnail"), 409, "video_not_ready")


def test_caches_revalidate_each_time_unless_the_link_is_signed(
    owner: Caller, nobody: Caller, task: Task
) -> None:
    with_key, by_link = owner.head(url(task)), nobody.head(signed(owner, task))
    assert with_key.headers["cache-control"] == "private, no-cache"
    assert by_link.headers["cache-control"] == "private, max-age=3600"
    for answer in (with_key, by_link):
        assert "Authorization" in answer.headers["vary"]
        assert read(answer) == b""


@pytest.mark.parametrize("variant", ["spritesheet", "VIDEO", "\xff"])
def test_an_unknown_variant_is_refused(variant: str, owner: Caller, task: Task) -> None:
    answer = owner.get(f"{url(task)}?variant={variant}")
    assert assert_refused(answer, 400, "invalid_request") == "variant must be video or thumbnail"
    assert answer.json()["errors"][0]["allowed"] == ["video", "thumbnail"]


def test_a_range_is_served_only_if_the_clients_copy_is_current(owner: Caller, task: Task) -> None:
    head = owner.head(url(task))
    etag = head.headers["etag"]
    assert read(head) == b""
    same = owner.get(url(task), HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE=etag)
    other = owner.get(url(task), HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE='"another"')
    assert (same.status_code, read(same)) == (206, VIDEO[:10])
    assert (other.status_code, read(other)) == (200, VIDEO)


def test_another_key_of_the_tenant_may_download_and_another_tenant_sees_nothing(
    mate: Caller, stranger: Caller, nobody: Caller, task: Task
) -> None:
    assert read(mate.get(url(task))) == VIDEO
    assert_refused(stranger.get(url(task)), 404, "task_not_exist")
    assert_refused(nobody.get(url(task)), 401, "invalid_api_key")


def test_a_signed_link_needs_no_key(owner: Caller, nobody: Caller, task: Task) -> None:
    link = signed(owner, task)
    assert read(nobody.get(link)) == VIDEO
    head = nobody.head(link)
    assert (head.headers["content-length"], read(head)) == (str(SIZE), b"")
    assert read(nobody.get(link, HTTP_RANGE="bytes=0-4")) == VIDEO[:5]


def test_a_signed_link_opens_this_video_only(
    owner: Caller, nobody: Caller, task: Task, make_task: MakeTask
) -> None:
    link, other = signed(owner, task), make_task(Status.SUCCEEDED, media_name="alice/other.mp4")
    assert_refused(nobody.get(link.replace(task.public_id, other.public_id)), 403, "permission_denied")
    assert_refused(
        nobody.get(link.replace(task.public_id, f"task_{uuid7(NOW).hex}")), 403, "permission_denied"
    )
    assert_refused(nobody.get(link.replace(task.public_id, "task_x")), 403, "permission_denied")
    query = link.partition("?")[2]
    assert_refused(nobody.get(f"/v1/videos/{task.public_id}?{query}"), 401, "invalid_api_key")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("expires", value) for value in ("", "x", "-1", "1e9", "99999999999", "9" * 5000, "%00", "%D9%A3")),
        *(("signature", value) for value in ("", "x", "%00", "%E2%9C%93", "0" * 64)),
    ],
)
def test_a_tampered_link_is_refused(name: str, value: str, owner: Caller, nobody: Caller, task: Task) -> None:
    path, _, query = signed(owner, task).partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&")) | {name: value}
    answer = nobody.get(f"{path}?{'&'.join(f'{key}={given}' for key, given in pairs.items())}")
    assert_refused(answer, 403, "permission_denied")


def test_an_expired_link_is_refused(
    owner: Caller, nobody: Caller, task: Task, settings: LazySettings
) -> None:
    settings.LINK_LIFE_SECONDS = 0
    assert_refused(nobody.get(signed(owner, task)), 403, "permission_denied")


def test_a_signed_link_to_a_removed_video_gets_410(owner: Caller, nobody: Caller, task: Task) -> None:
    link = signed(owner, task)
    task.media_removed_at = NOW
    task.save(update_fields=["media_removed_at"])
    assert_refused(nobody.get(link), 410, "video_expired")
