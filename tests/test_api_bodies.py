"""A form and a JSON object ask for the same; names that cannot both be meant, and files, are refused."""

import json
from typing import Any

import pytest
from django.db.models import Model
from django.http import HttpResponse

from accounts.models import Quota, Standing
from tests.conftest import GOOD_BODY, Caller
from tests.rows import each
from tests.test_api_errors import CREATE_ROUTES, assert_refused
from videos.models import DailyUsage, IdempotencyKey, LedgerEntry, RefusedCreate, Task, UpstreamAccount

Part = tuple[str, str | bytes]
BASE: list[Part] = [("model", "Kling-3.0-omni-1080p"), ("seconds", "5"), ("prompt", "a cat runs")]
PICTURES = ["https://example.com/1.png", "https://example.com/2.png", "https://example.com/3.png"]
CLIP = "https://example.com/clip.mp4"
PARAMETERS = "metadata[ext_info][AdditionalParameters]"


def form(*parts: Part, filename: str = "cat.png") -> dict[str, Any]:
    """A form as a client would send it; bytes are an uploaded file."""
    body = b""
    for name, value in parts:
        file = f'; filename="{filename}"' if isinstance(value, bytes) else ""
        body += f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return {"data": body + b"--frontier--\r\n", "content_type": "multipart/form-data; boundary=frontier"}


def checked(answer: HttpResponse) -> dict[str, Any]:
    """What a request was understood as."""
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
def test_a_form_is_understood_like_json(case: str, owner: Caller) -> None:
    parts, fields = EQUIVALENT[case]
    as_json = {name: value for name, value in BASE} | fields  # noqa: C416 - the values of BASE are text
    answer = owner.post("/v1/videos/validate", **form(*BASE, *parts))
    assert checked(answer) == checked(owner.post("/v1/videos/validate", as_json))


@pytest.mark.parametrize("path", CREATE_ROUTES)
def test_a_form_makes_a_task(path: str, owner: Caller, account: UpstreamAccount) -> None:
    answer = owner.post(path, **form(*BASE, ("images[]", PICTURES[0])))
    assert answer.json()["status"] == "queued"
    assert Task.objects.get().payload["ImageUrl"] == PICTURES[0]


@each(
    "name, field",
    [
        *((name, name) for name in ("input_reference", "image", "video", "images", "prompt", "extra")),
        ("images[]", "images"),
        ("images[0]", "images"),
        ("input_reference[]", "input_reference"),
        ("extra[]", "extra"),
        ("extra[cat]", "extra"),
        ("extra[][cat]", "extra"),
        ("metadata[negative_prompt]", "metadata"),
        ("metadata[ext_info][cat]", "metadata"),
        (f"{PARAMETERS}[cat]", "metadata"),
    ],
)
@each("path", ["/v1/videos", "/v1/videos/validate"])
def test_a_file_is_refused_in_any_field(
    name: str, field: str, path: str, owner: Caller, account: UpstreamAccount
) -> None:
    answer = owner.post(path, **form(*BASE, (name, b"\x89PNG")))
    assert_refused(answer, 400, "invalid_request")
    messages = [violation["message"] for violation in answer.json()["errors"]]
    assert any(f"{field} is not supported; use {w} (URL only)" in messages for w in ("images", "videos"))
    assert not Task.objects.exists()


@pytest.mark.parametrize("filename", ["cat.png", "..", ".", "/", "a/", "\\", "e\x01"])
def test_a_file_is_refused_whatever_it_is_called(filename: str, owner: Caller) -> None:
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


MALFORMED_FORMS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "; boundary=frontier"),
    "without a boundary": (b"--frontier--\r\n", ""),
    "with a boundary that is not ASCII": (b"--frontier--\r\n", "; boundary=\xff"),
    "with too many fields": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 1001 + b"--b--\r\n",
        "; boundary=b",
    ),
}


@pytest.mark.parametrize("case", MALFORMED_FORMS)
def test_a_malformed_form_is_refused(case: str, owner: Caller) -> None:
    body, parameters = MALFORMED_FORMS[case]
    answer = owner.post("/v1/videos", data=body, content_type=f"multipart/form-data{parameters}")
    assert_refused(answer, 400, "invalid_json")


def test_a_form_without_any_part_gets_all_violations(owner: Caller) -> None:
    answer = owner.post("/v1/videos", **form())
    assert_refused(answer, 400, "model_not_found")


@pytest.mark.parametrize("metadata", ['{"a": ', "[]", "5", "NaN", '{"aspect_ratio": NaN}', "x", "[" * 5000])
def test_metadata_that_is_no_object_is_refused_in_both_forms(metadata: str, owner: Caller) -> None:
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


def test_validating_makes_nothing_and_answers_with_what_would_be_sent(
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
    """All that a create writes to."""
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
def test_validating_says_whether_the_request_would_be_admitted_and_touches_nothing(
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
    """But for when to come again, which moves on."""
    assert refusal["retry_at"] is None or isinstance(refusal["retry_at"], int)
    return {name: value for name, value in refusal.items() if name != "retry_at"}
