"""Which requests the lane takes, by their heads."""

from typing import Any

import pytest
from django.conf import LazySettings

from tests.conftest import GOOD_BODY, Caller
from tests.support.lane import create, request

TASK = "task_" + "0" * 32
LONG = {**GOOD_BODY, "prompt": "x" * 40_000}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/videos", GOOD_BODY),
        ("POST", "/v1/videos/", GOOD_BODY),
        ("POST", "/v1/videos/generations", GOOD_BODY),
        ("POST", "/v1/video/generations", GOOD_BODY),
        ("GET", f"/v1/videos/{TASK}", None),
        ("GET", f"/v1/videos/{TASK}/", None),
        ("GET", f"/v1/videos/generations/{TASK}", None),
        ("GET", f"/v1/video/generations/{TASK}", None),
        ("GET", "/v1/videos", None),
        ("GET", "/v1/videos?limit=100&order=asc&status=queued&model=Kling-3.0-1080p", None),
    ],
)
def test_plain_requests_of_hot_routes_are_taken(method: str, path: str, body: Any, owner: Caller) -> None:
    assert request(owner, method, path, body) is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("HEAD", f"/v1/videos/{TASK}", None),
        ("DELETE", f"/v1/videos/{TASK}", None),
        ("OPTIONS", "/v1/videos", None),
        ("GET", f"/v1/videos/{TASK}/content", None),
        ("GET", f"/v1/videos/{TASK}?x=1", None),
        ("GET", f"/v1/videos/{TASK}", b"a body"),
        ("POST", "/v1/videos?x=1", GOOD_BODY),
        ("POST", "/v1/videos", None),
        ("POST", "/v1/videos", LONG),
        ("POST", "/v1/videos/validate", GOOD_BODY),
        ("POST", f"/v1/videos/{TASK}", GOOD_BODY),
        ("GET", "/v1/videos?model=%80", None),
        ("GET", f"/v1/videos?x={'1' * 600}", None),
        ("GET", "/v1/models", None),
        ("GET", "/v1/usage", None),
        ("GET", f"/v2/videos/{TASK}", None),
        ("GET", "/v1/videos//", None),
        ("GET", "/portal/", None),
    ],
)
def test_other_requests_are_left_to_the_views(method: str, path: str, body: Any, owner: Caller) -> None:
    assert request(owner, method, path, body) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "text/plain"},
        {"content-encoding": "gzip"},
        {"origin": "https://elsewhere.example"},
        {"if-none-match": "*"},
        {"host": "elsewhere.example"},
        {"authorization": "Basic xyz"},
        {"authorization": "Bearer rly_malformed"},
        {"authorization": ""},
    ],
    ids=str,
)
def test_unusual_headers_are_left_to_the_views(
    headers: dict[str, str], owner: Caller, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    assert create(owner, **headers) is None


def test_a_request_that_is_redirected_to_https_is_left_to_the_view(
    owner: Caller, settings: LazySettings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert create(owner) is None
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert create(owner) is None
    assert create(owner, x_forwarded_proto="http") is None
    assert create(owner, x_forwarded_proto="https") is not None


def test_the_headers_of_a_secure_host_are_those_of_the_middleware(
    owner: Caller, settings: LazySettings
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 60
    plain = create(owner, host="testserver")
    secure = create(owner, host="testserver", x_forwarded_proto="https")
    assert plain is not None
    assert secure is not None
    assert (plain.origin.root, secure.origin.root) == ("http://testserver/", "https://testserver/")
    assert (b"strict-transport-security", b"max-age=60") in secure.origin.headers
    assert b"strict-transport-security" not in dict(plain.origin.headers)


def test_a_key_is_not_shown(owner: Caller) -> None:
    assert owner.text is not None
    assert owner.text.rpartition("_")[2] not in repr(create(owner))
