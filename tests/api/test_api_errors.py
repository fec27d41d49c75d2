"""Every refusal is in the contract's envelope, wherever it is raised (section 5)."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.utils import timezone

from accounts import keys
from accounts.models import APIKey, Scope
from config.ids import uuid7
from config.wsgi import application
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask, make_caller
from tests.support.refusals import (
    BUCKET_CHECK,
    CREATE_ROUTES,
    METHODS,
    QUERY_ROUTES,
    READ_ROUTES,
    UNKNOWN_ID,
    assert_refused,
    assert_request_id,
    sample,
)
from tests.support.rows import each
from videos.api.hints import WORDS
from videos.api.urls import urlpatterns
from videos.models import Task, UpstreamAccount
from videos.states import Status

MEBIBYTE = 1024 * 1024
ALLOWED = {
    **dict.fromkeys([*CREATE_ROUTES, "/v1/videos/validate", BUCKET_CHECK], ("POST",)),
    **dict.fromkeys([f"{route}/remix" for route in QUERY_ROUTES], ("POST",)),
    "/v1/videos": ("POST", "GET", "HEAD"),
    **dict.fromkeys([*QUERY_ROUTES, "/v1/files/{id}"], ("GET", "HEAD", "DELETE")),
    "/v1/files": ("GET", "HEAD", "POST"),
    **dict.fromkeys(READ_ROUTES, ("GET", "HEAD")),
}
"""The methods of each route that needs a key."""
PUBLIC = {"/v1/openapi.json": ("GET", "HEAD")}
"""Those of the others."""
EVERY_REQUEST = [(method, route) for route, methods in ALLOWED.items() for method in methods]


def test_every_route_of_the_resolver_is_in_this_table() -> None:
    def serves(pattern: Any) -> bool:
        return any(pattern.resolve(sample(route).removeprefix("/v1/")) for route in ALLOWED | PUBLIC)

    assert all(serves(pattern) for pattern in urlpatterns)


# --- 401


def _other_secret(owner: Caller) -> str:
    other = keys.mint()
    parsed = keys.parse(other)
    assert parsed is not None
    APIKey.objects.update(prefix=parsed.prefix)
    return f"Bearer {other}"


def _mistyped(owner: Caller) -> str:
    assert owner.text is not None
    return f"Bearer {owner.text[:-1]}{'a' if owner.text[-1] != 'a' else 'b'}"


def _revoked(owner: Caller) -> str:
    assert owner.key is not None
    owner.key.revoke(timezone.now())
    return f"Bearer {owner.text}"


def _expired(owner: Caller) -> str:
    APIKey.objects.update(expires_at=timezone.now())
    return f"Bearer {owner.text}"


def _suspended(owner: Caller) -> str:
    owner.tenant.suspend(timezone.now())
    return f"Bearer {owner.text}"


UNUSABLE: dict[str, Callable[[Caller], str | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: "",
    "a scheme without a key": lambda _: "Bearer",
    "another scheme": lambda owner: f"Basic {owner.text}",
    "the key without a scheme": lambda owner: owner.text,
    "not a key at all": lambda _: "Bearer sk-proj-123",
    "not ASCII": lambda _: "Bearer caf\xe9",
    "two keys": lambda owner: f"Bearer {owner.text} {owner.text}",
    "well formed and unknown": lambda _: f"Bearer {keys.mint()}",
    "the right prefix and another secret": _other_secret,
    "a mistyped checksum": _mistyped,
    "revoked": _revoked,
    "expired": _expired,
    "of a suspended tenant": _suspended,
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_every_problem_with_a_key_gets_the_same_answer(case: str, owner: Caller, nobody: Caller) -> None:
    header = UNUSABLE[case](owner)
    answer = nobody.get("/v1/models", **({} if header is None else {"HTTP_AUTHORIZATION": header}))
    assert_refused(answer, 401, "invalid_api_key")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.content == nobody.get("/v1/models").content


@each("method, route", EVERY_REQUEST)
def test_every_route_needs_a_key(method: str, route: str, nobody: Caller, db: None) -> None:
    answer = nobody.request(method, sample(route))
    assert "www-authenticate" in answer.headers
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (401, b"")
    else:
        assert_refused(answer, 401, "invalid_api_key")


@pytest.mark.django_db(transaction=True)
def test_a_tenant_suspended_while_its_request_waits_is_refused(
    owner: Caller, nobody: Caller, account: UpstreamAccount
) -> None:
    answers: list[HttpResponse] = []

    def post() -> None:
        answers.append(owner.post("/v1/videos", GOOD_BODY))
        connections.close_all()

    request = threading.Thread(target=post)
    with transaction.atomic():
        owner.tenant.suspend(timezone.now())
        request.start()
        while not _is_waiting_for_a_lock():
            assert request.is_alive(), "the request did not wait for the tenant"
    request.join()
    assert_refused(answers[0], 401, "invalid_api_key")
    assert answers[0].content == nobody.get("/v1/models").content
    assert "www-authenticate" in answers[0].headers
    assert not Task.objects.exists()


def _is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        (waiting,) = cursor.fetchone()
    return bool(waiting)


# --- 403

LACKING = [
    ((Scope.READ, Scope.MANAGE), "POST", "/v1/videos"),
    ((Scope.READ,), "POST", "/v1/videos/generations"),
    ((Scope.READ,), "POST", "/v1/video/generations"),
    ((Scope.READ,), "POST", "/v1/videos/validate"),
    ((Scope.WRITE, Scope.MANAGE), "GET", "/v1/videos"),
    ((Scope.WRITE,), "GET", "/v1/videos/{id}"),
    ((Scope.WRITE,), "GET", "/v1/videos/generations/{id}"),
    ((Scope.WRITE,), "GET", "/v1/video/generations/{id}"),
    ((Scope.READ, Scope.MANAGE), "DELETE", "/v1/videos/{id}"),
    ((Scope.READ,), "DELETE", "/v1/videos/generations/{id}"),
    ((Scope.READ,), "DELETE", "/v1/video/generations/{id}"),
    ((Scope.WRITE, Scope.MANAGE), "GET", "/v1/videos/{id}/content"),
    *(((Scope.READ,), "POST", f"{route}/remix") for route in QUERY_ROUTES),
    ((Scope.READ, Scope.MANAGE), "POST", "/v1/files"),
    ((Scope.WRITE, Scope.MANAGE), "GET", "/v1/files"),
    ((Scope.WRITE,), "GET", "/v1/files/{id}"),
    ((Scope.WRITE,), "GET", "/v1/files/{id}/content"),
    ((Scope.READ,), "DELETE", "/v1/files/{id}"),
    ((Scope.WRITE,), "GET", "/v1/usage"),
    ((Scope.WRITE, Scope.MANAGE), "GET", "/v1/account"),
    ((Scope.READ, Scope.WRITE), "POST", BUCKET_CHECK),
    ((Scope.WRITE,), "GET", "/v1/models"),
    ((Scope.MANAGE,), "GET", "/v1/models/Kling-3.0-720p"),
]


@pytest.mark.parametrize(("scopes", "method", "route"), LACKING)
def test_a_key_that_lacks_the_scope_is_refused(
    scopes: tuple[Scope, ...], method: str, route: str, owner: Caller, account: UpstreamAccount
) -> None:
    caller = make_caller(owner.tenant, "lacking", scopes)
    body = json.dumps(GOOD_BODY) if method == "POST" else ""
    answer = caller.request(method, sample(route), data=body, content_type="application/json")
    assert_refused(answer, 403, "permission_denied")
    assert not Task.objects.exists()


def test_every_request_is_in_the_table_of_scopes() -> None:
    assert {(method, route) for _, method, route in LACKING} == {
        (method, route) for method, route in EVERY_REQUEST if method != "HEAD"
    }


# --- 404

MALFORMED_IDS = [
    "task_",
    "task_1",
    "x",
    "None",
    uuid7(NOW).hex,
    str(uuid7(NOW)),
    f"task_{uuid7(NOW)}",
    f"task_{uuid7(NOW).hex.upper()}",
    f"TASK_{uuid7(NOW).hex}",
    f"task_{uuid7(NOW).hex}0",
    f"task_{uuid7(NOW).hex}%0A",
    f"task_{'g' * 32}",
    f"task_{'%D9%A3' * 32}",
    "task_%00",
    "%00",
    "%FF%FE",
    "%ED%A0%80",
    "%E2%9C%93",
    "a'; DROP TABLE videos_task; --",
    "task_" + "0" * 4000,
]


@pytest.mark.parametrize(
    ("method", "route"),
    [(method, route) for method, route in EVERY_REQUEST if "{id}" in route and method != "HEAD"],
)
def test_unknown_malformed_and_foreign_ids_cannot_be_told_apart(
    method: str, route: str, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    code = "file_not_exist" if "files" in route else "task_not_exist"
    unknown = owner.request(method, sample(route))
    assert_refused(unknown, 404, code)
    foreign = stranger.request(method, route.format(id=make_task(Status.SUCCEEDED).public_id))
    answers = [foreign, *(owner.request(method, route.format(id=bad)) for bad in MALFORMED_IDS)]
    for answer in answers:
        assert_refused(answer, 404, code)
        assert answer.content == unknown.content
        assert answer.headers.keys() == unknown.headers.keys()


UNKNOWN_ROUTES = [
    "/nothing",
    "/v1",
    "/v1/",
    "/v1/unknown",
    "/v1/video",
    "/v1/video/",
    "/v2/videos",
    "/V1/videos",
    "/v1//videos",
    "/v1/videos//",
    "/v1/videos%0A",
    "/v1/videos%00",
    "/v1/videos/validate/x/y",
    "/v1/videos/x/contents",
    "/v1/videos/x/content/y",
    "/v1/models/a/b",
    "/v1/chat/completions",
    "/v1/%FF%FE",
    "/v1/%ED%A0%80",
    "/v1/%E2%9C%93",
    "/v1/%00",
    "/v1/..%2f..%2fetc%2fpasswd",
    "/v1/<script>",
    "/static/nothing.css",
    "/static/%00",
    "/favicon.ico",
]


@each("path", UNKNOWN_ROUTES)
@each("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_gets_404_in_the_envelope(path: str, method: str, nobody: Caller) -> None:
    assert_refused(nobody.request(method, path), 404, "not_found")


@each(
    "path, meant",
    [
        ("/v1//videos", "/v1/videos"),
        ("/v1/v1/videos", "/v1/videos"),
        ("/v1/v1/v1/models", "/v1/models"),
        ("/v1//v1///video/generations/x", "/v1/video/generations/x"),
        ("/v1/v1/videos/", "/v1/videos"),
        ("/v1/videos//", "/v1/videos"),
        ("//v1/videos", "/v1/videos"),
        ("/v1/videos//task_A", "/v1/videos/task_A"),
        ("/v1/videos/task_A//content", "/v1/videos/task_A/content"),
        ("/V1/videos", "/v1/videos"),
        ("/v1/Videos", "/v1/videos"),
        ("/v1/VIDEO/Generations/task_A/", "/v1/video/generations/task_A"),
        ("/V1/Videos/task_A/Content", "/v1/videos/task_A/content"),
        ("/v1/Models/Kling-3.0-720p", "/v1/models/Kling-3.0-720p"),
        ("/videos", "/v1/videos"),
        ("/video/generations", "/v1/video/generations"),
        ("/Models", "/v1/models"),
    ],
)
def test_a_mistyped_route_gets_a_suggestion(path: str, meant: str, nobody: Caller) -> None:
    message = assert_refused(nobody.request("GET", path), 404, "not_found")
    assert message == f"Unknown route; did you mean {meant}?"


@each(
    "path",
    [
        "/v1/nothing",
        "/v1//nothing",
        "/v2//videos",
        "/v1//videos/" + "x" * 300,
        "/v1/v1",
        "/v1/videos//content",
        "/v1/videos//generations/content",
        "/v1//",
        "/V1/",
        "/v1/videos/x/content/y",
        "/v1/Chat/Completions",
        "/healthz/x",
    ],
)
def test_a_route_unlike_any_other_gets_no_suggestion(path: str, nobody: Caller) -> None:
    assert assert_refused(nobody.request("GET", path), 404, "not_found") == "Unknown route"


# --- 405


@each(
    "route, method",
    [(route, method) for route, allowed in ALLOWED.items() for method in METHODS if method not in allowed],
)
@each("slash", ["", "/"])
def test_a_wrong_method_gets_405_with_the_allowed_ones(
    route: str, method: str, slash: str, nobody: Caller
) -> None:
    answer = nobody.request(method, sample(route) + slash)
    assert answer.status_code == 405
    assert answer.headers["allow"] == ", ".join(ALLOWED[route])
    if method == "HEAD":
        assert_request_id(answer)
    else:
        assert_refused(answer, 405, "method_not_allowed")


@each(
    "method, path, hint",
    [
        ("POST", "/v1/videos/Generations", "; did you mean /v1/videos/generations?"),
        ("POST", "/v1/videos/VALIDATE/", "; did you mean /v1/videos/validate?"),
        ("PUT", "/v1/videos/Generations", ""),
        ("POST", "/v1/videos/x", ""),
        ("POST", "/v1/videos/x/", ""),
        ("GET", "/v1/videos/generations/", ""),
        ("PUT", "/v1/videos/", ""),
    ],
)
def test_a_wrong_method_gets_a_suggestion_if_a_route_matches(
    method: str, path: str, hint: str, nobody: Caller
) -> None:
    answer = nobody.request(method, path)
    message = assert_refused(answer, 405, "method_not_allowed")
    assert message == f'Method "{method}" not allowed{hint or "."}'


def test_the_suggestions_know_every_word_of_a_route() -> None:
    words = {word for route in ALLOWED | PUBLIC for word in route.split("/") if word and "{" not in word}
    assert words - {"Kling-3.0-720p"} == WORDS


# --- 400 invalid_json


def _nested(levels: int) -> str:
    """A good body with `levels` nested containers, including itself."""
    return json.dumps(GOOD_BODY)[:-1] + f', "extra": {"[" * (levels - 1)}{"]" * (levels - 1)}}}'


def _with(field: str) -> bytes:
    return (json.dumps(GOOD_BODY)[:-1] + f", {field}}}").encode()


INVALID_JSON: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n",
    "not JSON": b"model=Kling-3.0-720p",
    "cut off": json.dumps(GOOD_BODY).encode()[:-1],
    "two objects": b"{}{}",
    "a comment": b"{} // good",
    "single quotes": b"{'model': 'Kling-3.0-720p'}",
    "a trailing comma": b'{"model": "Kling-3.0-720p",}',
    "invalid UTF-8": _with('"extra": "?"').replace(b"?", b"\xff"),
    "a surrogate as bytes": _with('"extra": "?"').replace(b"?", b"\xed\xa0\x80"),
    "UTF-16": json.dumps(GOOD_BODY).encode("utf-16"),
    "a raw NUL": _with('"extra": "?"').replace(b"?", b"\x00"),
    "NaN": _with('"extra": NaN'),
    "Infinity": _with('"extra": Infinity'),
    "-Infinity": _with('"extra": [-Infinity]'),
    "1e400": _with('"extra": 1e400'),
    "-1e400": _with('"extra": {"deep": -1e400}'),
    "an integer of 5000 digits": _with(f'"extra": {"9" * 5000}'),
    "21 levels": _nested(21).encode(),
    "100000 levels": b"[" * 100_000,
    "an array": b"[]",
    "an array of a body": f"[{json.dumps(GOOD_BODY)}]".encode(),
    "a string": b'"Kling-3.0-720p"',
    "a number": b"5",
    "true": b"true",
    "null": b"null",
}


@each("case", INVALID_JSON)
@each("path", ["/v1/videos", "/v1/videos/validate"])
def test_a_malformed_body_is_refused(case: str, path: str, owner: Caller, account: UpstreamAccount) -> None:
    assert_refused(owner.post(path, data=INVALID_JSON[case]), 400, "invalid_json")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        _nested(20).encode(),
        b"\xef\xbb\xbf" + json.dumps(GOOD_BODY).encode(),
        b" \r\n\t" + json.dumps(GOOD_BODY).encode() + b"\n",
        _with('"extra": 1e308'),
        _with('"extra": 123456789012345678901234567890'),
        json.dumps(GOOD_BODY | {"prompt": "снег 雪 ❄"}, ensure_ascii=False).encode(),
    ],
    ids=["20 levels", "a byte order mark", "white space", "1e308", "a large integer", "any language"],
)
def test_an_unusual_body_is_accepted(body: bytes, owner: Caller, account: UpstreamAccount) -> None:
    assert owner.post("/v1/videos", data=body).status_code == 200


def test_an_empty_object_gets_all_violations(owner: Caller) -> None:
    answer = owner.post("/v1/videos", {})
    assert assert_refused(answer, 400, "model_not_found") == "The model '' does not exist"
    assert [violation["param"] for violation in answer.json()["errors"]] == ["model", "seconds", "prompt"]


# --- 413, 415


def _padded(size: int) -> bytes:
    start = json.dumps(GOOD_BODY)[:-1] + ', "extra": "'
    return f'{start}{"x" * (size - len(start) - 2)}"}}'.encode()


def test_a_body_of_one_mebibyte_is_accepted_and_one_byte_more_is_not(owner: Caller) -> None:
    assert owner.post("/v1/videos/validate", data=_padded(MEBIBYTE)).status_code == 200
    answer = owner.post("/v1/videos/validate", data=_padded(MEBIBYTE + 1))
    assert str(MEBIBYTE) in assert_refused(answer, 413, "request_too_large")


@pytest.mark.parametrize("filename", ["", '; filename="cat.mp4"'])
def test_a_form_over_a_mebibyte_is_refused(filename: str, owner: Caller) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="extra"{filename}\r\n\r\n'.encode()
    body = head + b"x" * MEBIBYTE + b"\r\n--b--\r\n"
    answer = owner.post("/v1/videos", data=body, content_type="multipart/form-data; boundary=b")
    assert_refused(answer, 413, "request_too_large")


WRONG_TYPES = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/octet-stream",
    "application/json-patch+json",
    "multipart/mixed; boundary=b",
    "json",
    "nonsense",
    "application/",
    ";",
    "application\xffjson",
    "",
]


@each("content_type", WRONG_TYPES)
@each("path", [*CREATE_ROUTES, "/v1/videos/validate"])
def test_another_content_type_is_refused(content_type: str, path: str, owner: Caller) -> None:
    answer = owner.post(path, GOOD_BODY, content_type=content_type)
    message = assert_refused(answer, 415, "unsupported_media_type")
    assert message == "The content type must be application/json or multipart/form-data"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;x=y"],
)
def test_a_content_type_may_be_spelled_in_many_ways(content_type: str, owner: Caller) -> None:
    assert owner.post("/v1/videos/validate", GOOD_BODY, content_type=content_type).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "parameter",
    [
        "charset=nonsense",
        "charset=\xff",
        "charset",
        "charset*=utf-8''%00",
        "charset*=nonsense''x",
        "charset*=utf-8''%ED%A0%80",
    ],
)
def test_an_unknown_charset_is_ignored(parameter: str) -> None:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _: None

    environ: dict[str, Any] = {"PATH_INFO": "/v1/nowhere", "HTTP_HOST": "localhost"}
    environ["CONTENT_TYPE"] = f"application/json; {parameter}"
    setup_testing_defaults(environ)
    result = application(environ, start)
    assert json.loads(b"".join(result))["code"] == "not_found"
    (status, headers) = started[0]
    assert status.startswith("404")
    assert "x-request-id" in dict(headers)


# --- 409, 410


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.SUCCEEDED])
def test_an_unfinished_video_is_not_ready(status: Status, owner: Caller, make_task: MakeTask) -> None:
    answer = owner.get(f"/v1/videos/{make_task(status).public_id}/content")
    assert_refused(answer, 409, "video_not_ready")
    assert answer.headers["x-should-retry"] == "false"


def test_an_expired_video_gets_410_with_the_time(owner: Caller, make_task: MakeTask) -> None:
    gone = NOW + timedelta(days=30)
    task = make_task(Status.SUCCEEDED, expires_at=gone, media_removed_at=gone)
    answer = owner.get(f"/v1/videos/{task.public_id}/content")
    assert "2026-12-20 12:00 UTC" in assert_refused(answer, 410, "video_expired")


# --- 500


def test_a_video_missing_from_the_storage_gets_410(owner: Caller, make_task: MakeTask) -> None:
    answer = owner.get(f"/v1/videos/{make_task(Status.SUCCEEDED).public_id}/content")
    assert "storage" in assert_refused(answer, 410, "video_expired")


def test_an_internal_error_shows_the_request_id_and_no_detail(owner: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE videos_task RENAME TO elsewhere")
    answer = owner.get(f"/v1/videos/{UNKNOWN_ID}")
    message = assert_refused(answer, 500, "internal_error")
    assert message == f"Internal error; quote the request id {assert_request_id(answer)}"
    for detail in (b"Error:", b"Traceback", b".py", b"alice", b"encrypted", b"relation"):
        assert detail not in answer.content


def test_without_an_upstream_account_requests_are_validated_but_not_accepted(owner: Caller) -> None:
    assert owner.post("/v1/videos/validate", GOOD_BODY).status_code == 200
    answer = owner.post("/v1/videos", GOOD_BODY)
    assert_refused(answer, 503, "no_upstream_available")
    assert int(answer.headers["Retry-After"]) > 0
    assert not Task.objects.exists()


# --- every answer


def _answers(owner: Caller, task: Task) -> Iterator[HttpResponse]:
    for _ in range(2):  # the second is a replay
        yield owner.post("/v1/videos", GOOD_BODY, HTTP_IDEMPOTENCY_KEY="mine")
    for method, route in EVERY_REQUEST:
        yield owner.request(method, route.format(id=task.public_id))
    yield owner.post("/v1/videos/validate", GOOD_BODY)
    yield owner.get("/v1/usage?format=csv")
    yield from (owner.get(path) for path in ("/healthz", "/readyz", "/admin/login/"))
    yield Caller(None).get("/v1/models", HTTP_HOST="elsewhere.example")


def test_every_answer_has_its_own_request_id(owner: Caller, make_task: MakeTask) -> None:
    request_ids = [assert_request_id(answer) for answer in _answers(owner, make_task())]
    assert len(set(request_ids)) == len(request_ids)


def test_a_request_id_of_a_client_is_not_echoed(owner: Caller) -> None:
    answer = owner.get("/healthz", HTTP_X_REQUEST_ID="req_mine\u00ff")
    assert "mine" not in assert_request_id(answer)


def test_a_foreign_host_name_is_refused_in_the_envelope(nobody: Caller) -> None:
    answer = Caller(None).get("/v1/models", HTTP_HOST="elsewhere.example")
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense", ";q=", ""])
def test_answers_are_json_whatever_a_client_accepts(accept: str) -> None:
    answer = Caller(None).get("/v1/models?format=xml", HTTP_ACCEPT=accept)
    assert_refused(answer, 401, "invalid_api_key")


# --- text that cannot be stored

UNSTORABLE = ["\\ud800", "\\udfff", "a\\u0000b", "\\udc00\\ud800"]
ANYWHERE: dict[str, str] = {
    "model": '{"model": "?", "seconds": "5", "prompt": "a cat runs"}',
    "seconds": '{"model": "Kling-3.0-720p", "seconds": "?", "prompt": "a cat runs"}',
    "prompt": '{"model": "Kling-3.0-720p", "seconds": "5", "prompt": "?"}',
    "image": '{"model": "Kling-3.0-720p", "seconds": "5", "images": ["https://example.com/?"]}',
    "video": '{"model": "Kling-3.0-720p", "seconds": "5", "videos": ["https://example.com/?"]}',
    "metadata key": '{"model": "Kling-3.0-720p", "seconds": "5", "prompt": "x", "metadata": {"?": 1}}',
    **{
        name: f'{{"model": "Vidu-q2-720p", "seconds": "5", "prompt": "x", "metadata": {metadata}}}'
        for name, metadata in {
            "negative_prompt": '{"negative_prompt": "?"}',
            "scene_type": '{"scene_type": "?"}',
            "aspect_ratio": '{"aspect_ratio": "?"}',
            "output_config key": '{"output_config": {"?": 1}}',
            "output_config value": '{"output_config": {"PersonGeneration": "?"}}',
            "ext_info key": '{"ext_info": {"?": 1}}',
            "ext_info value": '{"ext_info": {"a": ["?"]}}',
            "parameters": '{"ext_info": {"AdditionalParameters": {"a": "?"}}}',
            "parameters in a string": '{"ext_info": {"AdditionalParameters": "{\\"a\\": \\"\\?\\"}"}}',
            "object id": '{"vidu_q2_object_ids": ["?"]}',
            "voice": '{"vidu_q2_object_ids": ["a"], "vidu_q2_voice_map": {"a": "?"}}',
            "voice's object": '{"vidu_q2_object_ids": ["a"], "vidu_q2_voice_map": {"?": "a"}}',
        }.items()
    },
}


@each("text", UNSTORABLE)
@each("place", ANYWHERE)
def test_text_that_cannot_be_stored_is_refused_in_every_place(
    place: str, text: str, owner: Caller, account: UpstreamAccount
) -> None:
    body = ANYWHERE[place].replace("\\?", text.replace("\\", "\\\\")).replace("?", text)
    json.loads(body)
    answer = owner.post("/v1/videos", data=body)
    assert_refused(answer, 400, "model_not_found" if place == "model" else "invalid_request")
    assert not Task.objects.exists()


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_stored_is_ignored_in_ignored_fields(
    text: str, owner: Caller, account: UpstreamAccount
) -> None:
    body = json.dumps(GOOD_BODY)[:-1] + f', "{text}": "{text}", "user": {{"{text}": ["{text}"]}}}}'
    assert owner.post("/v1/videos", data=body).status_code == 200
