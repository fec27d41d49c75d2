"""The answers of MPS and its format. For calls see `test_products`, for each payload `test_requests`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.buckets import Destination
from videos import catalogue
from videos.products import Product
from videos.requests import parse
from videos.upstream import translate
from videos.upstream.base import Phase, Progress, Submission
from videos.upstream.tencent import mps

LINK = "https://x.example/1.mp4?sign=a"
ANSWERS: list[tuple[dict[str, Any], Progress]] = [
    (
        {"Status": "WAIT", "VideoUrls": [], "Resolution": "", "Message": ""},
        Progress(Phase.WAITING, "WAIT"),
    ),
    (
        {"Status": "RUN", "VideoUrls": None, "Resolution": None, "Message": None},
        Progress(Phase.RUNNING, "RUN"),
    ),
    (
        {"Status": "DONE", "VideoUrls": [LINK], "Resolution": "1920x1088", "Message": "ok", "RequestId": "r"},
        Progress(Phase.DONE, "DONE", (LINK,), "1920x1088", "ok", request_id="r"),
    ),
    (
        {"Status": "DONE", "VideoUrls": [LINK], "Resolution": "720*1280"},
        Progress(Phase.DONE, "DONE", (LINK,), "720x1280"),
    ),
    ({"Status": "DONE", "VideoUrls": ["", None]}, Progress(Phase.DONE, "DONE")),
    ({"Status": "DONE"}, Progress(Phase.DONE, "DONE")),
    ({"Status": "FAIL", "Message": "Boom."}, Progress(Phase.FAILED, "FAIL", message="Boom.")),
    ({"Status": "PAUSED"}, Progress(Phase.UNKNOWN, "PAUSED")),
    ({"Status": "done"}, Progress(Phase.UNKNOWN, "done")),
    ({}, Progress(Phase.UNKNOWN, "")),
]


@pytest.mark.parametrize(("answer", "progress"), ANSWERS, ids=[str(answer) for answer, _ in ANSWERS])
def test_an_answer_is_parsed(answer: dict[str, Any], progress: Progress) -> None:
    assert mps.progress(answer) == progress


@given(st.text())
def test_only_four_statuses_are_known(word: str) -> None:
    assert (mps.progress({"Status": word}).phase is Phase.UNKNOWN) == (
        word not in ("WAIT", "RUN", "DONE", "FAIL")
    )


@given(
    st.dictionaries(st.sampled_from(["Status", "VideoUrls", "Resolution", "Message", "RequestId"]), st.none())
)
def test_null_is_the_same_as_missing(answer: dict[str, None]) -> None:
    assert mps.progress(answer).phase is Phase.UNKNOWN


def test_a_single_link_is_not_split_into_letters() -> None:
    assert mps.progress({"Status": "DONE", "VideoUrls": LINK}).urls in ((), (LINK,))


TRANSLATIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat"},
        {
            "ModelName": "Kling",
            "ModelVersion": "3.0",
            "Duration": 5,
            "ExtraParameters": {"Resolution": "1080P"},
        },
    ),
    (
        {"images": ["https://x.example/1.png"]},
        {"ImageUrl": "https://x.example/1.png"},
    ),
    (
        {"images": ["https://x.example/1.png", "https://x.example/2.png"]},
        {"ImageUrl": "https://x.example/1.png", "LastImageUrl": "https://x.example/2.png"},
    ),
    (
        {"images": [f"https://x.example/{number}.png" for number in range(3)]},
        {"ImageInfos": [{"ImageUrl": f"https://x.example/{number}.png"} for number in range(3)]},
    ),
    ({"metadata": {"negative_prompt": "dogs"}}, {"NegativePrompt": "dogs"}),
    ({"metadata": {"enhance_prompt": "Enabled"}}, {"EnhancePrompt": True}),
    ({"metadata": {"enhance_prompt": "Disabled"}}, {"EnhancePrompt": False}),
    (
        {"metadata": {"output_config": {"AudioGeneration": "Enabled"}, "aspect_ratio": "16:9"}},
        {"ExtraParameters": {"Resolution": "1080P", "EnableAudio": True, "AspectRatio": "16:9"}},
    ),
]


@pytest.mark.parametrize(("asked", "sent"), TRANSLATIONS, ids=[str(asked)[:60] for asked, _ in TRANSLATIONS])
def test_a_request_is_translated(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    body = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat", **asked}
    translation = translate(parse(body, catalogue.find), Product.MPS, Submission())
    assert translation.action == "CreateAigcVideoTask"
    assert {name: translation.payload.get(name) for name in sent} == sent
    assert None not in translation.payload.values()
    json.dumps(translation.payload)


def test_fields_without_a_counterpart_upstream_are_listed_and_not_sent() -> None:
    metadata = {"input_region": "Oversea", "output_config": {"PersonGeneration": "AllowAdult"}}
    body = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat", "metadata": metadata}
    translation = translate(parse(body, catalogue.find), Product.MPS, Submission())
    assert translation.not_forwarded == ["metadata.input_region", "metadata.output_config.PersonGeneration"]
    assert "Oversea" not in json.dumps(translation.payload)


def test_a_destination_is_sent_as_bucket_region_and_path() -> None:
    additional = {"ext_info": {"AdditionalParameters": {"camera_control": {"type": "simple"}}}}
    body = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat", "metadata": additional}
    request = parse(body, catalogue.find)
    destination = Destination("films-1250000000", "ap-guangzhou", "reelay/2026-11-20/task_1")
    payload = translate(request, Product.MPS, Submission(destination, session="s")).payload
    assert payload["StoreCosParam"] == {
        "CosBucketName": "films-1250000000",
        "CosBucketRegion": "ap-guangzhou",
        "CosBucketPath": "reelay/2026-11-20/task_1",
    }
    assert list(payload)[-4:] == ["Duration", "ExtraParameters", "StoreCosParam", "AdditionalParameters"]
    assert translate(request, Product.MPS, Submission()).payload == {
        name: value for name, value in payload.items() if name != "StoreCosParam"
    }
