"""A body is parsed into a request and an upstream payload, or all violations are reported."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accounts.buckets import Destination
from tests.contract.rules import ROWS
from tests.contract.rules.metadata import METADATA_KEYS, SWITCHES, subjects
from tests.contract.rules.models import MODEL_NAMES
from tests.contract.rules.rows import (
    ABSENT,
    CLIP,
    FIRST,
    LONE_SURROGATE,
    NUL,
    Body,
    Row,
    body,
    elements,
    extras,
    meta,
    shots,
)
from tests.support.rows import check_each, each
from videos import catalogue
from videos.requests import InvalidRequestError, VideoRequest, Violation, parse
from videos.upstream.base import Submission
from videos.upstream.tencent import mps, vod
from videos.upstream.tencent.mps import not_forwarded

EXPLORE = partial(
    settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

# Every message of section 5, those given first; <…> stands for variable parts.
LITERALS = [
    "Kling 2.5 seconds must be 5 or 10",
    "<field> is not supported; use images (URL only)",
    "<field> is not supported; use videos (URL only)",
    "<field> is not supported; use metadata.<field>",
    "resolution is not supported; resolution is set by model",
    "duration is not supported; use seconds",
    "n is not supported; send one request for each video",
    "size and metadata.aspect_ratio differ",
    "size must have the resolution of the model, <resolution>",
    "size must be WIDTHxHEIGHT, such as 1280x720",
    "image is not supported; use images (URL only)",
    "images must be http(s) URLs",
    "video is not supported; use videos (URL only)",
    "videos is only supported for Kling O1 / 3.0 / 3.0-Omni",
    "metadata.<k> is not supported",
    "metadata.input_region must be Oversea or Mainland",
    "metadata.aspect_ratio is invalid",
    "Hailuo does not support aspect_ratio",
    "GV aspect_ratio must be 16:9 or 9:16",
    "OS aspect_ratio is only supported for text-to-video",
    "metadata.vidu_q2_object_ids must be an array",
    "metadata.vidu_q2_object_ids length must match images (at least first 1-7) for Vidu:q2",
    "metadata.vidu_q2_voice_map must be an object",
    "metadata.vidu_q2_voice_map requires metadata.vidu_q2_object_ids",
    "output_config.OffPeak must be Enabled or Disabled",
    "output_config.OffPeak is only supported for modelName Vidu",
    "output_config.LogoAdd must be Enabled or Disabled",
    "output_config.LogoAdd is only supported for modelName Vidu",
    "Reference images must not exceed 4",
    "images + element_list must not exceed 4",
    "Reference images must not exceed 7",
    "images + element_list must not exceed 7",
    "element_list supports at most 3 elements",
    "shot_type must be customize",
    "multi_prompt must contain 1-6 items",
    "Each multi_prompt.prompt must not exceed 512 characters",
    "Each multi_prompt.index must be greater than or equal to 1",
    "Each multi_prompt.duration must be greater than or equal to 1",
    "Each multi_prompt.duration must not exceed the total task duration",
    "The sum of all multi_prompt.duration values must equal seconds",
    "shot_type must not be provided",
    "Non-empty multi_prompt must not be provided",
    "prompt is required when both images and videos are empty",
    "seconds is required for all video models",
    # Further messages in the same style.
    "input_reference is not supported; use images (URL only)",
    "videos must be http(s) URLs",
    "videos supports at most 1 item",
    "Kling 3.0 seconds must be 3-15",
    "Hailuo 2.3 seconds must be 6 or 10",
    "OS seconds must be 4, 8 or 12",
    "GV seconds must be 8",
    "seconds must be a whole number",
    "prompt must be a string",
    "prompt must not exceed 2000 characters",
    "metadata.enhance_prompt must be Enabled or Disabled",
    "output_config.AudioGeneration must be Enabled or Disabled",
    "output_config.InputComplianceCheck must be Enabled or Disabled",
    "output_config.OutputComplianceCheck must be Enabled or Disabled",
    "output_config.EnhanceSwitch must be Enabled or Disabled",
    "output_config.PersonGeneration must be AllowAdult or Disallowed",
    "output_config.<k> is not supported",
    "output_config.Resolution is not supported; resolution is set by model",
    "metadata.vidu_q2_object_ids is only supported for Vidu:q2",
    "metadata.vidu_q2_voice_map is only supported for Vidu:q2",
    "metadata.vidu_q2_object_ids must contain non-empty strings",
    "metadata.vidu_q2_voice_map values must be non-empty strings",
    "<Family>:<version> supports at most <N> reference images",
    "<Family> does not support reference images",
    "metadata must be an object",
    "metadata.output_config must be an object",
    "metadata.ext_info must be a JSON string or object",
    "metadata.ext_info.AdditionalParameters must be a JSON object",
    "The model '<name>' does not exist",
    "metadata.scene_type must be motion_control, template_effect or land2port",
    "metadata.scene_type and metadata.SceneType differ",
    "metadata.ext_info and metadata.ExtInfo differ",
    "metadata.negative_prompt must be a string",
    "element_list must be an array",
    "multi_prompt must be an array",
    "Each multi_prompt.prompt must be a non-empty string",
    "<field> contains characters that cannot be stored",
    "max_cost must be an amount of money, such as 1.50",
]

# The fields of CreateAigcVideoTask and its nested types, by product; a list means a list of that type.
MPS_FIELDS: Body = {
    **dict.fromkeys(
        [
            "ModelName",
            "ModelVersion",
            "SceneType",
            "Prompt",
            "NegativePrompt",
            "ImageUrl",
            "LastImageUrl",
            "AdditionalParameters",
            "Operator",
        ],
        str,
    ),
    "EnhancePrompt": bool,
    "Duration": int,
    "ImageInfos": [{"ImageUrl": str, "ReferenceType": str}],
    "VideoInfos": [{"VideoUrl": str, "ReferType": str, "KeepOriginalSound": str}],
    "ExtraParameters": {
        "Resolution": str,
        "AspectRatio": str,
        "LogoAdd": int,
        "EnableAudio": bool,
        "OffPeak": bool,
        "EnableBgm": bool,
    },
    "StoreCosParam": {"CosBucketName": str, "CosBucketRegion": str, "CosBucketPath": str},
}
VOD_FIELDS: Body = {
    **dict.fromkeys(["ModelName", "ModelVersion", "SceneType", "Prompt", "NegativePrompt"], str),
    **dict.fromkeys(["EnhancePrompt", "InputRegion", "LastFrameUrl", "ExtInfo"], str),
    **dict.fromkeys(["SessionId", "SessionContext"], str),
    "FileInfos": [dict.fromkeys(["Type", "Category", "Url", "Usage", "ObjectId", "VoiceId"], str)],
    "OutputConfig": {
        "Duration": int,
        **dict.fromkeys(["Resolution", "AspectRatio", "AudioGeneration", "PersonGeneration"], str),
        **dict.fromkeys(["InputComplianceCheck", "OutputComplianceCheck", "EnhanceSwitch"], str),
        **dict.fromkeys(["OffPeak", "LogoAdd"], str),
    },
}
SUBMISSION = Submission(Destination("films-1250000000", "ap-guangzhou", "task_1"), "task_1-1")


def create_payload(request: VideoRequest) -> Body:
    """The body for MPS."""
    return mps.create_payload(request, Submission())


def foreign_fields(request: VideoRequest) -> list[str]:
    """The fields of both bodies that the product does not know or has with another type."""
    return [
        *unknown_to_upstream(mps.create_payload(request, SUBMISSION), MPS_FIELDS, "MPS"),
        *unknown_to_upstream(vod.create_payload(request, SUBMISSION), VOD_FIELDS, "VOD"),
    ]


def violations(of: Body) -> tuple[Violation, ...]:
    """The violations of the body, in order."""
    try:
        parse(of)
    except InvalidRequestError as error:
        return error.violations
    return ()


def messages(of: Body) -> list[str]:
    return [violation.message for violation in violations(of)]


def accepted(of: Body) -> VideoRequest | None:
    """The parsed request, or None if it is refused."""
    try:
        return parse(of)
    except InvalidRequestError:
        return None


def differences(expected: Any, actual: Any, path: str = "payload") -> Iterator[str]:
    """The paths where `actual` lacks something of `expected`; True differs from 1."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            name = key.removesuffix("@json")
            found = actual.get(name, ABSENT)
            if name != key and isinstance(found, str):
                found = {"parsed": json.loads(found)}
                value = {"parsed": value}
            yield from differences(value, found, f"{path}.{name}")
    elif ABSENT in (expected, actual):
        if expected is not actual:
            yield f"{path}: {actual!r} instead of {expected!r}"
    elif not same(expected, actual):
        yield f"{path}: {actual!r} instead of {expected!r}"


def same(left: Any, right: Any) -> bool:
    """Whether both are the same JSON; 1, 1.0 and true differ."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def unknown_to_upstream(value: Any, known: Any, path: str) -> Iterator[str]:
    """The fields of a payload that are not known or have another type."""
    if isinstance(known, dict) and isinstance(value, dict):
        for key, item in value.items():
            if key not in known:
                yield f"{path}.{key}"
            else:
                yield from unknown_to_upstream(item, known[key], f"{path}.{key}")
    elif isinstance(known, list) and isinstance(value, list):
        for item in value:
            yield from unknown_to_upstream(item, known[0], f"{path}[]")
    elif not isinstance(known, type) or type(value) is not known:
        yield f"{path}: {value!r}"


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def not_forwarded_metadata(request: VideoRequest) -> list[str]:
    """The known fields that are not forwarded; unknown ones are reported but not stored."""
    unknown = [path for path, name in request.paths if not name]
    return [path for path in not_forwarded(request) if path not in unknown]


def under_one_name(paths: list[str]) -> list[str]:
    """The paths with aliases replaced by the first, which is the stored one."""
    return [
        path.replace("metadata.SceneType", "metadata.scene_type").replace(
            "metadata.ExtInfo", "metadata.ext_info"
        )
        for path in paths
    ]


def storable(text: str) -> bool:
    """Whether PostgreSQL can store the text: no NUL, no lone surrogate."""
    return not re.search("[\x00\ud800-\udfff]", text)


# The table.


def test_each_row_of_the_contract_holds() -> None:
    check_each(ROWS, _says, name=lambda row: row.name)


def _says(row: Row) -> None:
    assert messages(row.body) == row.messages
    if row.messages:
        return
    request = parse(row.body)
    payload = create_payload(request)
    assert list(differences(row.payload or {}, payload)) == []
    assert foreign_fields(request) == []
    if row.not_forwarded is not None:
        assert not_forwarded(request) == row.not_forwarded


@each("literal", LITERALS)
def test_every_message_of_the_contract_is_expected_by_some_row(literal: str) -> None:
    pattern = re.compile("[^ ]+".join(re.escape(part) for part in re.split("<[^>]+>", literal)))
    assert any(pattern.fullmatch(message) for row in ROWS for message in row.messages)


def test_every_expected_message_is_a_message_of_the_contract() -> None:
    open_ended = [
        *LITERALS,
        "<Family> seconds must be <list>",
        "<Family> supports at most <N> reference images",
    ]
    patterns = [re.compile(".+".join(map(re.escape, re.split("<[^>]+>", literal)))) for literal in open_ended]
    found = {message for row in ROWS for message in row.messages}
    assert [text for text in sorted(found) if not any(pattern.fullmatch(text) for pattern in patterns)] == []


def test_every_row_has_its_own_name() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))


def test_the_catalogue_has_exactly_the_models_of_the_contract() -> None:
    assert sorted(spec.name for spec in catalogue.MODELS) == sorted(MODEL_NAMES)


def test_the_order_of_the_fields_does_not_matter() -> None:
    for row in ROWS:
        assert messages(dict(reversed(row.body.items()))) == messages(row.body), row.name


# Fields and codes of violations.


@pytest.mark.parametrize(
    ("request_body", "param", "code", "allowed"),
    [
        (body("Kling-9.9-720p"), "model", "model_not_found", None),
        (body("Kling-2.6-720p", seconds=7), "seconds", "invalid_request", None),
        (body("Kling-2.6-720p", image=FIRST), "image", "invalid_request", None),
        (body("Kling-2.6-720p", video=CLIP), "video", "invalid_request", None),
        (body("Kling-2.6-720p", videos=[CLIP]), "videos", "invalid_request", None),
        (body("Kling-2.6-720p", prompt=""), "prompt", "invalid_request", None),
        (body("Kling-2.6-720p", max_cost=-1), "max_cost", "invalid_request", None),
        (meta("Kling-2.6-720p", camera="pan"), "metadata.camera", "invalid_request", None),
        (
            meta("GV-3.1-720p", aspect_ratio="1:1"),
            "metadata.aspect_ratio",
            "invalid_request",
            ["16:9", "9:16"],
        ),
        (
            meta("Vidu-q2-720p", aspect_ratio="2:1"),
            "metadata.aspect_ratio",
            "invalid_request",
            ["16:9", "9:16", "1:1", "4:3", "3:4"],
        ),
        (
            meta("Kling-2.6-720p", input_region="Mars"),
            "metadata.input_region",
            "invalid_request",
            ["Oversea", "Mainland"],
        ),
    ],
)
def test_a_violation_names_its_field_and_code(
    request_body: Body, param: str, code: str, allowed: list[str] | None
) -> None:
    (violation,) = violations(request_body)
    assert (violation.param, violation.code) == (param, code)
    if allowed is not None:
        assert violation.allowed is not None
        assert list(violation.allowed) == allowed


@pytest.mark.parametrize(
    "name", [None, "", 5, True, ["Kling-3.0-720p"], {"a": 1}, "K" * 100_000, NUL, LONE_SURROGATE]
)
def test_a_model_that_is_not_a_string_is_not_found(name: Any) -> None:
    (violation,) = violations({"model": name, "seconds": 5, "prompt": "a cat runs"})
    assert (violation.param, violation.code) == ("model", "model_not_found")


def test_a_missing_model_is_not_found() -> None:
    (violation,) = violations({"seconds": 5, "prompt": "a cat runs"})
    assert (violation.param, violation.code) == ("model", "model_not_found")


@each("text", [NUL, LONE_SURROGATE])
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda text: body("Kling-2.6-720p", prompt=text), id="prompt"),
        pytest.param(lambda text: body("Kling-2.6-720p", images=[f"{FIRST}?{text}"]), id="images"),
        pytest.param(lambda text: body("Kling-o1-720p", videos=[f"{CLIP}?{text}"]), id="videos"),
        pytest.param(lambda text: meta("Kling-2.6-720p", negative_prompt=text), id="negative_prompt"),
        pytest.param(lambda text: meta("Kling-2.6-720p", camera=text), id="an unknown key"),
        pytest.param(lambda text: meta("Kling-2.6-720p", **{text: "pan"}), id="the name of an unknown key"),
        pytest.param(lambda text: extras("Kling-2.6-720p", {"a": [{"b": text}]}), id="AdditionalParameters"),
        pytest.param(lambda text: extras("Kling-2.6-720p", {text: 1}), id="a key of AdditionalParameters"),
        pytest.param(
            lambda text: meta("Kling-2.6-720p", ext_info=json.dumps({"AdditionalParameters": {"a": text}})),
            id="ext_info as a string",
        ),
        pytest.param(
            lambda text: meta(
                "Kling-2.6-720p", ext_info=json.dumps({"AdditionalParameters": json.dumps({"a": text})})
            ),
            id="AdditionalParameters as a string",
        ),
        pytest.param(
            lambda text: meta("Kling-2.6-720p", ext_info={"other": text}), id="another key of ext_info"
        ),
        pytest.param(lambda text: subjects(1, [text]), id="an object id"),
        pytest.param(lambda text: subjects(1, ["girl"], vidu_q2_voice_map={"girl": text}), id="a voice"),
        pytest.param(
            lambda text: subjects(1, ["girl"], vidu_q2_voice_map={text: "voice"}), id="a subject of a voice"
        ),
        pytest.param(
            lambda text: extras(
                "Kling-3.0-720p", shots(multi_prompt=[{"index": 1, "prompt": text, "duration": 5}])
            ),
            id="a shot",
        ),
        pytest.param(
            lambda text: meta(
                "Kling-3.0-720p",
                ext_info={
                    "AdditionalParameters": json.dumps(
                        shots(multi_prompt=[{"index": 1, "prompt": text, "duration": 5}])
                    )
                },
            ),
            id="a shot in a string",
        ),
    ],
)
def test_text_that_cannot_be_stored_is_refused(place: Any, text: str) -> None:
    assert messages(place(text)) != []


# Properties.

SURROGATES = st.characters(categories=["Cs", "Cc", "Lu", "Zs", "So"])
WORDS = st.sampled_from(
    [
        *["Enabled", "Disabled", "true", "false", "5", "16:9", "1:1", "Oversea", "AllowAdult", "customize"],
        *[
            "motion_control",
            "template_effect",
            "http://",
            "http://[::1",
            "https://x:99999999/",
            "0",
            "-1",
            " ",
        ],
        *[
            "9" * 5000,
            "1e999",
            "{",
            "[1]",
            '{"AdditionalParameters": "{"}',
            '{"a":' * 5000,
            "[" * 5000,
            "\u0665",
            "\u00b2",
        ],
        *[FIRST, CLIP, NUL, LONE_SURROGATE, "x" * 2001, *MODEL_NAMES[::7]],
    ]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, 3, 5, 8, 2**53 + 1, 10**400, -(10**4000), 5.0, 1e308])
)
LEAVES = st.none() | st.booleans() | NUMBERS | WORDS | st.text(max_size=8) | st.text(SURROGATES, max_size=4)
FIELDS = st.sampled_from(
    [
        *["model", "seconds", "prompt", "images", "videos", "image", "video", "input_reference", "metadata"],
        "max_cost",
        *METADATA_KEYS,
        *SWITCHES,
        *["PersonGeneration", "Resolution", "AdditionalParameters", "other", ""],
        *["multi_shot", "shot_type", "multi_prompt", "element_list", "element_id", "index", "duration"],
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(FIELDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
JSON_OR_TEXT = JSON | JSON.map(lambda value: json.dumps(value) if encodable(value) else "{")
GOOD = st.sampled_from([row.body for row in ROWS if not row.messages])
ANY_ROW = st.sampled_from([row.body for row in ROWS])


def encodable(value: Any) -> bool:
    """Whether Python can encode the value as JSON: no integer with too many digits."""
    try:
        json.dumps(value)
    except ValueError:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All paths in the value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of the value with a replacement at that path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw: st.DrawFn) -> Body:
    """A body of the table with arbitrary values in one to three places at any depth."""
    mutant: Body = draw(ANY_ROW)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(places(mutant), key=repr)))
        mutant = put(mutant, path, draw(JSON_OR_TEXT))
    return mutant


@st.composite
def assembled(draw: st.DrawFn) -> Body:
    """A body with an arbitrary value in any of its fields, at the right depth."""
    parameters = st.fixed_dictionaries(
        {},
        optional={
            "multi_shot": st.sampled_from([True, "true", False]) | JSON,
            "shot_type": st.just("customize") | JSON,
            "multi_prompt": st.lists(
                st.fixed_dictionaries({}, optional={"index": JSON, "prompt": JSON, "duration": JSON}),
                max_size=7,
            )
            | JSON,
            "element_list": JSON,
        },
    )
    ext_info = st.fixed_dictionaries({"AdditionalParameters": parameters | JSON_OR_TEXT}) | JSON_OR_TEXT
    output_config = (
        st.dictionaries(st.sampled_from([*SWITCHES, "PersonGeneration", "Resolution"]), JSON) | JSON
    )
    metadata = st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(METADATA_KEYS, JSON),
            "ext_info": ext_info,
            "ExtInfo": ext_info,
            "output_config": output_config,
        },
    )
    fields = {
        "seconds": st.just(5) | JSON,
        "prompt": JSON,
        "images": st.lists(st.just(FIRST) | JSON, max_size=9) | JSON,
        "videos": st.lists(st.just(CLIP) | JSON, max_size=2) | JSON,
        "metadata": metadata | JSON_OR_TEXT,
        "image": JSON,
        "video": JSON,
        "input_reference": JSON,
        "max_cost": JSON,
    }
    strategy = st.fixed_dictionaries({"model": st.sampled_from(MODEL_NAMES) | JSON}, optional=fields)
    drawn: Body = draw(strategy)
    return drawn


BODIES = mutated() | assembled() | st.dictionaries(FIELDS | st.text(max_size=5), JSON_OR_TEXT, max_size=8)


@EXPLORE(max_examples=300)
@given(BODIES)
def test_any_mapping_is_accepted_or_refused_with_reasons(anything: Body) -> None:
    for violation in violations(anything):
        assert violation.code == ("model_not_found" if violation.param == "model" else "invalid_request")
        assert violation.message
        assert violation.param


@EXPLORE(max_examples=150)
@given(BODIES)
def test_the_same_body_has_the_same_violations_in_the_same_order(anything: Body) -> None:
    assert violations(anything) == violations(anything) == violations(dict(reversed(anything.items())))


@EXPLORE(max_examples=150)
@given(mutated() | GOOD)
def test_an_accepted_request_can_be_stored_and_sent(anything: Body) -> None:
    request = accepted(anything)
    assume(request is not None)
    assert request is not None
    kept, payloads = request.as_body(), [made.create_payload(request, SUBMISSION) for made in (mps, vod)]
    assert foreign_fields(request) == []
    assert all(map(storable, texts([kept, payloads, not_forwarded(request)])))
    again = parse(json.loads(json.dumps(kept, allow_nan=False)))
    assert again.as_body() == kept
    assert same([made.create_payload(again, SUBMISSION) for made in (mps, vod)], payloads)
    assert not_forwarded(again) == under_one_name(not_forwarded_metadata(request))


def test_every_accepted_row_can_be_stored_and_parsed_again() -> None:
    for row in ROWS:
        request = accepted(row.body)
        if request is not None:
            again = parse(json.loads(json.dumps(request.as_body())))
            assert same(create_payload(again), create_payload(request)), row.name
            assert not_forwarded(again) == under_one_name(not_forwarded_metadata(request)), row.name


def test_an_invalid_ratio_is_reported_at_its_field() -> None:
    for asked, param in (
        ({"size": "1680x720"}, "size"),
        ({"metadata": {"aspect_ratio": "7:3"}}, "metadata.aspect_ratio"),
    ):
        (violation,) = violations(body("Kling-2.6-720p", **asked))
        assert (violation.param, violation.allowed) == (param, ("16:9", "9:16", "1:1"))


def test_max_cost_is_not_part_of_the_stored_request() -> None:
    base = body("Kling-2.6-720p")
    dear, cheap, any_price = (parse(base | extra) for extra in ({"max_cost": "4.50"}, {"max_cost": 0}, {}))
    assert (dear.max_cost, cheap.max_cost, any_price.max_cost) == (Decimal("4.5"), Decimal(0), None)
    assert dear.as_body() == cheap.as_body() == any_price.as_body()
    assert create_payload(dear) == create_payload(any_price)


def test_parsing_does_not_modify_the_body() -> None:
    for row in ROWS:
        before = repr(row.body)
        violations(row.body)
        assert repr(row.body) == before, row.name


@EXPLORE(max_examples=100)
@given(st.integers(2**53, 2**64), st.sampled_from(["object", "text", "nested text"]))
def test_an_element_id_keeps_every_digit(element_id: int, form: str) -> None:
    parameters: Any = {"element_list": [{"element_id": element_id}, *elements(1)]}
    ext_info: Any = {"AdditionalParameters": json.dumps(parameters) if form == "nested text" else parameters}
    request = parse(meta("Kling-o1-720p", ext_info=ext_info if form == "object" else json.dumps(ext_info)))
    by_vod = json.loads(vod.create_payload(request, SUBMISSION)["ExtInfo"])
    for sent in (create_payload(request)["AdditionalParameters"], by_vod["AdditionalParameters"]):
        assert str(element_id) in re.findall(r"\d+", sent)


# Independent violations of a Kling 3.0 body, in the order of the contract.
FAULTS: list[tuple[str, tuple[str, ...], Any]] = [
    ("image is not supported; use images (URL only)", ("image",), FIRST),
    ("video is not supported; use videos (URL only)", ("video",), CLIP),
    ("input_reference is not supported; use images (URL only)", ("input_reference",), "x"),
    ("seconds must be a whole number", ("seconds",), "5.0"),
    ("images must be http(s) URLs", ("images",), "x"),
    ("videos must be http(s) URLs", ("videos",), "x"),
    ("metadata.camera is not supported", ("metadata", "camera"), "pan"),
    ("metadata.negative_prompt must be a string", ("metadata", "negative_prompt"), 5),
    ("metadata.enhance_prompt must be Enabled or Disabled", ("metadata", "enhance_prompt"), "on"),
    ("metadata.input_region must be Oversea or Mainland", ("metadata", "input_region"), "Mars"),
    ("metadata.aspect_ratio is invalid", ("metadata", "aspect_ratio"), "4:3"),
    (
        "metadata.scene_type must be motion_control, template_effect or land2port",
        ("metadata", "scene_type"),
        "lip_sync",
    ),
    (
        "output_config.OffPeak is only supported for modelName Vidu",
        ("metadata", "output_config", "OffPeak"),
        "Enabled",
    ),
    (
        "output_config.AudioGeneration must be Enabled or Disabled",
        ("metadata", "output_config", "AudioGeneration"),
        "on",
    ),
    (
        "output_config.PersonGeneration must be AllowAdult or Disallowed",
        ("metadata", "output_config", "PersonGeneration"),
        "on",
    ),
    (
        "output_config.InputComplianceCheck must be Enabled or Disabled",
        ("metadata", "output_config", "InputComplianceCheck"),
        "on",
    ),
    (
        "output_config.OutputComplianceCheck must be Enabled or Disabled",
        ("metadata", "output_config", "OutputComplianceCheck"),
        "on",
    ),
    (
        "output_config.EnhanceSwitch must be Enabled or Disabled",
        ("metadata", "output_config", "EnhanceSwitch"),
        "on",
    ),
    (
        "output_config.LogoAdd is only supported for modelName Vidu",
        ("metadata", "output_config", "LogoAdd"),
        True,
    ),
    (
        "output_config.Resolution is not supported; resolution is set by model",
        ("metadata", "output_config", "Resolution"),
        "1080P",
    ),
    ("element_list must be an array", ("metadata", "ext_info", "AdditionalParameters", "element_list"), "x"),
    (
        "shot_type must not be provided",
        ("metadata", "ext_info", "AdditionalParameters", "shot_type"),
        "customize",
    ),
    (
        "Non-empty multi_prompt must not be provided",
        ("metadata", "ext_info", "AdditionalParameters", "multi_prompt"),
        [{"index": 1}],
    ),
    ("prompt must be a string", ("prompt",), 5),
    ("max_cost must be an amount of money, such as 1.50", ("max_cost",), "much"),
]


@EXPLORE(max_examples=150)
@given(st.lists(st.sampled_from(range(len(FAULTS))), unique=True))
def test_any_violations_are_reported_in_the_order_of_the_contract(chosen: list[int]) -> None:
    faulty: Body = {}
    for message, path, value in (FAULTS[index] for index in chosen):
        assert message
        place = faulty
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    for key, value in body("Kling-3.0-720p").items():
        faulty.setdefault(key, value)
    assert messages(faulty) == [FAULTS[index][0] for index in sorted(chosen)]
