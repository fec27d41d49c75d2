"""The answers of VOD and its format. For calls see `test_products`, for each payload `test_requests`."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.support.rows import each
from videos.products import Product
from videos.requests import metadata, parse
from videos.upstream import not_forwarded, prefers, translate
from videos.upstream.base import Connection, OutcomeUnknown, Phase, Progress, Reason, Submission, Upstream
from videos.upstream.connections import connect
from videos.upstream.tencent import vod

LINK = "https://x.example/1.mp4?sign=a"
FILE = {"FileUrl": LINK, "MetaData": {"Width": 1920, "Height": 1080, "Duration": 5.04}}


def detail(status: str, task: dict[str, Any] | None = None, **inner: Any) -> dict[str, Any]:
    """An answer about a task; `inner` are fields of its body."""
    base = {"Status": status, "ErrCode": 0, "ErrCodeExt": "", "Message": ""}
    return {"TaskType": "AigcVideoTask", "Status": status, "AigcVideoTask": task or {**base, **inner}}


def failing(code: str, message: str = "", number: int = 70000) -> dict[str, Any]:
    return detail("FINISH", ErrCode=number, ErrCodeExt=code, Message=message, Output={"FileInfos": []})


def done(file: Any) -> dict[str, Any]:
    return detail("FINISH", Output={"FileInfos": [file]})


POLICY, OURS = Reason(is_content_policy=True), Reason(is_ours=True)
FULL = "task reached the maximum concurrency"
ANSWERS: list[tuple[dict[str, Any], Progress]] = [
    (detail("WAITING"), Progress(Phase.WAITING, "WAITING")),
    (detail("PROCESSING"), Progress(Phase.RUNNING, "PROCESSING")),
    (
        {"Status": "PROCESSING", "AigcVideoTask": None, "RequestId": "r"},
        Progress(Phase.RUNNING, "PROCESSING", request_id="r"),
    ),
    (done(FILE), Progress(Phase.DONE, "FINISH", (LINK,), "1920x1080")),
    (done(FILE | {"MetaData": None}), Progress(Phase.DONE, "FINISH", (LINK,))),
    (
        done(FILE | {"MetaData": {"Width": "720", "Height": "1280"}}),
        Progress(Phase.DONE, "FINISH", (LINK,), "720x1280"),
    ),
    (done(FILE | {"MetaData": {"Width": 0, "Height": 720}}), Progress(Phase.DONE, "FINISH", (LINK,))),
    # Without a link and without an error the link may be late.
    (detail("FINISH", Output=None), Progress(Phase.DONE, "FINISH")),
    (done({"FileUrl": ""}), Progress(Phase.DONE, "FINISH")),
    ({"Status": "FINISH"}, Progress(Phase.DONE, "FINISH")),
    # The body of the task may be ahead of the task, or behind it.
    (
        {"Status": "PROCESSING", "AigcVideoTask": done(FILE)["AigcVideoTask"]},
        Progress(Phase.DONE, "FINISH", (LINK,), "1920x1080"),
    ),
    (detail("FINISH", {"Status": "PROCESSING"}), Progress(Phase.DONE, "FINISH")),
    ({"AigcVideoTask": {"Status": "PROCESSING"}}, Progress(Phase.RUNNING, "PROCESSING")),
    (detail("ABORTED", {"Status": "PROCESSING"}), Progress(Phase.FAILED, "ABORTED")),
    (detail("PAUSED"), Progress(Phase.UNKNOWN, "PAUSED")),
    (detail("finish"), Progress(Phase.UNKNOWN, "finish")),
    ({}, Progress(Phase.UNKNOWN, "")),
    # Failures.
    (failing("", "Boom."), Progress(Phase.FAILED, "FINISH", message="Boom.")),
    (failing("", "Boom.", 40000), Progress(Phase.FAILED, "FINISH", message="Boom.")),
    (failing("ModelGenerateFailed"), Progress(Phase.FAILED, "FINISH", message="ModelGenerateFailed")),
    (failing("TaskTimeout", "Boom.", 0), Progress(Phase.FAILED, "FINISH", message="Boom.")),
    (
        failing("InvalidParameter.VoilationContent", "No."),
        Progress(Phase.FAILED, "FINISH", message="No.", reason=POLICY),
    ),
    (
        failing("", "Input Prompt violates policy"),
        Progress(Phase.FAILED, "FINISH", message="Input Prompt violates policy", reason=POLICY),
    ),
    (
        failing("RequestLimitExceeded", "No."),
        Progress(Phase.FAILED, "FINISH", message="No.", reason=OURS, never_ran=True),
    ),
    (failing("", FULL), Progress(Phase.FAILED, "FINISH", message=FULL, reason=OURS, never_ran=True)),
    (failing("", FULL, 60000), Progress(Phase.FAILED, "FINISH", message=FULL, reason=OURS)),
    (failing("OperationCanceled", "No."), Progress(Phase.FAILED, "FINISH", message="No.", reason=OURS)),
]


@pytest.mark.parametrize(("answer", "progress"), ANSWERS, ids=[str(answer)[:90] for answer, _ in ANSWERS])
def test_an_answer_is_parsed(answer: dict[str, Any], progress: Progress) -> None:
    assert vod.progress(answer) == progress


@each("number, phase", [(0, Phase.DONE), (0.0, Phase.DONE), ("0", Phase.DONE), (None, Phase.DONE)])
def test_a_finished_task_without_an_error_is_done(number: Any, phase: Phase) -> None:
    answer = detail("FINISH", ErrCode=number, ErrCodeExt=None, Output={"FileInfos": [FILE]})
    assert vod.progress(answer).phase is phase


@each("number", [70000, "70000", 70000.0, -1, "x", [], True])
def test_a_finished_task_with_an_error_failed_even_if_it_has_a_file(number: Any) -> None:
    answer = detail("FINISH", ErrCode=number, Message=FULL, Output={"FileInfos": [FILE]})
    progress = vod.progress(answer)
    assert (progress.phase, progress.never_ran) == (Phase.FAILED, False)


# --- the format


def sent(model: str, **fields: Any) -> dict[str, Any]:
    body = {"model": model, "seconds": "5", "prompt": "a cat", **fields}
    return translate(parse(body), Product.VOD, Submission()).payload


def image(number: int, usage: str, **more: str) -> dict[str, str]:
    url = f"https://x.example/{number}.png"
    return {"Type": "Url", "Category": "Image", "Url": url, "Usage": usage, **more}


PICTURES = [f"https://x.example/{number}.png" for number in range(3)]
CLIP = "https://x.example/1.mp4"


def test_two_images_are_first_and_last_frame() -> None:
    payload = sent("Kling-3.0-1080p", images=PICTURES[:2])
    assert payload["FileInfos"] == [image(0, "FirstFrame")]
    assert payload["LastFrameUrl"] == PICTURES[1]


def test_one_image_of_a_model_that_takes_references_is_still_a_reference() -> None:
    """Upstream takes a single image without a usage for the first frame, which this model cannot take."""
    assert sent("Vidu-q2-720p", images=PICTURES[:1])["FileInfos"] == [image(0, "Reference")]


def test_all_files_beside_a_video_are_references() -> None:
    payload = sent("Kling-3.0-omni-1080p", images=PICTURES[:1], videos=[CLIP])
    video = {"Type": "Url", "Category": "Video", "Url": CLIP, "Usage": "Reference"}
    assert payload["FileInfos"] == [image(0, "Reference"), video]
    assert "LastFrameUrl" not in payload


def test_a_subject_has_its_voice() -> None:
    subjects = {"vidu_q2_object_ids": ["girl", "dog"], "vidu_q2_voice_map": {"dog": "v-1"}}
    payload = sent("Vidu-q2-720p", images=PICTURES[:2], metadata=subjects)
    girl, dog = image(0, "Reference", ObjectId="girl"), image(1, "Reference", ObjectId="dog", VoiceId="v-1")
    assert payload["FileInfos"] == [girl, dog]


def test_all_options_have_their_fields() -> None:
    switches = dict.fromkeys(vod.OUTPUT_FIELDS, "Disabled") | {"PersonGeneration": "AllowAdult"}
    given = {"output_config": switches | {"LogoAdd": True}, "input_region": "Oversea"}
    payload = sent("Vidu-q2-720p", metadata=given | {"enhance_prompt": False, "aspect_ratio": "4:3"})
    assert payload["OutputConfig"] == {
        "Duration": 5,
        "Resolution": "720P",
        "AspectRatio": "4:3",
        **switches,
        "LogoAdd": "Enabled",
    }
    assert (payload["InputRegion"], payload["EnhancePrompt"]) == ("Oversea", "Disabled")
    assert {*vod.OUTPUT_FIELDS} == {*metadata.OUTPUT_FIELDS} - {"Resolution"}


@each("form", ["object", "text", "nested text"])
def test_parameters_of_the_model_are_text_inside_text(form: str) -> None:
    parameters: Any = {"camera_control": {"type": "simple", "zoom": 1}}
    ext_info: Any = {"AdditionalParameters": json.dumps(parameters) if form == "nested text" else parameters}
    given = {"ext_info": ext_info | {"extra": 1} if form == "object" else json.dumps(ext_info | {"extra": 1})}
    opened = json.loads(sent("Kling-3.0-1080p", metadata=given)["ExtInfo"])
    assert opened == {"AdditionalParameters": json.dumps(parameters), "extra": 1}


def test_numbers_are_sent_as_they_were_written() -> None:
    written = '{"AdditionalParameters": {"zoom": 1.10, "id": 9007199254740993}, "weight": 2.50}'
    text = sent("Kling-3.0-1080p", metadata={"ext_info": written})["ExtInfo"]
    assert all(number in text for number in ("1.10", "9007199254740993", "2.50"))


def test_a_session_is_sent_only_if_there_is_one() -> None:
    request = parse({"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat"})
    payload = translate(request, Product.VOD, Submission(session="s-1")).payload
    assert (payload["SessionId"], payload["SessionContext"]) == ("s-1", "s-1")
    assert not {"SessionId", "SessionContext"} & {*translate(request, Product.VOD, Submission()).payload}


_UNUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"metadata": {"ext_info": {"extra": 1}, "input_region": "Oversea"}}, []),
    ({"user": "u-1"}, ["user"]),
    ({"metadata": {"scene_type": "template_effect"}}, ["metadata.scene_type"]),
    ({"metadata": {"SceneType": "motion_control"}}, []),
]


@each("given, unused", _UNUSED)
def test_only_what_has_no_field_is_listed(given: dict[str, Any], unused: list[str]) -> None:
    body = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat", **given}
    assert not_forwarded(parse(body), Product.VOD) == unused


def test_subjects_and_voices_without_an_image_are_listed() -> None:
    subjects = {"vidu_q2_object_ids": ["girl"], "vidu_q2_voice_map": {"girl": "v-1"}}
    body = {"model": "Vidu-q2-720p", "seconds": "5", "prompt": "a cat", "metadata": subjects}
    names = [f"metadata.{name}" for name in subjects]
    assert not_forwarded(parse(body), Product.VOD) == names
    assert not_forwarded(parse(body | {"images": PICTURES[:1]}), Product.VOD) == []


def test_the_product_with_more_of_the_options_is_preferred() -> None:
    plain = parse({"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat"})
    far = parse(plain.as_body() | {"metadata": {"input_region": "Oversea"}})
    assert prefers(plain, to_bucket=False) is None
    assert prefers(plain, to_bucket=True) is Product.MPS
    assert prefers(far, to_bucket=False) is prefers(far, to_bucket=True) is Product.VOD


# --- finding a task

SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
CONNECTION = Connection(Product.VOD, "https://vod.example", "AKIDx", "y", sub_app_id=1500000001)


def listing(*pages: dict[str, Any]) -> tuple[Upstream, list[dict[str, Any]]]:
    """An account that answers with these pages, the last one again and again, and the bodies it got."""
    left, bodies = list(pages), []

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-tc-action"] == "DescribeTasks"
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"Response": left.pop(0) if len(left) > 1 else left[0]})

    transport = httpx.MockTransport(handle)
    return connect(CONNECTION, create_timeout=1, describe_timeout=1, transport=transport), bodies


def row(session: str | None, task_id: str = "t-1") -> dict[str, Any]:
    return {"TaskId": task_id, "SessionId": session, "Status": "FINISH"}


def page(*rows: Any, token: str = "") -> dict[str, Any]:
    return {"TaskSet": list(rows), "ScrollToken": token, "RequestId": "r"}


def test_a_task_is_found_by_its_session_on_a_later_page() -> None:
    upstream, bodies = listing(page(row("s-2"), row(None), token="next"), page(row(""), row("s-1", "t-9")))
    assert asyncio.run(upstream.find("s-1", SINCE, UNTIL)) == "t-9"
    first = {
        "SubAppId": 1500000001,
        "CreateTime": {"After": "2026-11-20T12:00:00Z", "Before": "2026-11-20T13:00:00Z"},
        "Sort": {"Field": "CreateTime", "Order": "Asc"},
        "Limit": 100,
    }
    assert bodies == [first, first | {"ScrollToken": "next"}]


@each("only", [page(row("s-2")), page(), {"TaskSet": None}, {}, page("s-1", None, [])])
def test_a_task_that_is_not_listed_is_not_found(only: dict[str, Any]) -> None:
    assert asyncio.run(listing(only)[0].find("s-1", SINCE, UNTIL)) is None


def test_tasks_without_a_session_are_never_found() -> None:
    upstream, bodies = listing(page(row("")))
    assert asyncio.run(upstream.find("", SINCE, UNTIL)) is None
    assert bodies == []


@each(
    "only", [page(row("s-2"), token="next"), {"TaskSet": "t-1"}, {"TaskSet": {"a": 1}}, page(row("s-1", ""))]
)
def test_a_list_that_cannot_be_read_to_its_end_does_not_mean_that_there_is_no_task(
    only: dict[str, Any],
) -> None:
    upstream, bodies = listing(only)
    with pytest.raises(OutcomeUnknown):
        asyncio.run(upstream.find("s-1", SINCE, UNTIL))
    assert len(bodies) <= 100
