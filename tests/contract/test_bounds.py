"""The size of a body is checked first, and the answer is bounded."""

import json
import sys
from typing import Any

import pytest

from tests.conftest import GOOD_BODY, Caller
from tests.support.refusals import CREATE_ROUTES
from videos.models import Task, UpstreamAccount
from videos.requests import InvalidRequestError, check_bounds, parse

VALIDATE = "/v1/videos/validate"
KLING = {"model": "Kling-3.0-omni-1080p", "seconds": "5", "prompt": "a cat runs"}


def with_metadata(**metadata: Any) -> dict[str, Any]:
    return {**KLING, "metadata": metadata}


def additional(**fields: Any) -> dict[str, Any]:
    return with_metadata(ext_info={"AdditionalParameters": fields})


def keys(count: int) -> dict[str, str]:
    return {f"k{number}": "a" for number in range(count)}


BOUNDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("images", {**KLING, "images": ["https://a.example/1.png"] * 101}, ["images must not exceed 100 items"]),
    ("videos", {**KLING, "videos": [0] * 101}, ["videos must not exceed 100 items"]),
    ("an unknown field", {**KLING, "x": [[0] * 101]}, ["x[0] must not exceed 100 items"]),
    ("the body", {**KLING, **keys(98)}, ["The request body must not exceed 100 keys"]),
    ("metadata", with_metadata(**keys(101)), ["metadata must not exceed 100 keys"]),
    (
        "metadata as text",
        {**KLING, "metadata": json.dumps(keys(101))},
        ["metadata must not exceed 100 keys"],
    ),
    (
        "output_config",
        with_metadata(output_config=keys(101)),
        ["metadata.output_config must not exceed 100 keys"],
    ),
    (
        "shots",
        additional(multi_shot=True, multi_prompt=[0] * 101),
        ["metadata.ext_info.AdditionalParameters.multi_prompt must not exceed 100 items"],
    ),
    (
        "shots within two texts",
        with_metadata(ExtInfo=json.dumps({"AdditionalParameters": json.dumps({"multi_prompt": [0] * 101})})),
        ["metadata.ExtInfo.AdditionalParameters.multi_prompt must not exceed 100 items"],
    ),
    ("long metadata", with_metadata(x="a" * 16384), ["metadata must not exceed 16384 bytes"]),
    ("long metadata in Chinese", with_metadata(x="猫" * 5460), ["metadata must not exceed 16384 bytes"]),
    ("long text", {**KLING, "metadata": "a" * 16385}, ["metadata must not exceed 16384 bytes"]),
    (
        "long ext_info",
        with_metadata(ext_info={"a": "a" * 8185}),
        ["metadata.ext_info must not exceed 8192 bytes"],
    ),
    ("long ExtInfo", with_metadata(ExtInfo="a" * 8193), ["metadata.ExtInfo must not exceed 8192 bytes"]),
    (
        "long ext_info in long metadata",
        with_metadata(ext_info="a" * 16384),
        ["metadata.ext_info must not exceed 8192 bytes", "metadata must not exceed 16384 bytes"],
    ),
    (
        "several",
        {**KLING, "model": "unknown", "images": [0] * 101, "videos": [0] * 101},
        ["images must not exceed 100 items", "videos must not exceed 100 items"],
    ),
]


@pytest.mark.parametrize(("body", "expected"), [row[1:] for row in BOUNDS], ids=[row[0] for row in BOUNDS])
def test_oversized_values_are_refused_first(body: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse(body)
    assert [violation.message for violation in refused.value.violations] == expected
    assert {violation.code for violation in refused.value.violations} == {"invalid_request"}
    for violation in refused.value.violations:
        assert violation.message.startswith(violation.param or "The request body")


AT_THE_BOUND = [
    {**KLING, "user": ["a"] * 100},
    {**KLING, **keys(97)},
    with_metadata(negative_prompt="a" * (16384 - len('{"negative_prompt":""}'))),
    with_metadata(ext_info={"a": "a" * (8192 - len('{"a":""}'))}),
    with_metadata(ext_info=json.dumps({"a": "猫" * 2727}, ensure_ascii=False)),
    {**KLING, "images": ["https://a.example/" + "a" * (4096 - len("https://a.example/"))]},
]


@pytest.mark.parametrize("body", AT_THE_BOUND)
def test_values_at_the_size_limit_are_accepted(body: dict[str, Any]) -> None:
    assert parse(body).prompt == KLING["prompt"]


def test_image_addresses_have_a_maximum_length() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse({**KLING, "images": ["https://a.example/" + "a" * 4096, "https://a.example/1.png"]})
    [violation] = refused.value.violations
    assert (violation.message, violation.param) == ("images[0] must not exceed 4096 characters", "images[0]")


@pytest.mark.parametrize(("faults", "more"), [(50, None), (51, 1), (90, 40)])
def test_of_many_violations_fifty_are_listed_and_the_rest_counted(
    faults: int, more: int | None, owner: Caller, account: UpstreamAccount
) -> None:
    body = with_metadata(**keys(faults))
    answer = owner.post(VALIDATE, body)
    errors = answer.json()["errors"]
    assert answer.status_code == 400
    assert len(errors) == min(faults, 50) + (more is not None)
    assert [error["message"] for error in errors if error["message"].startswith("and ")] == (
        [] if more is None else [f"and {more} more"]
    )
    assert errors[0]["message"] == answer.json()["message"] == "metadata.k0 is not supported"


HUGE: dict[str, dict[str, Any]] = {
    "shots": additional(multi_shot=True, multi_prompt=[0] * 340_000),
    "unknown keys": with_metadata(**keys(50_000)),
    "images": {**KLING, "images": [0] * 300_000},
    "one address": {**KLING, "images": ["https://a.example/" + "a" * 900_000]},
    "a model": {**KLING, "model": "a" * 900_000},
    "a prompt": {**KLING, "prompt": "a" * 900_000},
    "a name": {**KLING, "a" * 900_000: "a"},
    "names in names": {**KLING, "x": {"a" * 9000: [[0] * 101]}},
    "a cost": {**KLING, "max_cost": "1" * 900_000},
    "seconds": {**KLING, "seconds": "5" * 900_000},
    "a ratio": with_metadata(aspect_ratio="1" * 15_000),
    "an unknown key": with_metadata(**{"a" * 15_000: "a"}),
}


LISTS: list[list[list[int]]] = [[[]] * 100] * 100
"""20,000 lists of which none is too large."""
TOO_MANY_VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "small lists": ({**KLING, "x": LISTS}, "The request body has more than 10000 values"),
    "small lists and a large one": (
        {**KLING, "x": LISTS, "images": [0] * 101},
        "images must not exceed 100 items",
    ),
    "a large list first": (
        {**KLING, "images": [0] * 101, "x": LISTS},
        "images must not exceed 100 items",
    ),
    "far too many": ({**KLING, "x": [LISTS] * 12}, "The request body has more than 10000 values"),
    "in metadata": (with_metadata(x=LISTS), "metadata must not exceed 16384 bytes"),
}


@pytest.mark.parametrize(("body", "message"), TOO_MANY_VALUES.values(), ids=[*TOO_MANY_VALUES])
def test_a_body_with_too_many_values_is_refused(
    body: dict[str, Any], message: str, owner: Caller, account: UpstreamAccount
) -> None:
    answer = owner.post(VALIDATE, body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_metadata_that_nests_too_deep_to_be_measured_is_too_large() -> None:
    nested: list[Any] = []
    for _ in range(2 * sys.getrecursionlimit()):
        nested = [nested]
    with pytest.raises(InvalidRequestError) as refused:
        check_bounds(with_metadata(a=nested))
    assert refused.value.violations[0].message == "metadata must not exceed 16384 bytes"


@pytest.mark.parametrize("body", HUGE.values(), ids=[*HUGE])
def test_the_size_of_an_answer_is_bounded(
    body: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    for route in (VALIDATE, CREATE_ROUTES[0]):
        answer = owner.post(route, body)
        assert (answer.status_code in (200, 400, 404), len(answer.content) < 64 * 1024) == (True, True)


def test_an_oversized_request_is_not_stored(owner: Caller, account: UpstreamAccount) -> None:
    for body, status in ({**GOOD_BODY, "images": [0] * 101}, 400), (GOOD_BODY, 200):
        answer = owner.post(CREATE_ROUTES[0], body, HTTP_IDEMPOTENCY_KEY="order-7")
        assert answer.status_code == status
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        [("a[][b]", "x")] * 900,
        [("images[]", "https://a.example/1.png")] * 900,
        [(f"a[{number}]", "x") for number in range(900)],
        [("a[" + "9" * 5000 + "]", "x"), ("a[1]", "x")],
        [("a" + "[b]" * 15_000, "x")],
    ],
    ids=["objects in an array", "images", "numbered", "a large number", "deep"],
)
def test_a_form_with_too_many_fields_is_refused(
    fields: list[tuple[str, str]], owner: Caller, account: UpstreamAccount
) -> None:
    boundary = "line"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in [*KLING.items(), *fields]
    ]
    data = "".join(parts) + f"--{boundary}--\r\n"
    answer = owner.post(VALIDATE, data=data, content_type=f"multipart/form-data; boundary={boundary}")
    assert answer.status_code in (200, 400)
    assert len(answer.content) < 16 * 1024
    assert answer.status_code == 400 or len(fields) == 2
