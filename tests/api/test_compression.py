"""JSON is compressed for clients that accept it, with the right length, ETag and Vary."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from config.compression import LARGEST_PLAIN, LEVEL, MOST_PADDING, compressed
from tests.conftest import Caller, MakeTask
from tests.support.rows import each
from videos.models import Task
from videos.states import Status

GZIP = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"}
LONG = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs over the hill, " * 60}


def text(answer: Any) -> bytes:
    """The decompressed body."""
    assert int(answer.headers["content-length"]) == len(answer.content)
    is_compressed = answer.headers.get("content-encoding") == "gzip"
    return gzip.decompress(answer.content) if is_compressed else bytes(answer.content)


def is_compressed(answer: Any) -> bool:
    assert answer.headers.get("content-encoding") in (None, "gzip")
    return "content-encoding" in answer.headers


@pytest.fixture
def task(make_task: MakeTask, results_folder: Path) -> Task:
    """A finished video with a long prompt."""
    results_folder.mkdir(parents=True, exist_ok=True)
    (results_folder / "video.mp4").write_bytes(b"0" * 5000)
    return make_task(Status.SUCCEEDED, media_name="video.mp4", request=LONG)


@each("path", ["/v1/videos", "/v1/videos/{id}", "/v1/video/generations/{id}", "/v1/models"])
def test_a_long_answer_is_compressed_if_the_client_accepts_it(path: str, owner: Caller, task: Task) -> None:
    path = path.format(id=task.public_id)
    plain, short = owner.get(path), owner.get(path, **GZIP)
    assert (is_compressed(plain), is_compressed(short)) == (False, True)
    assert len(short.content) < len(plain.content) / 2
    assert json.loads(text(short)) == json.loads(text(plain))
    for answer in (plain, short):
        assert answer.headers["vary"] == "Accept-Encoding"
    head = owner.head(path, **GZIP)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-encoding", "vary", "content-type"):
        assert head.headers[name] == short.headers[name]


@each(
    "accepted, is_taken",
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("br, *", True),
        ("*;q=0.1", True),
        ("", False),
        ("br, deflate", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("xgzip", False),
        (";;,=", False),
    ],
)
def test_accept_encoding_decides(accepted: str, is_taken: bool, owner: Caller, task: Task) -> None:
    answer = owner.get("/v1/videos", HTTP_ACCEPT_ENCODING=accepted)
    assert (answer.status_code, is_compressed(answer)) == (200, is_taken)


def test_short_answers_videos_pages_and_files_are_not_compressed(owner: Caller, task: Task) -> None:
    for path in (
        *("/v1/account", "/v1/nowhere", "/healthz", "/log-in/", "/v1/usage?format=csv"),
        f"/v1/videos/{task.public_id}/content",
    ):
        answer = owner.get(path, **GZIP)
        assert not is_compressed(answer)
        assert b"".join(answer)
    assert len(owner.get("/v1/account").content) <= LARGEST_PLAIN


def test_refusals_are_compressed_too(owner: Caller) -> None:
    body = {"metadata": {f"k{number}": 1 for number in range(60)}}
    answer = owner.post("/v1/videos/validate", body, **GZIP)
    assert (answer.status_code, is_compressed(answer)) == (400, True)
    assert len(json.loads(text(answer))["errors"]) == 51


def test_a_client_that_has_either_form_of_the_video_object_gets_304(owner: Caller, task: Task) -> None:
    path = f"/v1/videos/{task.public_id}"
    plain, short = owner.get(path), owner.get(path, **GZIP)
    assert short.headers["etag"] == f"W/{plain.headers['etag']}"  # weak, as the bytes differ
    for had in (plain, short):
        for encoding, would_be in ({}, plain), (GZIP, short):
            again = owner.get(path, HTTP_IF_NONE_MATCH=had.headers["etag"], **encoding)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == would_be.headers["etag"]
            assert again.headers["vary"] == "Accept-Encoding"
            assert not is_compressed(again)
    assert owner.get(path, HTTP_IF_NONE_MATCH='W/"other"', **GZIP).status_code == 200


def test_padding_is_fixed_for_a_content_so_repeating_reveals_nothing(settings: LazySettings) -> None:
    contents = [json.dumps({"prompt": f"{number:03}", "url": "x" * 2000}).encode() for number in range(40)]
    bare = [len(gzip.compress(content, LEVEL, mtime=0)) for content in contents]
    added = [len(compressed(content)) - length for content, length in zip(contents, bare, strict=True)]
    assert added == [
        len(compressed(content)) - length for content, length in zip(contents, bare, strict=True)
    ]
    assert len(set(added)) > 20
    assert all(0 < more <= MOST_PADDING + 1 for more in added)
    settings.SECRET_KEY = "another"
    assert added != [
        len(compressed(content)) - length for content, length in zip(contents, bare, strict=True)
    ]
