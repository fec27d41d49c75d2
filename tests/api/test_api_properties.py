"""Any request gets 200 or a refusal in the envelope, never a server error."""

import json
import os
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_api_bodies import Part, form
from tests.conftest import GOOD_BODY, Caller
from tests.contract.rules.metadata import METADATA_KEYS
from tests.contract.rules.models import MODEL_NAMES
from tests.support.refusals import assert_refused, assert_request_id
from videos.models import UpstreamAccount

RUNS = int(os.environ.get("HYPOTHESIS_RUNS", "40"))
"""Number of bodies that are validated and created, as JSON and as forms; `make test-long` uses more."""
EXPLORE = partial(
    settings,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OUTPUT_KEYS = ["OffPeak", "AudioGeneration", "PersonGeneration", "LogoAdd", "EnhanceSwitch", "Resolution"]
INNER_KEYS = ["AdditionalParameters", "multi_shot", "shot_type", "multi_prompt", "element_list", "index"]
MEANT = [
    "5",
    5,
    8,
    "a cat",
    "https://example.com/1.png",
    "16:9",
    "Enabled",
    "customize",
    "motion_control",
    "{}",
]

texts = st.text(st.characters(), max_size=10) | st.sampled_from(["\x00", "\ud800", "\u212a", "[" * 5000])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from([*MEANT, *MODEL_NAMES])
)
names = texts | st.sampled_from([*METADATA_KEYS, *OUTPUT_KEYS, *INNER_KEYS, "prompt", "duration"])
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "model",
        "seconds",
        "prompt",
        "images",
        "videos",
        "image",
        "video",
        "input_reference",
        "metadata",
        "max_cost",
        "size",
    ]
)
bodies = st.dictionaries(fields | texts, values, max_size=5)
metadata = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(METADATA_KEYS, values),
        "output_config": st.dictionaries(st.sampled_from(OUTPUT_KEYS) | texts, values, max_size=3),
        "ext_info": st.dictionaries(st.sampled_from(INNER_KEYS) | texts, values, max_size=4),
    },
)
paths = st.sampled_from(["/v1/videos", "/v1/videos/validate"])
content_types = st.sampled_from(
    [
        "application/json",
        "multipart/form-data; boundary=frontier",
        "multipart/form-data",
        "text/plain",
        "*/*",
        "a/b/c",
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
form_names = texts | st.builds(
    "".join,
    st.lists(
        st.sampled_from(["images", "metadata", "ext_info", "[", "]", "[]", "[a]", "[0]", "[9]"]), max_size=6
    ),
)
parts: st.SearchStrategy[list[Part]] = st.lists(
    st.tuples(
        form_names.map(
            lambda name: name.encode("utf-8", "replace").decode().replace("\r", "").replace("\n", "")
        ),
        st.sampled_from(["5", "{}", "", "a cat", '{"a":{"b":[]}}']) | st.binary(max_size=10),
    ),
    max_size=6,
)
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=300)
queried = st.sampled_from(["/v1/videos", "/v1/usage"])
parameters = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *["after", "limit", "order", "status", "model", "created_after", "created_before"],
                *["start_date", "end_date", "group_by", "api_key", "format"],
            ]
        )
        | st.text(max_size=5),
        st.sampled_from(
            [
                "",
                "5",
                "-1",
                "asc",
                "queued",
                "day,model",
                "csv",
                "2026-11-20",
                "2026-02-30",
                f"task_{'0' * 32}",
            ]
        )
        | st.integers().map(str)
        | st.text(max_size=20)
        | st.sampled_from(MODEL_NAMES),
    ),
    max_size=6,
)


def assert_answered(answer: HttpResponse) -> None:
    assert_request_id(answer)
    if answer.status_code != 200:
        assert answer.status_code < 500, answer.content
        assert_refused(answer, answer.status_code, json.loads(answer.content)["code"])


@EXPLORE(max_examples=40)
@given(path=paths, body=bodies | values)
def test_any_json_gets_a_proper_answer(path: str, body: Any, owner: Caller, account: UpstreamAccount) -> None:
    assert_answered(owner.post(path, body))


@EXPLORE(max_examples=40)
@given(path=paths, model=st.sampled_from(MODEL_NAMES), metadata=metadata, fields=bodies)
def test_any_metadata_gets_a_proper_answer(
    path: str, model: str, metadata: Any, fields: Any, owner: Caller, account: UpstreamAccount
) -> None:
    body = fields | GOOD_BODY | {"model": model, "seconds": 8, "metadata": metadata}
    assert_answered(owner.post(path, body))


@EXPLORE(max_examples=40)
@given(path=paths, body=st.binary(max_size=200), content_type=content_types)
def test_any_bytes_get_a_proper_answer(
    path: str, body: bytes, content_type: str, owner: Caller, account: UpstreamAccount
) -> None:
    assert_answered(owner.post(path, data=body, content_type=content_type))


@EXPLORE(max_examples=40)
@given(path=paths, parts=parts)
def test_any_form_gets_a_proper_answer(
    path: str, parts: list[Part], owner: Caller, account: UpstreamAccount
) -> None:
    good: list[Part] = [(name, str(value)) for name, value in GOOD_BODY.items()]
    assert_answered(owner.post(path, **form(*good, *parts)))


@EXPLORE(max_examples=40)
@given(key=header_texts, retries=header_texts | st.sampled_from(["0", "1", "-1"]))
def test_any_headers_get_a_proper_answer(
    key: str, retries: str, owner: Caller, account: UpstreamAccount
) -> None:
    headers = {"HTTP_IDEMPOTENCY_KEY": key, "HTTP_X_STAINLESS_RETRY_COUNT": retries}
    assert_answered(owner.post("/v1/videos", GOOD_BODY, **headers))


@EXPLORE(max_examples=60)
@given(path=queried, parameters=parameters)
def test_any_query_gets_a_proper_answer(path: str, parameters: list[tuple[str, str]], owner: Caller) -> None:
    assert_answered(owner.get(f"{path}?{urlencode(parameters, errors='replace')}"))


@EXPLORE(max_examples=40)
@given(path=queried, query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_query_string_gets_a_proper_answer(path: str, query: str, owner: Caller) -> None:
    assert_answered(owner.get(path, QUERY_STRING=query))


@EXPLORE(max_examples=40)
@given(identity=texts | st.uuids().map(lambda identity: f"task_{identity.hex}"))
def test_any_id_gets_a_proper_answer(identity: str, owner: Caller) -> None:
    path = f"/v1/videos/{quote(identity, safe='', errors='replace')}"
    for method in ("GET", "DELETE"):
        assert_answered(owner.request(method, path))


# --- validate and create

sizes = st.sampled_from(
    ["1280x720", "720x1280", "1024x1024", "16:9", "1x1", "9999999999x1", "x", "", 720, None]
)
extras = st.dictionaries(
    st.sampled_from(["n", "duration", "seed", "callback_url", "image_url", "quality", "user"]) | texts,
    st.sampled_from([1, "1", 2, 5, "5", 8, "", None, True, "https://example.com/1.png"]) | scalars,
    max_size=3,
)
likely_bodies = st.builds(
    lambda model, seconds, size, extra, metadata: (
        GOOD_BODY | {"model": model, "seconds": seconds, "size": size, "metadata": metadata} | extra
    ),
    st.sampled_from(MODEL_NAMES),
    st.sampled_from([5, "5", 8, 10, "4", 0, "x", None]),
    sizes,
    extras,
    st.just({}) | metadata,
)
charsets = st.sampled_from(["utf-8", "gbk", "latin-1", "utf-16", "big5", "klingon"])
prompts = st.text(st.sampled_from("a \u00e9\u5973\u732b\u20ac"), min_size=1, max_size=8)


def agreed(validated: Any, created: Any) -> None:
    """Check that both accept the request or refuse it for the same reasons."""
    answers = [json.loads(answer.content) for answer in (validated, created)]
    errors = [{name: answer.get(name) for name in ("error", "errors")} for answer in answers]
    assert (validated.status_code, errors[0]) == (created.status_code, errors[1]), answers
    if created.status_code == 200:
        assert answers[0]["not_forwarded"] == answers[1]["metadata"]["not_forwarded"]


@EXPLORE(max_examples=RUNS)
@given(body=likely_bodies | bodies | values)
def test_validate_and_create_agree(body: Any, owner: Caller, account: UpstreamAccount) -> None:
    agreed(owner.post("/v1/videos/validate", body), owner.post("/v1/videos", body))


@EXPLORE(max_examples=RUNS)
@given(prompt=prompts, charset=charsets, label=charsets | st.none(), is_closed=st.booleans(), size=sizes)
def test_validate_and_create_agree_about_forms(
    prompt: str,
    charset: str,
    label: str | None,
    is_closed: bool,
    size: Any,
    owner: Caller,
    account: UpstreamAccount,
) -> None:
    encoded = prompt.encode("utf-8" if charset == "klingon" else charset, "replace")
    head = b'--frontier\r\nContent-Disposition: form-data; name="%s"\r\n'
    declared = f"Content-Type: text/plain; charset={label}\r\n".encode() if label else b""
    given = {"model": GOOD_BODY["model"], "seconds": "5", "size": size}
    fields = [(head % name.encode()) + b"\r\n" + str(value).encode() for name, value in given.items()]
    body = b"\r\n".join([*fields, head % b"prompt" + declared + b"\r\n" + encoded])
    body += b"\r\n--frontier--\r\n" if is_closed else b"\r\n"
    sent = {"data": body, "content_type": "multipart/form-data; boundary=frontier"}
    agreed(owner.post("/v1/videos/validate", **sent), owner.post("/v1/videos", **sent))
