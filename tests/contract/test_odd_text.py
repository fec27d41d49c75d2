"""Non-ASCII bytes anywhere in a request are decoded or refused, never a 500."""

from pathlib import Path
from typing import Any

from django.test import Client

from tests.api.test_api_bodies import GIRL
from tests.conftest import GOOD_BODY, Caller, MakeTask
from tests.support.members import Member
from tests.support.refusals import READ_ROUTES, assert_refused, sample
from tests.support.rows import each
from videos.models import Task, UpstreamAccount
from videos.states import Status


def as_wsgi(sent: str | bytes) -> str:
    """Bytes as WSGI passes them: one character each."""
    return (sent if isinstance(sent, bytes) else sent.encode()).decode("latin-1")


ODD = [as_wsgi(GIRL), as_wsgi(b"caf\xe9"), as_wsgi(b"\xff\xfe\xed\xa0\x80"), as_wsgi("\u2028\u0660")]


# --- the query


@each(
    "query, params",
    [
        (f"model={GIRL}", ["model"]),
        ("model=%E5%A5%B3", ["model"]),
        (f"status={GIRL}&limit={GIRL}&after={GIRL}", ["after", "limit", "status"]),
        (f"{GIRL}=1", []),
        (f"x={GIRL}", []),
    ],
)
def test_a_query_in_utf_8_is_decoded(query: str, params: list[str], owner: Caller) -> None:
    answer = owner.get("/v1/videos", QUERY_STRING=as_wsgi(query))
    assert answer.status_code == (400 if params else 200)
    assert [violation["param"] for violation in answer.json().get("errors", ())] == params
    if "model" in params:
        assert "女" in answer.json()["message"]


@each("route", [*READ_ROUTES, "/v1/videos", "/v1/videos/{id}", "/v1/nowhere", "/log-in/", "/admin/", "/"])
@each(
    "query, name",
    [
        (b"model=caf\xe9", "model"),
        (b"model=caf%E9", "model"),
        (b"a=1&after=%ED%A0%80&b=%FF", "after"),
        (b"model=%C5%AE%BA", "model"),
        (b"m%E9=1", "m\ufffd"),
        (GIRL.encode("gbk"), GIRL.encode("gbk").decode(errors="replace")),
    ],
)
def test_a_query_that_is_not_utf_8_is_refused_with_its_parameter(
    query: bytes, name: str, route: str, owner: Caller
) -> None:
    answer = owner.get(sample(route), QUERY_STRING=as_wsgi(query))
    assert assert_refused(answer, 400, "invalid_request") == f"The query parameter {name} is not UTF-8"
    assert answer.json()["error"]["param"] == name


def test_a_query_with_too_many_parameters_is_refused_with_the_limit(owner: Caller) -> None:
    answer = owner.get(f"/v1/videos?{'a=1&' * 1001}")
    message = assert_refused(answer, 400, "invalid_request")
    assert message == "A query or a form must not exceed 1000 fields"


# --- headers


@each("text", [*ODD, GIRL])
@each("header", ["HTTP_AUTHORIZATION", "bearer"])
def test_a_key_that_is_not_ascii_is_invalid(text: str, header: str, nobody: Caller, db: None) -> None:
    value = f"Bearer {text}" if header == "bearer" else text
    assert_refused(nobody.get("/v1/models", HTTP_AUTHORIZATION=value), 401, "invalid_api_key")
    assert_refused(nobody.post("/v1/videos", GOOD_BODY, HTTP_AUTHORIZATION=value), 401, "invalid_api_key")


IGNORED = (
    *(
        "COOKIE",
        "X_REQUEST_ID",
        "RANGE",
        "IF_NONE_MATCH",
        "IF_MODIFIED_SINCE",
        "IF_RANGE",
        "ORIGIN",
        "REFERER",
    ),
    *("ACCEPT", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE", "USER_AGENT", "X_FORWARDED_FOR", "X_FORWARDED_PROTO"),
    *("X_STAINLESS_RETRY_COUNT", "ACCESS_CONTROL_REQUEST_METHOD", "EXPECT", "TRANSFER_ENCODING", "TE"),
)


@each("text", ODD)
def test_irrelevant_headers_change_nothing(
    text: str, owner: Caller, make_task: MakeTask, results_folder: Path, account: UpstreamAccount
) -> None:
    results_folder.mkdir(parents=True, exist_ok=True)
    (results_folder / "video.mp4").write_bytes(b"0123456789")
    task = make_task(Status.SUCCEEDED, media_name="video.mp4")
    sent: dict[str, Any] = {f"HTTP_{header}": text for header in IGNORED}
    sent["HTTP_COOKIE"] = f"sessionid={text}; {text}={text}"
    for path in ("/v1/models", f"/v1/videos/{task.public_id}", f"/v1/videos/{task.public_id}/content"):
        answer = owner.get(path, **sent)
        assert (answer.status_code, b"".join(answer) != b"") == (200, True)
    assert owner.post("/v1/videos", GOOD_BODY, **sent).status_code == 200


@each("text", ODD)
def test_a_page_is_shown_with_any_cookies(text: str, db: None) -> None:
    for name in ("sessionid", "csrftoken", "django_language", "time_zone", "messages", text):
        answer = Client().get("/log-in/", headers={"cookie": f"{name}={text}", "accept-language": text})
        assert answer.status_code == 200


@each("text", ODD)
def test_unreadable_header_values_are_refused_with_a_message(text: str, owner: Caller) -> None:
    for name, value, status, code in (
        ("HTTP_HOST", text, 400, "invalid_request"),
        ("HTTP_IDEMPOTENCY_KEY", text, 400, "invalid_request"),
        ("CONTENT_TYPE", text, 415, "unsupported_media_type"),
        ("CONTENT_TYPE", f"application/json; charset={text}", 415, "unsupported_media_type"),
        ("CONTENT_TYPE", f"multipart/form-data; boundary={text}", 400, "invalid_json"),
        ("HTTP_CONTENT_ENCODING", text, 415, "unsupported_media_type"),
    ):
        answer = owner.post("/v1/videos", GOOD_BODY, **{name: value})
        message = assert_refused(answer, status, code)
        assert "\\x" not in message
        assert not (set(message) & {*map(chr, range(0x80, 0x100))})
    assert not Task.objects.exists()


@each(
    "name, words",
    [("HTTP_HOST", "The Host '女孩跳舞' is not served"), ("HTTP_CONTENT_ENCODING", "女孩跳舞 is not")],
)
def test_a_header_is_quoted_as_decoded_text(name: str, words: str, owner: Caller) -> None:
    answer = owner.post("/v1/videos", GOOD_BODY, **{name: as_wsgi(GIRL)})
    assert words in answer.json()["message"]


@each(
    "path",
    ["/v1/models/%s", "/v1/videos/%s", "/v1/videos/%s/content", "/v1/%s", "/%s", "/static/%s", "/portal/%s/"],
)
@each("text", ["%E9", "%ED%A0%80", "%FF%FE", "%00", "女", "%E5%A5%B3"])
def test_a_path_of_any_bytes_is_not_found(path: str, text: str, owner: Caller) -> None:
    assert owner.get(path % text).status_code == 404


# --- forms of pages


def post(client: Client, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> Any:
    return client.post(path, data=body, content_type=kind)


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n%s\r\n'
FORMS = [
    (b"prompt=caf\xe9", "", "The field prompt is not UTF-8"),
    (b"a=1&prompt=caf%E9", "", "The field prompt is not UTF-8"),
    (MULTIPART % b"caf\xe9" + b"--b--\r\n", "multipart/form-data; boundary=b", "The form is not UTF-8"),
    (MULTIPART % b"cat", "multipart/form-data; boundary=b", "The form ends before its last boundary"),
]


@each("body, kind, words", FORMS)
def test_an_unreadable_form_of_a_page_is_refused(
    body: bytes, kind: str, words: str, owner: Caller, account: UpstreamAccount
) -> None:
    member = Member(owner.tenant)
    for path in ("/log-in/", member.url("portal:playground")):
        answer = post(member.client, path, body, *([kind] if kind else []))
        assert (answer.status_code, answer.json()["message"]) == (400, words)
    assert not Task.objects.exists()
