"""The parameters of CreateAigcVideoTask: what each becomes, and what is refused, with which code."""

import json
from typing import Any

import pytest

from tests.conftest import Caller, payload_of
from tests.support.rows import each
from tests.support.signing import CREATE, WISH, Pair, code_of
from videos.catalogue import MODELS, STABLE_VERSIONS, USUAL_SECONDS
from videos.dialects.tencent import fields, request
from videos.dialects.tencent.codes import Refused
from videos.models import Task, UpstreamAccount
from videos.requests import parse

PICTURE, OTHER, CLIP = "https://e.example/1.png", "https://e.example/2.png", "https://e.example/1.mp4"


def infos(*urls: str) -> list[dict[str, str]]:
    return [{"ImageUrl": url} for url in urls]


def body_of(**payload: Any) -> dict[str, Any]:
    """The generic body of a request, as the API would normalise it."""
    return parse(request.translate(fields.check(CREATE, payload)).body).as_body()


SEEDS_EXAMPLE: dict[str, Any] = {
    "ModelName": "GV",
    "Prompt": "move the picture",
    "NegativePrompt": "Top lighting,bright colors",
    "EnhancePrompt": False,
    "ImageUrl": "https://1500039689.vod-qcloud.com/6cd2c44bvodcq1500039689/179cafb25145403699/f0oxE6jcA.png",
    "LastImageUrl": "https://aigc-a-image-1303333058.cos.ap-guangzhou.myqcloud.com/xxx_8655.png",
    "Duration": 8,
    "ExtraParameters": {"Resolution": "720P", "AspectRatio": "16:9"},
    "StoreCosParam": {
        "CosBucketName": "aigc-a-video-1303333058",
        "CosBucketRegion": "ap-guangzhou",
        "CosBucketPath": "my_cos_file",
    },
    "Operator": "admin",
}

BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("the stable version", {"ModelName": "Kling"}, {"model": "Kling-3.0-720p", "seconds": "5"}),
    ("of any case", {"ModelName": "kLING", "ModelVersion": "o1"}, {"model": "Kling-o1-720p"}),
    (
        "a resolution of any case",
        {"ModelName": "Kling", "ModelVersion": "3.0-OMNI", "ExtraParameters": {"Resolution": "1080p"}},
        {"model": "Kling-3.0-omni-1080p"},
    ),
    ("Hailuo's lowest", {"ModelName": "Hailuo"}, {"model": "Hailuo-2.3-768p", "seconds": "6"}),
    ("GV's 8 seconds", {"ModelName": "GV"}, {"model": "GV-3.1-720p", "seconds": "8"}),
    ("OS's 8 seconds", {"ModelName": "OS"}, {"model": "OS-2.0-720p", "seconds": "8"}),
    ("Vidu", {"ModelName": "Vidu"}, {"model": "Vidu-q3-pro-720p", "seconds": "5"}),
    ("a duration", {"Duration": 10}, {"seconds": "10"}),
    ("a negative prompt", {"NegativePrompt": "rain"}, {"metadata": {"negative_prompt": "rain"}}),
    ("an enhanced prompt", {"EnhancePrompt": True}, {"metadata": {"enhance_prompt": "Enabled"}}),
    ("a prompt as it is", {"EnhancePrompt": False}, {"metadata": {"enhance_prompt": "Disabled"}}),
    ("a scene", {"SceneType": "motion_control"}, {"metadata": {"scene_type": "motion_control"}}),
    ("a first frame", {"ImageUrl": PICTURE}, {"images": [PICTURE]}),
    ("two frames", {"ImageUrl": PICTURE, "LastImageUrl": OTHER}, {"images": [PICTURE, OTHER]}),
    (
        "references",
        {"ModelVersion": "3.0-Omni", "ImageInfos": infos(PICTURE, OTHER)},
        {"images": [PICTURE, OTHER]},
    ),
    (
        "subjects",
        {
            "ModelName": "Vidu",
            "ModelVersion": "q2",
            "ImageInfos": [
                {"ImageUrl": PICTURE, "ReferenceType": "7"},
                {"ImageUrl": OTHER, "ReferenceType": "8"},
            ],
        },
        {"images": [PICTURE, OTHER], "metadata": {"vidu_q2_object_ids": ["7", "8"]}},
    ),
    (
        "a video to edit",
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP, "ReferType": "base"}]},
        {"videos": [CLIP]},
    ),
    (
        "one reference with a video",
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP}], "ImageInfos": infos(PICTURE)},
        {"videos": [CLIP], "images": [PICTURE]},
    ),
    (
        "switches",
        {
            "ModelName": "Vidu",
            "ExtraParameters": {"LogoAdd": 0, "OffPeak": True, "EnableAudio": True, "EnableBgm": False},
        },
        {
            "metadata": {
                "output_config": {"LogoAdd": "Disabled", "AudioGeneration": "Enabled", "OffPeak": "Enabled"}
            }
        },
    ),
    ("a ratio", {"ExtraParameters": {"AspectRatio": "9:16"}}, {"metadata": {"aspect_ratio": "9:16"}}),
    (
        "a model's own parameters",
        {"AdditionalParameters": '{"camera_control":{"type":"simple"}}'},
        {"metadata": {"ext_info": {"AdditionalParameters": '{"camera_control":{"type":"simple"}}'}}},
    ),
    (
        "empty values, as if they were left out",
        {"ImageUrl": "", "ImageInfos": [], "ExtraParameters": {}, "Duration": None, "SceneType": ""},
        {"model": "Kling-3.0-720p", "seconds": "5"},
    ),
]


@each("name, payload, expected", BODIES)
def test_parameters_become_fields_of_the_generic_api(
    name: str, payload: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = body_of(**{**WISH, **payload})
    assert {field: body.get(field) for field in expected} == expected
    assert ("images" in body) is ("images" in expected)


def test_every_model_can_be_named() -> None:
    for spec in MODELS:
        name = {"ModelName": spec.family, "ModelVersion": spec.version}
        assert request.model_of({**name, "ExtraParameters": {"Resolution": spec.resolution}}) is spec


def test_every_family_has_a_stable_version_with_the_usual_length() -> None:
    assert STABLE_VERSIONS.keys() == USUAL_SECONDS.keys() == {spec.family for spec in MODELS}
    for family, version in STABLE_VERSIONS.items():
        spec = request.model_of({"ModelName": family})
        assert (spec.family, spec.version) == (family, version)
    for spec in MODELS:
        assert USUAL_SECONDS[spec.family] in spec.seconds


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("no model", {"ModelName": None}, "MissingParameter", "`ModelName`"),
    ("an unknown model", {"ModelName": "Jimeng"}, "InvalidParameter.ModelNotSupported", "Kling"),
    ("an unknown version", {"ModelVersion": "9"}, "InvalidParameter.ModelNotSupported", "3.0-Omni"),
    (
        "a resolution of no model",
        {"ExtraParameters": {"Resolution": "4K"}},
        "InvalidParameterValue.Resolution",
        "720P or 1080P",
    ),
    (
        "no input",
        {"Prompt": None},
        "MissingParameter",
        "Prompt is required when both ImageUrl and VideoInfos",
    ),
    ("a long prompt", {"Prompt": "x" * 2001}, "InvalidParameterValue", "Prompt must not exceed 2000"),
    ("a model as a number", {"ModelName": 3}, "InvalidParameter", "`ModelName` must be of type String"),
    ("seconds as text", {"Duration": "5"}, "InvalidParameter", "`Duration` must be of type Integer"),
    ("seconds as true", {"Duration": True}, "InvalidParameter", "`Duration` must be of type Integer"),
    ("half seconds", {"Duration": 5.5}, "InvalidParameter", "`Duration` must be of type Integer"),
    ("a switch as text", {"EnhancePrompt": "true"}, "InvalidParameter", "must be of type Boolean"),
    ("a switch as a number", {"EnhancePrompt": 1}, "InvalidParameter", "must be of type Boolean"),
    ("a logo as true", {"ExtraParameters": {"LogoAdd": True}}, "InvalidParameter", "of type Integer"),
    ("extras as text", {"ExtraParameters": "{}"}, "InvalidParameter", "of type Object"),
    ("images as an object", {"ImageInfos": {"ImageUrl": PICTURE}}, "InvalidParameter", "of type Array"),
    ("an image as text", {"ImageInfos": [PICTURE]}, "InvalidParameter", "`ImageInfos.0` must be of type"),
    ("an image without URL", {"ImageInfos": [{}]}, "MissingParameter", "`ImageInfos.0.ImageUrl`"),
    ("a video without URL", {"VideoInfos": [{}]}, "MissingParameter", "`VideoInfos.0.VideoUrl`"),
    ("an unknown field", {"Seed": 1}, "UnknownParameter", "`Seed`"),
    ("a known field of another place", {"Resolution": "720P"}, "UnknownParameter", "`Resolution`"),
    (
        "an unknown extra",
        {"ExtraParameters": {"Quality": "1"}},
        "UnknownParameter",
        "`ExtraParameters.Quality`",
    ),
    (
        "an unknown field of an image",
        {"ImageInfos": [{"ImageUrl": PICTURE, "Text": "x"}]},
        "UnknownParameter",
        "`ImageInfos.0.Text`",
    ),
    ("a field of the table's paths", {"ExtraParameters.LogoAdd": 1}, "UnknownParameter", "not defined"),
    ("a path of items", {"ImageInfos[].ImageUrl": PICTURE}, "UnknownParameter", "not defined"),
    (
        "six seconds",
        {"ModelName": "Kling", "ModelVersion": "2.5", "Duration": 6},
        "InvalidParameterValue",
        "Kling 2.5 Duration must be 5 or 10",
    ),
    ("too long", {"Duration": 99}, "InvalidParameterValue.DurationTooLong", "Duration must be 3-15"),
    ("no length", {"Duration": 0}, "InvalidParameterValue", "Duration must be 3-15"),
    (
        "a ratio",
        {"ExtraParameters": {"AspectRatio": "2:1"}},
        "InvalidParameterValue",
        "ExtraParameters.AspectRatio is invalid",
    ),
    ("a logo of 2", {"ExtraParameters": {"LogoAdd": 2}}, "InvalidParameterValue", "LogoAdd must be 0 or 1"),
    (
        "a logo of Kling",
        {"ExtraParameters": {"LogoAdd": 1}},
        "InvalidParameterValue",
        "ExtraParameters.LogoAdd is only supported for modelName Vidu",
    ),
    (
        "background music",
        {"ExtraParameters": {"EnableBgm": True}},
        "InvalidParameterValue",
        "EnableBgm must be false",
    ),
    ("a scene", {"SceneType": "dance"}, "InvalidParameterValue", "SceneType must be"),
    ("a file", {"ImageUrl": "file:///etc/passwd"}, "InvalidParameter.InvalidUrl", "ImageUrl must be http(s)"),
    (
        "a bad reference",
        {"ModelVersion": "O1", "ImageInfos": infos(PICTURE, "x")},
        "InvalidParameter.InvalidUrl",
        "ImageInfos.1.ImageUrl must be http(s)",
    ),
    ("a last frame alone", {"LastImageUrl": PICTURE}, "MissingParameter", "ImageUrl is required"),
    (
        "a last frame of a model without",
        {"ModelVersion": "3.0-Omni", "ImageUrl": PICTURE, "LastImageUrl": OTHER},
        "InvalidParameterValue",
        "LastImageUrl is not supported by Kling-3.0-omni-720p",
    ),
    (
        "frames and references",
        {"ImageUrl": PICTURE, "ImageInfos": infos(PICTURE)},
        "InvalidParameterValue",
        "cannot be combined",
    ),
    (
        "a frame and a video",
        {"ModelVersion": "O1", "ImageUrl": PICTURE, "VideoInfos": [{"VideoUrl": CLIP}]},
        "InvalidParameterValue",
        "cannot be combined",
    ),
    (
        "one reference, which would be a frame",
        {"ModelVersion": "O1", "ImageInfos": infos(PICTURE)},
        "InvalidParameterValue",
        "use ImageUrl instead",
    ),
    (
        "two references, which would be frames",
        {"ModelName": "GV", "ImageInfos": infos(PICTURE, OTHER)},
        "InvalidParameterValue",
        "use ImageUrl and LastImageUrl instead",
    ),
    (
        "a frame, which would be a reference",
        {"ModelName": "Vidu", "ModelVersion": "q2", "ImageUrl": PICTURE},
        "InvalidParameterValue",
        "use ImageInfos",
    ),
    (
        "one image without a subject",
        {
            "ModelName": "Vidu",
            "ModelVersion": "q2",
            "ImageInfos": [{"ImageUrl": PICTURE}, {"ImageUrl": OTHER, "ReferenceType": "7"}],
        },
        "InvalidParameterValue",
        "ImageInfos.N.ReferenceType length must match ImageInfos",
    ),
    (
        "a style",
        {
            "ModelVersion": "O1",
            "ImageInfos": [{"ImageUrl": url, "ReferenceType": "style"} for url in (PICTURE, OTHER)],
        },
        "InvalidParameterValue",
        "ImageInfos.N.ReferenceType is only supported for Vidu:q2",
    ),
    (
        "too many references",
        {"ModelVersion": "O1", "ImageInfos": infos(*[PICTURE] * 8)},
        "InvalidParameterValue",
        "ImageInfos: Reference images must not exceed 7",
    ),
    (
        "a video of a model without",
        {"ModelVersion": "2.5", "VideoInfos": [{"VideoUrl": CLIP}]},
        "InvalidParameterValue",
        "VideoInfos is only supported for Kling O1",
    ),
    (
        "a video as a feature",
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP, "ReferType": "feature"}]},
        "InvalidParameterValue",
        "VideoInfos.0.ReferType must be base",
    ),
    (
        "the sound of a video",
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP, "KeepOriginalSound": "no"}]},
        "InvalidParameterValue",
        "VideoInfos.0.KeepOriginalSound is not supported",
    ),
    (
        "parameters that are no JSON",
        {"AdditionalParameters": "{"},
        "InvalidParameterValue",
        "AdditionalParameters must be a JSON object",
    ),
    (
        "parameters as an object",
        {"AdditionalParameters": {}, "Operator": {"a": 1}},
        "InvalidParameter",
        "`Operator` must be of type String",
    ),
    (
        "an operator with a long name",
        {"Operator": "x" * 256},
        "InvalidParameterValue",
        "Operator must not exceed 255",
    ),
    ("NUL", {"Operator": "a\x00"}, "InvalidParameterValue", "cannot be stored"),
    (
        "a bucket without a region",
        {"StoreCosParam": {"CosBucketName": "films-1250000000"}},
        "MissingParameter",
        "`StoreCosParam.CosBucketRegion`",
    ),
    (
        "a bucket of nobody",
        {"StoreCosParam": {"CosBucketName": "films-1250000000", "CosBucketRegion": "ap-guangzhou"}},
        "InvalidParameterValue",
        "the tenant's own bucket: it has none yet; it is set up",
    ),
]


@each("name, payload, code, told", REFUSALS)
def test_what_the_generic_api_refuses_is_refused_in_tencents_words(
    name: str, payload: dict[str, Any], code: str, told: str, owner: Caller, account: UpstreamAccount
) -> None:
    response = Pair(owner.tenant).create(**payload)
    assert code_of(response) == code, response
    assert told in response["Error"]["Message"], response
    assert not Task.objects.exists()


def test_a_refusal_names_everything_that_is_wrong() -> None:
    payload = {"Prompt": 1, "Seed": 2, "ExtraParameters": {"Quality": 3}}
    with pytest.raises(Refused) as refused:
        fields.check(CREATE, payload)
    assert refused.value.code == "InvalidParameter"
    for name in ("`ModelName`", "`Prompt`", "`Seed`", "`ExtraParameters.Quality`"):
        assert name in str(refused.value)
    with pytest.raises(Refused, match="and 91 more"):
        fields.check(CREATE, {f"Unknown{number}": 1 for number in range(100)})


def test_the_payload_upstream_is_the_one_that_was_sent(owner: Caller, account: UpstreamAccount) -> None:
    """What Tencent's own API would have got, with the defaults that it names."""
    sent = {
        "ModelName": "Kling",
        "ModelVersion": "2.5",
        "Prompt": "a cat runs",
        "NegativePrompt": "rain",
        "EnhancePrompt": True,
        "ImageUrl": PICTURE,
        "LastImageUrl": OTHER,
        "Duration": 10,
        "ExtraParameters": {"Resolution": "1080P", "AspectRatio": "1:1", "EnableAudio": False},
        "AdditionalParameters": json.dumps({"camera_control": {"type": "simple"}}),
    }
    assert not code_of(Pair(owner.tenant).call(CREATE, sent))
    payload = payload_of(Task.objects.get())
    assert json.loads(payload.pop("AdditionalParameters")) == json.loads(sent.pop("AdditionalParameters"))  # type: ignore[arg-type]
    assert payload == sent
