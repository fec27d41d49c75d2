"""The JSON Schema of a model agrees with the rules: what one of them accepts, the other does too."""

import os
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support import from_schema
from tests.support.rows import each
from videos import catalogue
from videos.capabilities import UNEXPRESSED, document, modes_of, sample
from videos.catalogue import ModelSpec
from videos.composer.offer import Offer
from videos.requests import InvalidRequestError, parse
from videos.requests.shots import MAX_SHOTS

RUNS = int(os.environ.get("HYPOTHESIS_RUNS", "25"))
"""Bodies that are made up by each property test; `make test-long` makes more."""
EXPLORE = settings(max_examples=RUNS, deadline=None, suppress_health_check=[*HealthCheck])
KINDS = list({str(document(spec)).replace(spec.name, ""): spec for spec in catalogue.MODELS}.values())
"""A model of each kind: the schemas of all others differ from one of these only in the name."""
KNOWN = re.compile("|".join(each.pattern for each in UNEXPRESSED))
NAMES = [spec.name for spec in catalogue.MODELS]
OF_SHOTS = [spec for spec in catalogue.MODELS if spec.elements_and_shots]


@cache
def schema(name: str) -> Draft202012Validator:
    """The validator of a model's schema."""
    return Draft202012Validator(document(found(name)))


def found(name: str) -> ModelSpec:
    """The model of that name."""
    spec = catalogue.find(name)
    assert spec is not None
    return spec


def accepts(body: Any) -> bool:
    """Whether the schema of the body's model accepts it."""
    return bool(schema(body["model"]).is_valid(body))


def messages(body: Any) -> list[str]:
    """What `parse` says against a body."""
    try:
        parse(body)
    except InvalidRequestError as error:
        return [violation.message for violation in error.violations]
    return []


@each("name", [spec.name for spec in KINDS])
def test_a_document_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(document(found(name)))


@each("name", NAMES)
def test_the_sample_of_each_mode_is_valid(name: str) -> None:
    spec = found(name)
    samples = [sample(spec, mode) for mode in modes_of(spec)]
    assert document(spec)["examples"] == samples
    for mode, body in zip(modes_of(spec), samples, strict=True):
        request = parse(body)
        assert accepts(body), mode.name
        assert len(request.images) == mode.least_images
        assert bool(request.videos) is mode.takes_video
        assert bool(request.shots) is mode.has_shots


def test_each_mode_is_one_of_some_model() -> None:
    modes = {mode.name for spec in catalogue.MODELS for mode in modes_of(spec)}
    assert modes == {
        *("text", "first_frame", "first_and_last_frame", "references", "reference_video", "shots")
    }


@each("name", NAMES)
def test_the_form_offers_what_the_document_says(name: str) -> None:
    spec = found(name)
    modes = {mode["name"]: mode for mode in document(spec)["x-modes"]}
    offer = Offer(spec, {})
    assert list(offer.seconds) == modes["text"]["seconds"]
    assert list(offer.ratios) == modes["text"]["aspect_ratios"]
    without_video = [mode["images"]["most"] for name, mode in modes.items() if name != "reference_video"]
    assert offer.max_images == max(without_video)
    assert bool(offer.videos) is ("reference_video" in modes)


# --- what the schema accepts, parse accepts


@cache
def bodies_of(spec: ModelSpec) -> st.SearchStrategy[Any]:
    """Bodies made up from the schema of a model, and variations of its samples."""
    described = document(spec)
    fields = {
        name: from_schema.values(field) for name, field in described["properties"].items() if name != "model"
    }
    modes = st.sampled_from(described["examples"])
    changes = st.fixed_dictionaries({}, optional=fields)
    return st.builds(lambda body, changed: body | changed, modes, changes)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.name)
@EXPLORE
@given(data=st.data())
def test_what_the_schema_accepts_is_valid_but_for_what_it_cannot_express(
    spec: ModelSpec, data: st.DataObject
) -> None:
    body = data.draw(bodies_of(spec))
    if accepts(body):
        assert [message for message in messages(body) if not KNOWN.search(message)] == []


@pytest.mark.parametrize("spec", OF_SHOTS[:1] + OF_SHOTS[-1:], ids=lambda spec: spec.name)
@EXPLORE
@given(data=st.data())
def test_the_same_for_shots_and_elements(spec: ModelSpec, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(document(spec)["examples"]).flatmap(with_parameters))
    if accepts(body):
        assert [message for message in messages(body) if not KNOWN.search(message)] == []
    elif not messages(body):
        assert not is_normal(body), "what is valid, the schema accepts"


def with_parameters(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The body with images, elements and shots, valid or not."""
    shots = st.lists(
        st.fixed_dictionaries(
            {
                "index": st.sampled_from([1, 2, "3", 0, "x"]),
                "prompt": st.sampled_from(["a cat", "", " ", "x" * 513]),
                "duration": st.sampled_from([1, 2, "1", 0, 99]),
            }
        ),
        max_size=MAX_SHOTS + 1,
    )
    parameters = st.fixed_dictionaries(
        {},
        optional={
            "multi_shot": st.sampled_from([True, "true", False, None, "false"]),
            "shot_type": st.sampled_from(["customize", "", "other"]),
            "multi_prompt": shots | st.sampled_from([[], None, "x"]),
            "element_list": st.lists(st.just({"element_id": 1}), max_size=8) | st.sampled_from([None, "x"]),
        },
    )
    images = st.lists(st.just("https://example.com/1.png"), max_size=8)
    kept = {name: value for name, value in body.items() if name != "images"}
    return st.builds(
        lambda parameters, images: {
            **kept,
            **({"images": images} if images else {}),
            "metadata": {"ext_info": {"AdditionalParameters": parameters}},
        },
        parameters,
        images,
    )


# --- what parse accepts, the schema accepts once it is normalised

REJECTED_BY_EACH = [
    *({"seconds": value} for value in (0, "0", 99, "5.5", 5.5, True, None, "x")),
    *({"images": value} for value in (["ftp://a/b"], ["file_x"], "https://a/b", ["https://a/b"] * 8)),
    *({"videos": value} for value in (["ftp://a/b"], ["https://a/b"] * 2)),
    *({"prompt": value} for value in (5, "x" * 2001)),
    *({"size": value} for value in ("1x1", "1280", 5)),
    *({"max_cost": value} for value in ("x", -1, True, "1,50")),
    *({"image": "https://a/b"}, {"duration": 99}, {"n": 2}, {"aspect_ratio": "1:1"}, {"resolution": "4K"}),
    *({"metadata": value} for value in ("x", ["x"], {"unknown": 1}, {"scene_type": "other"})),
    *({"metadata": {"aspect_ratio": value}} for value in ("2:1", 5, ["16:9"])),
    *({"metadata": {"input_region": "Moon"}}, {"metadata": {"enhance_prompt": "on"}}),
    *({"metadata": {"negative_prompt": 5}}, {"metadata": {"ext_info": 5}}),
    *({"metadata": {"output_config": value}} for value in (5, {"Resolution": "720P"}, {"x": 1})),
    *({"metadata": {"output_config": {name: "on"}}} for name in ("AudioGeneration", "PersonGeneration")),
    *({"metadata": {"vidu_q2_object_ids": value}} for value in (5, [""], [5])),
    {"metadata": {"vidu_q2_voice_map": {"a": "b"}}},
]
"""Changes of a valid body that make it invalid for every model."""


@each("name, change", [(spec.name, change) for spec in KINDS for change in REJECTED_BY_EACH])
def test_what_parse_refuses_the_schema_refuses(name: str, change: dict[str, Any]) -> None:
    spec = found(name)
    body = sample(spec, modes_of(spec)[0]) | change
    assert messages(body), "the rules refuse it"
    assert not accepts(body)


def is_normal(body: Any) -> bool:
    """Whether the body is written as a normalised request is, but for its order and kinds of numbers."""
    return bool(parse(body).as_body() == body)


scalars = st.sampled_from(
    [
        "Enabled",
        "Disabled",
        True,
        False,
        "true",
        "",
        None,
        "16:9",
        "9:16",
        "4:3",
        "Oversea",
        "AllowAdult",
        "x",
    ]
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "negative_prompt": scalars,
        "enhance_prompt": scalars,
        "input_region": scalars,
        "aspect_ratio": scalars,
        "SceneType": st.sampled_from(["motion_control", "land2port", "", None]),
        "vidu_q2_object_ids": st.lists(st.sampled_from(["a", "b", ""]), max_size=8),
        "vidu_q2_voice_map": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["v", ""]), max_size=2),
        "output_config": st.dictionaries(
            st.sampled_from(["OffPeak", "LogoAdd", "AudioGeneration", "PersonGeneration"]),
            scalars,
            max_size=2,
        ),
        "ExtInfo": st.sampled_from(["{}", {}, {"AdditionalParameters": "{}"}, {"AdditionalParameters": {}}]),
    },
)
likely = st.fixed_dictionaries(
    {
        "model": st.sampled_from([spec.name for spec in KINDS]),
        "seconds": st.integers(1, 16) | st.integers(1, 16).map(str) | st.just(5.0),
    },
    optional={
        "prompt": st.sampled_from(["a cat", "", " ", None, "\u732b" * 2000]),
        "images": st.lists(
            st.sampled_from(["https://example.com/1.png", "HTTP://a", f"file_{'0' * 32}"]), max_size=8
        ),
        "videos": st.lists(st.just("https://example.com/1.mp4"), max_size=2),
        "size": st.sampled_from(["1280x720", "1920x1080", "720x1280", "1080x1080", "960x720", ""]),
        "metadata": metadata,
        "user": scalars,
        "n": st.just(1),
    },
)


@settings(EXPLORE, max_examples=RUNS * 15)
@given(body=likely)
def test_the_schema_accepts_every_valid_request_once_it_is_normalised(body: Any) -> None:
    try:
        normalised = parse(body).as_body()
    except InvalidRequestError:
        return
    schema(body["model"]).validate(normalised)
