"""Bodies: forms and JSON are equivalent; contradictory names and files are refused."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import Model
from django.http import HttpResponse

from accounts.models import Quota, Standing
from tests.conftest import GOOD_BODY, Caller, payload_of
from tests.support.refusals import CREATE_ROUTES, assert_refused
from tests.support.rows import each
from videos.models import DailyUsage, IdempotencyKey, LedgerEntry, RefusedCreate, Task, UpstreamAccount

Part = tuple[str, str | bytes]
BASE: list[Part] = [("model", "Kling-3.0-omni-1080p"), ("seconds", "5"), ("prompt", "a cat runs")]
PICTURES = ["https://example.com/1.png", "https://example.com/2.png", "https://example.com/3.png"]
CLIP = "https://example.com/clip.mp4"
PARAMETERS = "metadata[ext_info][AdditionalParameters]"


def form(*parts: Part, filename: str = "cat.png") -> dict[str, Any]:
    """A form as a client sends it; bytes become an uploaded file."""
    body = b""
    for name, value in parts:
        file = f'; filename="{filename}"' if isinstance(value, bytes) else ""
        body += f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return {"data": body + b"--frontier--\r\n", "content_type": "multipart/form-data; boundary=frontier"}


@pytest.fixture
def without_uploads(settings: LazySettings) -> None:
    settings.UPLOADS = False


def checked(answer: HttpResponse) -> dict[str, Any]:
    """Returns the body of a successful answer."""
    body: dict[str, Any] = json.loads(answer.content)
    assert answer.status_code == 200, body
    return body


METADATA = {
    "aspect_ratio": "16:9",
    "negative_prompt": "blur",
    "output_config": {"AudioGeneration": "Enabled", "PersonGeneration": "AllowAdult"},
}
SHOTS = [
    {"index": "1", "prompt": "a cat", "duration": "2"},
    {"index": "2", "prompt": "a dog", "duration": "3"},
]
SHOT_LIST = {"multi_shot": "true", "shot_type": "customize", "multi_prompt": SHOTS}
SHOT_PARTS: list[Part] = [(f"{PARAMETERS}[multi_shot]", "true"), (f"{PARAMETERS}[shot_type]", "customize")]

EQUIVALENT: dict[str, tuple[list[Part], dict[str, Any]]] = {
    "as OpenAI's SDK sends it": (
        [
            ("images[]", PICTURES[0]),
            ("images[]", PICTURES[1]),
            ("metadata[aspect_ratio]", "16:9"),
            ("metadata[negative_prompt]", "blur"),
            ("metadata[output_config][AudioGeneration]", "Enabled"),
            ("metadata[output_config][PersonGeneration]", "AllowAdult"),
        ],
        {"images": PICTURES[:2], "metadata": METADATA},
    ),
    "metadata as one string": ([("metadata", json.dumps(METADATA))], {"metadata": METADATA}),
    "metadata as one string in both": (
        [("metadata", json.dumps(METADATA))],
        {"metadata": json.dumps(METADATA)},
    ),
    "one image in brackets": ([("images[]", PICTURES[0])], {"images": PICTURES[:1]}),
    "one image": ([("images", PICTURES[0])], {"images": PICTURES[:1]}),
    "a repeated name": ([("images", url) for url in PICTURES], {"images": PICTURES}),
    "numbered images": (
        [(f"images[{number}]", url) for number, url in enumerate(PICTURES)],
        {"images": PICTURES},
    ),
    "numbered images in another order": (
        [(f"images[{number}]", PICTURES[number]) for number in (2, 0, 1)],
        {"images": PICTURES},
    ),
    "one video": ([("videos", CLIP)], {"videos": [CLIP]}),
    "one video in brackets": ([("videos[]", CLIP)], {"videos": [CLIP]}),
    "shots without numbers": (
        [
            *SHOT_PARTS,
            *(
                (f"{PARAMETERS}[multi_prompt][][{field}]", value)
                for shot in SHOTS
                for field, value in shot.items()
            ),
        ],
        {"metadata": {"ext_info": {"AdditionalParameters": SHOT_LIST}}},
    ),
    "numbered shots": (
        [
            *SHOT_PARTS,
            *(
                (f"{PARAMETERS}[multi_prompt][{number}][{field}]", value)
                for number, shot in enumerate(SHOTS)
                for field, value in shot.items()
            ),
        ],
        {"metadata": {"ext_info": {"AdditionalParameters": SHOT_LIST}}},
    ),
    "numbered shots, field by field": (
        [
            *SHOT_PARTS,
            *(
                (f"{PARAMETERS}[multi_prompt][{number}][{field}]", SHOTS[number][field])
                for field in ("index", "prompt", "duration")
                for number in (0, 1)
            ),
        ],
        {"metadata": {"ext_info": {"AdditionalParameters": SHOT_LIST}}},
    ),
    "ext_info as a string": (
        [("metadata[ext_info]", json.dumps({"AdditionalParameters": SHOT_LIST}))],
        {"metadata": {"ext_info": {"AdditionalParameters": SHOT_LIST}}},
    ),
    "fields nobody knows": (
        [("user", "x"), ("extra[a][]", "1"), ("[", "2"), ("a]b[", "3")],
        {"user": "x", "extra": {"a": ["1"]}, "[": "2", "a]b[": "3"},
    ),
}


@pytest.mark.parametrize("case", EQUIVALENT)
def test_a_form_is_parsed_like_json(case: str, owner: Caller) -> None:
    parts, fields = EQUIVALENT[case]
    as_json = {name: value for name, value in BASE} | fields  # noqa: C416 - the values of BASE are text
    answer = owner.post("/v1/videos/validate", **form(*BASE, *parts))
    assert checked(answer) == checked(owner.post("/v1/videos/validate", as_json))


@pytest.mark.parametrize("path", CREATE_ROUTES)
def test_a_form_makes_a_task(path: str, owner: Caller, account: UpstreamAccount) -> None:
    answer = owner.post(path, **form(*BASE, ("images[]", PICTURES[0])))
    assert answer.json()["status"] == "queued"
    assert payload_of(Task.objects.get())["ImageUrl"] == PICTURES[0]


@each(
    "name, field",
    [
        *((name, name) for name in ("input_reference", "image", "video", "images", "extra")),
        ("images[]", "images"),
        ("images[0]", "images"),
        ("input_reference[]", "input_reference"),
        ("extra[]", "extra"),
        ("extra[cat]", "extra"),
        ("extra[][cat]", "extra"),
    ],
)
@each("path", ["/v1/videos", "/v1/videos/validate"])
def test_a_file_is_refused_in_any_field(
    name: str, field: str, path: str, owner: Caller, account: UpstreamAccount, without_uploads: None
) -> None:
    answer = owner.post(path, **form(*BASE, (name, b"\x89PNG")))
    assert_refused(answer, 400, "invalid_request")
    messages = [violation["message"] for violation in answer.json()["errors"]]
    assert any(f"{field} is not supported; use {w} (URL only)" in messages for w in ("images", "videos"))
    assert not Task.objects.exists()


@each(
    "name, field",
    [
        *((name, name) for name in ("model", "seconds", "prompt", "metadata", "max_cost", "size")),
        ("metadata[negative_prompt]", "metadata"),
        ("metadata[ext_info][cat]", "metadata"),
        (f"{PARAMETERS}[cat]", "metadata"),
    ],
)
def test_a_text_field_sent_as_a_file_is_refused(
    name: str, field: str, owner: Caller, account: UpstreamAccount
) -> None:
    answer = owner.post("/v1/videos", **form(*BASE, (name, b'{"aspect_ratio": "16:9"}')))
    messages = [(violation["message"], violation["param"]) for violation in answer.json()["errors"]]
    assert answer.status_code == 400
    assert (f"{name} must be sent as text, not as a file", field) in messages
    assert not Task.objects.exists()


@pytest.mark.parametrize("filename", ["cat.png", "..", ".", "/", "a/", "\\", "e\x01"])
def test_a_file_is_refused_whatever_its_file_name(
    filename: str, owner: Caller, without_uploads: None
) -> None:
    answer = owner.post(
        "/v1/videos/validate", **form(*BASE, ("input_reference", b"\x89PNG"), filename=filename)
    )
    message = assert_refused(answer, 400, "invalid_request")
    assert message == "input_reference is not supported; use images (URL only)"


@pytest.mark.parametrize(
    "names",
    [
        ["x", "x[a]"],
        ["x[a]", "x"],
        ["x[]", "x[a]"],
        ["x[a]", "x[]"],
        ["x[a]", "x[a][b]"],
        ["x[a][b]", "x[a]"],
        ["x[0]", "x[]"],
        ["x[]", "x[0]"],
        ["metadata", "metadata[aspect_ratio]"],
        ["metadata[aspect_ratio]", "metadata"],
    ],
)
def test_names_that_contradict_each_other_are_refused(names: list[str], owner: Caller) -> None:
    answer = owner.post("/v1/videos/validate", **form(*BASE, *((name, "{}") for name in names)))
    assert "contradicts" in assert_refused(answer, 400, "invalid_json")


def test_brackets_may_nest_as_deep_as_json(owner: Caller) -> None:
    taken = owner.post("/v1/videos/validate", **form(*BASE, ("x" + "[a]" * 19, "1")))
    assert taken.status_code == 200
    for name in ("x" + "[a]" * 20, "x" + "[]" * 20, "x" + "[0]" * 200):
        refused = owner.post("/v1/videos/validate", **form(*BASE, (name, "1")))
        assert_refused(refused, 400, "invalid_json")


def raw(*parts: bytes, end: bytes = b"--frontier--\r\n") -> dict[str, Any]:
    """A raw form of BASE without its prompt, with these parts, each with its header."""
    start: bytes = form(*BASE[:2])["data"].removesuffix(b"--frontier--\r\n")
    data = start + b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + end
    return {"data": data, "content_type": "multipart/form-data; boundary=frontier"}


def part(content: bytes, name: bytes = b"prompt", *, kind: str = "", transfer: str = "") -> bytes:
    """A part with the type and transfer encoding it declares."""
    head = b'Content-Disposition: form-data; name="' + name + b'"\r\n'
    head += f"Content-Type: {kind}\r\n".encode() if kind else b""
    head += f"Content-Transfer-Encoding: {transfer}\r\n".encode() if transfer else b""
    return head + b"\r\n" + content


GIRL = "女孩跳舞"
TEXTS: dict[str, tuple[list[bytes], str]] = {
    "UTF-8": ([part(GIRL.encode())], GIRL),
    "UTF-8 that says so": ([part(GIRL.encode(), kind="text/plain; charset=utf-8")], GIRL),
    "GBK that says so": ([part(GIRL.encode("gbk"), kind="text/plain; charset=gbk")], GIRL),
    "GBK in quotes": ([part(GIRL.encode("gbk"), kind='text/plain; charset="GB2312"')], GIRL),
    "Latin-1 that says so": ([part(b"caf\xe9", kind="text/plain;charset=ISO-8859-1")], "café"),
    "Windows-1252 that says so": ([part(b"\x80 5", kind="text/plain; charset=windows-1252")], "€ 5"),
    "UTF-16 that says so": ([part(GIRL.encode("utf-16"), kind="text/plain; charset=utf-16")], GIRL),
    "GBK that the form says": ([part(GIRL.encode("gbk")), part(b"gbk", b"_charset_")], GIRL),
    "one part that says another": (
        [part(b"gbk", b"_charset_"), part(b"caf\xe9", kind="text/plain; charset=latin-1")],
        "café",
    ),
    "as it is": ([part(GIRL.encode(), transfer="8bit")], GIRL),
    "base64": ([part(b"5aWz5a2p6Lez\r\n6Iie", transfer="BASE64")], GIRL),
    "marks of its own": ([part("a \ufffd b".encode())], "a \ufffd b"),
    "a boundary within a line": ([part(b"a --frontier-- b")], "a --frontier-- b"),
    "lines and blanks": ([part(b" a\r\n\r\n b\n\r\n")], " a\r\n\r\n b\n\r\n"),
}


@each("case", TEXTS)
def test_the_text_of_a_form_is_what_was_sent(case: str, owner: Caller, account: UpstreamAccount) -> None:
    parts, text = TEXTS[case]
    answer = owner.post("/v1/videos", **raw(*parts))
    assert answer.status_code == 200, answer.content
    assert answer.json()["prompt"] == text
    assert answer.json()["metadata"]["not_forwarded"] == []


UNREADABLE: dict[str, tuple[list[bytes], str, str | None]] = {
    "GBK": ([part(GIRL.encode("gbk"))], "prompt is not UTF-8: byte 3 does not fit", "prompt"),
    "Latin-1": ([part(b"caf\xe9")], "prompt is not UTF-8: byte 4 does not fit", "prompt"),
    "a surrogate": ([part(b"\xed\xa0\x80")], "prompt is not UTF-8: byte 1 does not fit", "prompt"),
    "no GBK that says so": (
        [part(b"\xff\xff", kind="text/plain; charset=gbk")],
        "prompt is not GBK: byte 1 does not fit",
        "prompt",
    ),
    "no GBK that the form says": (
        [part(b"\xff\xff"), part(b"gbk", b"_charset_")],
        "prompt is not GBK: byte 1 does not fit",
        "prompt",
    ),
    **{
        f"{name}, which is none": (
            [part(b"cat", kind=f"text/plain; charset={name}")],
            f"prompt declares the charset {name}, which is not known here; send UTF-8",
            "prompt",
        )
        for name in ("klingon", "rot13", "hex", "unicode_escape", "utf-7", "idna", "undefined", "x" * 90)
    },
    "an unknown one that the form says": (
        [part(b"cat"), part(b"klingon", b"_charset_")],
        "_charset_ names the charset klingon, which is not known here; send UTF-8",
        "_charset_",
    ),
    "another field": ([part(b"x"), part(b"\xe9", b"metadata[negative_prompt]")], "metadata[negative", None),
    "a field nobody knows": ([part(b"x"), part(b"\xe9", b"user")], "user is not UTF-8: byte 1", "user"),
    "a name": ([part(b"x"), part(b"1", b"\xe9")], "The name of part 4 of the form is not UTF-8", None),
    "a name in GBK": ([part(b"x"), part(b"1", GIRL.encode("gbk"))], "The name of part 4 of the form", None),
    "the name of a file": (
        [part(b"x"), part(b"1", b'input_reference"; filename="caf\xe9.png')],
        "The file name of input_reference is not UTF-8",
        None,
    ),
    "no name": ([b"Content-Disposition: form-data\r\n\r\nx"], "Part 3 of the form has no name", None),
    "an empty name": ([part(b"x", b"")], "Part 3 of the form has no name", None),
    "no disposition": ([b"Content-Type: text/plain\r\n\r\nx"], "The form is malformed in part 3: ", None),
    "no base64": (
        [part(b"!!!!", transfer="base64")],
        "prompt is not base64, which its Content-Transfer-Encoding says",
        "prompt",
    ),
    "quoted-printable": (
        [part(b"caf=C3=A9", transfer="quoted-printable")],
        "prompt has the Content-Transfer-Encoding quoted-printable; send it as it is",
        "prompt",
    ),
}


@each("case", UNREADABLE)
@each("path", ["/v1/videos", "/v1/videos/validate"])
def test_a_form_that_cannot_be_decoded_is_refused_with_the_field(
    case: str, path: str, owner: Caller, account: UpstreamAccount
) -> None:
    parts, words, param = UNREADABLE[case]
    answer = owner.post(path, **raw(*parts))
    message = assert_refused(answer, 400, "invalid_json")
    assert message.startswith(words)
    assert param is None or answer.json()["error"]["param"] == param
    assert not Task.objects.exists()


@each(
    "spelling",
    [
        b"\"; filename*=\"utf-8''cat.png",
        b"\"; filename*=utf-8''c\"",
        b'"; FILENAME="cat.png',
        b'"; filename = "a',
    ],
)
def test_a_file_is_recognised_however_its_file_name_is_spelled(
    spelling: bytes, owner: Caller, without_uploads: None
) -> None:
    answer = owner.post("/v1/videos/validate", **raw(part(b"x"), part(b"1", b"input_reference" + spelling)))
    message = assert_refused(answer, 400, "invalid_request")
    assert message == "input_reference is not supported; use images (URL only)"


@each(
    "sent",
    [
        raw(part(b"a cat runs"), end=b""),
        raw(part(b"a cat runs"), end=b"--frontier\r\n"),
        raw(part(b"a cat runs"), end=b"--frontier-"),
        raw(part(b"a cat runs"), end=b"--frontier\r\nContent-Disposition: form-data"),
        raw(part(b"a --frontier-- cat"), end=b""),
        raw(part(b"a cat\r\n--frontier"), end=b""),
    ],
)
def test_a_form_without_its_last_boundary_is_incomplete(
    sent: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    message = assert_refused(owner.post("/v1/videos", **sent), 400, "incomplete_body")
    assert message == "The form ends before its last boundary, so some of it is missing"
    assert not Task.objects.exists()


@each(
    "behind, is_taken", [(b"", True), (b" \r\n\r\n", True), (b"\r\nx", False), (b"\r\n%s--frontier--", False)]
)
def test_data_after_the_end_of_a_form_is_refused(behind: bytes, is_taken: bool, owner: Caller) -> None:
    more = b"--frontier\r\n" + part(b"1", b"user") + b"\r\n"
    sent = raw(part(b"a cat"), end=b"--frontier--" + behind.replace(b"%s", more))
    answer = owner.post("/v1/videos/validate", **sent)
    assert answer.status_code == (200 if is_taken else 400)
    if not is_taken:
        message = assert_refused(answer, 400, "invalid_json")
        assert message == "The form goes on behind its last boundary"


_BOUNDARY_RULE = "The Content-Type of a form must name its boundary, 1-200 ASCII characters"
MALFORMED_FORMS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "; boundary=frontier", "The request body is empty"),
    "without a boundary": (b"--frontier--\r\n", "", _BOUNDARY_RULE),
    "with a boundary that is not ASCII": (b"--frontier--\r\n", "; boundary=\xff", _BOUNDARY_RULE),
    "with a long boundary": (b"--frontier--\r\n", f"; boundary={'x' * 201}", _BOUNDARY_RULE),
    "with another boundary": (
        b"--frontier--\r\n",
        "; boundary=line",
        "The boundary that Content-Type names, line, does not occur in the form",
    ),
    "with the beginning of its boundary": (
        b'--frontier\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--frontier--\r\n',
        "; boundary=front",
        "The form is malformed in part 1: Unexpected byte after first boundary",
    ),
    "with bare line feeds": (
        b'--b\nContent-Disposition: form-data; name="x"\n\n1\n--b--\n',
        "; boundary=b",
        "The form is malformed in part 1: Invalid line break after first boundary",
    ),
    "with too many fields": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 1001 + b"--b--\r\n",
        "; boundary=b",
        "The form must not exceed 1000 fields",
    ),
}


@pytest.mark.parametrize("case", MALFORMED_FORMS)
def test_a_malformed_form_is_refused(case: str, owner: Caller) -> None:
    body, parameters, words = MALFORMED_FORMS[case]
    answer = owner.post("/v1/videos", data=body, content_type=f"multipart/form-data{parameters}")
    assert assert_refused(answer, 400, "invalid_json") == words


def test_a_form_without_parts_gets_all_violations(owner: Caller) -> None:
    answer = owner.post("/v1/videos", **form())
    assert_refused(answer, 400, "model_not_found")


@pytest.mark.parametrize("metadata", ['{"a": ', "[]", "5", "NaN", '{"aspect_ratio": NaN}', "x", "[" * 5000])
def test_metadata_that_is_not_an_object_is_refused_in_form_and_json(metadata: str, owner: Caller) -> None:
    for answer in (
        owner.post("/v1/videos", **form(*BASE, ("metadata", metadata))),
        owner.post("/v1/videos", GOOD_BODY | {"metadata": metadata}),
    ):
        assert assert_refused(answer, 400, "invalid_request") == "metadata must be an object"


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/generations", "/v1/video/generations"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_three_create_routes_do_the_same(
    path: str, slash: str, owner: Caller, account: UpstreamAccount
) -> None:
    created = checked(owner.post(path + slash, GOOD_BODY))
    task = Task.objects.get()
    assert created["id"] == task.public_id
    assert task.tenant == owner.tenant
    refused = owner.post(path + slash, GOOD_BODY | {"seconds": "99", "image": PICTURES[0]})
    assert_refused(refused, 400, "invalid_request")
    assert [violation["param"] for violation in refused.json()["errors"]] == ["image", "seconds"]


def test_validating_creates_nothing_and_returns_what_would_be_sent(
    owner: Caller, account: UpstreamAccount
) -> None:
    body = GOOD_BODY | {"metadata": {"input_region": "Oversea", "aspect_ratio": "9:16"}}
    answer = checked(owner.post("/v1/videos/validate/", body))
    assert answer == {
        "valid": True,
        "request": body,
        "upstream": {
            "action": "CreateAigcVideoTask",
            "payload": {
                "ModelName": "Kling",
                "ModelVersion": "3.0",
                "Prompt": "a cat runs",
                "Duration": 5,
                "ExtraParameters": {"Resolution": "1080P", "AspectRatio": "9:16"},
            },
        },
        "not_forwarded": ["metadata.input_region"],
        "price": {
            "amount": "4.00",
            "currency": "CNY",
            "per_second": "0.80",
            "seconds": 5,
            "options": [],
        },
        "admission": {"admitted": True, "queued": False, "refusals": []},
    }
    assert not Task.objects.exists()


def _counted() -> list[Any]:
    """All rows of the tables a create writes to."""
    models: list[type[Model]] = [Task, LedgerEntry, DailyUsage, IdempotencyKey, RefusedCreate, Standing]
    return [list(model._default_manager.order_by("pk").values()) for model in models]


ADMITTED = {"admitted": True, "queued": False, "refusals": []}
ADMISSIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "unlimited": ({}, ADMITTED),
    "within every limit": ({"concurrent_tasks": 2, "spend_per_day": 8, "seconds_per_month": 10}, ADMITTED),
    "above the limit, with a queue": (
        {"concurrent_tasks": 1, "when_full": "queue"},
        ADMITTED | {"queued": True},
    ),
    "above the limit": ({"concurrent_tasks": 1}, {"refusals": ["concurrent_tasks"]}),
    "of a full queue": (
        {"concurrent_tasks": 1, "queued_tasks": 0, "when_full": "queue"},
        {"refusals": ["queued_tasks"]},
    ),
    "above several limits": (
        {"requests_per_minute": 1, "concurrent_tasks": 1, "spend_per_month": "7.99", "is_prepaid": True},
        {"refusals": ["requests_per_minute", "concurrent_tasks", "spend_per_month", "balance"]},
    ),
}


@pytest.mark.parametrize("case", ADMISSIONS)
def test_validating_tells_whether_the_request_would_be_admitted_and_writes_nothing(
    case: str, owner: Caller, account: UpstreamAccount
) -> None:
    quota, expected = ADMISSIONS[case]
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
    Quota.objects.create(tenant=owner.tenant, **quota)
    before = _counted()
    headers = {"HTTP_IDEMPOTENCY_KEY": "mine", "HTTP_X_STAINLESS_RETRY_COUNT": "1"}
    admission = checked(owner.post("/v1/videos/validate", GOOD_BODY, **headers))["admission"]
    limits = [refusal["limit"] for refusal in admission["refusals"]]
    assert admission | {"refusals": limits} == {"admitted": False, "queued": False} | expected
    assert _counted() == before
    answer = owner.post("/v1/videos", GOOD_BODY)
    assert answer.status_code == (429 if limits else 200)
    if limits:
        assert [_lasting(refusal) for refusal in answer.json()["errors"]] == [
            _lasting(refusal) for refusal in admission["refusals"]
        ]


def _lasting(refusal: dict[str, Any]) -> dict[str, Any]:
    """Without the retry times, which change."""
    assert refusal["retry_at"] is None or isinstance(refusal["retry_at"], int)
    return {name: value for name, value in refusal.items() if name != "retry_at"}
