"""The sandbox upstream answers as MPS does, enforces its limits and fails on demand."""

import http.client
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.sandbox import ALICE, BOB, KEYS, KLING, NOW, VIDEO, Sandbox, running, signed_headers
from videos.sandbox.clip import Clip, clip_of, frame_size
from videos.sandbox.limits import CallLimits, SlidingWindow
from videos.sandbox.mps import check_create, check_describe
from videos.sandbox.options import parse_options
from videos.sandbox.protocol import (
    CREATE,
    DESCRIBE,
    DESCRIBE_DETAIL,
    LIST,
    MPS,
    VOD,
    Action,
    ApiError,
    authenticate,
)
from videos.sandbox.results import ResultLinks
from videos.sandbox.scripts import ScriptQueue, behaviours_in, parse_script
from videos.sandbox.store import TaskStore
from videos.sandbox.tasks import GenerationTimes, Owner, SandboxTask
from videos.sandbox.verbs import ScriptError, make_behaviour
from videos.upstream.tencent.signing import Credential

# --- limits


@pytest.mark.parametrize(
    ("arrivals", "let_in"),
    [
        ([0.0, 0.1, 0.2], [True, True, False]),
        ([0.0, 0.5, 0.999], [True, True, False]),
        ([0.0, 0.5, 1.0], [True, True, True]),
        (
            [0.75, 0.875, 1.0, 1.625, 1.75],
            [True, True, False, False, True],
        ),  # any sliding second, not each calendar second
        (
            [0.0, 0.0, 0.9, 0.95, 1.0, 1.0],
            [True, True, False, False, True, True],
        ),  # refused ones do not count
    ],
)
def test_any_sliding_second_has_at_most_the_limit_of_calls(arrivals: list[float], let_in: list[bool]) -> None:
    window = SlidingWindow(2)
    assert [_arrive(window, now) for now in arrivals] == let_in


def _arrive(window: SlidingWindow, now: float) -> bool:
    if window.full(now):
        return False
    window.take(now)
    return True


def test_each_account_and_action_is_limited_separately() -> None:
    limits = CallLimits({CREATE: 1, DESCRIBE: 1})
    limits.window("alice", CREATE).take(0.0)
    assert limits.window("alice", CREATE).full(0.5)
    assert not limits.window("bob", CREATE).full(0.5)
    assert not limits.window("alice", DESCRIBE).full(0.5)


# --- authentication


def refusal_of(headers: dict[str, str], body: bytes = b"{}", now: float = NOW) -> str:
    with pytest.raises(ApiError) as refused:
        authenticate(headers, body, KEYS, now=now)
    return refused.value.code


def test_a_signed_call_is_attributed_to_its_account() -> None:
    assert authenticate(signed_headers(BOB), b"{}", KEYS, now=NOW + 300) == BOB.secret_id


def test_an_unsigned_payload_is_accepted_if_declared() -> None:
    headers = signed_headers(body=b"UNSIGNED-PAYLOAD") | {"X-TC-Content-SHA256": "UNSIGNED-PAYLOAD"}
    assert authenticate(headers, b'{"any": "thing"}', KEYS, now=NOW) == ALICE.secret_id


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Host", "X-TC-Action", "X-TC-Timestamp"])
def test_a_call_without_a_required_header_is_refused(name: str) -> None:
    headers = signed_headers()
    del headers[name]
    assert refusal_of(headers) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Authorization": "Bearer abc"}, "AuthFailure.InvalidAuthorization"),
        ({"X-TC-Timestamp": "yesterday"}, "AuthFailure.InvalidAuthorization"),
        ({"Host": "elsewhere.example"}, "AuthFailure.SignatureFailure"),
        ({"Content-Type": "application/json; charset=utf-8"}, "AuthFailure.SignatureFailure"),
        ({"X-TC-Timestamp": str(NOW - 86_400)}, "AuthFailure.SignatureExpire"),
    ],
)
def test_a_header_changed_after_signing_is_refused(changes: dict[str, str], code: str) -> None:
    assert refusal_of(signed_headers() | changes) == code


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_clock_off_by_more_than_five_minutes_is_refused(skew: int) -> None:
    assert refusal_of(signed_headers(), now=NOW + skew) == "AuthFailure.SignatureExpire"


def test_wrong_keys_bodies_services_and_header_lists_are_refused() -> None:
    stranger, forger = Credential("AKIDnobody", "x"), Credential(ALICE.secret_id, "guessed")
    assert refusal_of(signed_headers(stranger)) == "AuthFailure.SecretIdNotFound"
    assert refusal_of(signed_headers(forger)) == "AuthFailure.SignatureFailure"
    assert refusal_of(signed_headers(), body=b'{"Duration": 10}') == "AuthFailure.SignatureFailure"
    assert refusal_of(signed_headers(service=VOD)) == "AuthFailure.InvalidAuthorization"
    assert refusal_of(signed_headers(version="2018-07-17")) == "AuthFailure.InvalidAuthorization"
    assert (
        refusal_of(signed_headers(service="cvm", version="2017-03-12")) == "AuthFailure.InvalidAuthorization"
    )
    unhosted = signed_headers()
    unhosted["Authorization"] = unhosted["Authorization"].replace("content-type;host", "content-type")
    assert refusal_of(unhosted) == "AuthFailure.InvalidAuthorization"


# --- validation

PICTURE = "https://cdn.example.com/1.png"
CLIP_URL = "https://cdn.example.com/1.mp4"
HAILUO_1080P = {"ModelName": "Hailuo", "ModelVersion": "2.3", "ExtraParameters": {"Resolution": "1080P"}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Prompt": None, "ImageUrl": PICTURE},
        {"ModelVersion": "O1", "ImageInfos": [{"ImageUrl": PICTURE, "ReferenceType": "asset"}]},
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP_URL, "ReferType": "feature"}]},
        {"ModelVersion": "O1", "VideoInfos": [{"VideoUrl": CLIP_URL, "KeepOriginalSound": "no"}]},
        {"ExtraParameters": {"Resolution": "1080P", "AspectRatio": "9:16", "LogoAdd": 1, "EnableAudio": True,
                             "OffPeak": False, "EnableBgm": False}},
        {"StoreCosParam": {"CosBucketName": "b-1", "CosBucketRegion": "ap-guangzhou", "CosBucketPath": "x"}},
        {"StoreCosParam": {"CosBucketName": "my-films-1250000000", "CosBucketRegion": "na-siliconvalley"}},
        {"StoreCosParam": None},
        {"AdditionalParameters": '{"camera_control": {"type": "simple"}}'},
        HAILUO_1080P | {"Duration": 6},
        {"ModelName": "Vidu", "ModelVersion": "q2", "Duration": 1, "SceneType": "template_effect"},
        {"ModelVersion": None, "Duration": None, "Operator": "reelay", "EnhancePrompt": False},
        {"NegativePrompt": "dogs", "SubjectInfos": [{"Id": "1"}], "AudioInfos": [{"AudioUrl": PICTURE}]},
    ],
)  # fmt: skip
def test_documented_values_are_accepted(changes: dict[str, Any]) -> None:
    check_create(KLING | changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Seed": 1}, "UnknownParameter"),
        ({"ExtraParameters": {"resolution": "720P"}}, "UnknownParameter"),
        ({"ImageInfos": [{"Url": PICTURE}]}, "UnknownParameter"),
        ({"Duration": "5"}, "InvalidParameter"),
        ({"Duration": 5.0}, "InvalidParameter"),
        ({"Duration": True}, "InvalidParameter"),
        ({"EnhancePrompt": "Enabled"}, "InvalidParameter"),
        ({"ExtraParameters": {"LogoAdd": True}}, "InvalidParameter"),
        ({"ExtraParameters": {"EnableAudio": 1}}, "InvalidParameter"),
        ({"ImageInfos": {"ImageUrl": PICTURE}}, "InvalidParameter"),
        ({"ImageInfos": [PICTURE]}, "InvalidParameter"),
        ({"AdditionalParameters": {"multi_shot": True}}, "InvalidParameter"),
        ({"AdditionalParameters": "[1]"}, "InvalidParameterValue"),
        ({"AdditionalParameters": "{"}, "InvalidParameterValue"),
        ({"ModelName": "Sora"}, "InvalidParameterValue"),
        ({"ModelName": "kling"}, "InvalidParameterValue"),
        ({"ModelVersion": "9"}, "InvalidParameterValue"),
        ({"Duration": 7}, "InvalidParameterValue"),
        ({"ExtraParameters": {"Resolution": "720p"}}, "InvalidParameterValue"),
        ({"ExtraParameters": {"AspectRatio": "16x9"}}, "InvalidParameterValue"),
        ({"ExtraParameters": {"LogoAdd": 2}}, "InvalidParameterValue"),
        ({"SceneType": "opera"}, "InvalidParameterValue"),
        ({"Prompt": "x" * 2001}, "InvalidParameterValue"),
        (HAILUO_1080P | {"Duration": 10}, "InvalidParameterValue"),
        ({"ImageUrl": PICTURE, "VideoInfos": [{"VideoUrl": CLIP_URL}]}, "InvalidParameterValue"),
        ({"VideoInfos": [{"VideoUrl": CLIP_URL, "ReferType": "Base"}]}, "InvalidParameterValue"),
        ({"ImageUrl": "file:///etc/passwd"}, "InvalidParameter.InvalidUrl"),
        ({"Prompt": ""}, "MissingParameter"),
        ({"ModelName": None}, "MissingParameter"),
        ({"StoreCosParam": {}}, "MissingParameter"),
        ({"StoreCosParam": {"CosBucketName": "b-1"}}, "MissingParameter"),
        ({"StoreCosParam": {"CosBucketRegion": "ap-guangzhou"}}, "MissingParameter"),
        ({"StoreCosParam": {"CosBucketName": "b-1", "CosBucketRegion": ""}}, "MissingParameter"),
        ({"StoreCosParam": {"CosBucketName": "films", "CosBucketRegion": "ap-guangzhou"}},
         "ResourceNotFound.CosBucketNameInvalid"),
        ({"StoreCosParam": {"CosBucketName": "b-1", "CosBucketRegion": "Guangzhou"}},
         "InvalidParameterValue"),
        ({"StoreCosParam": {"CosBucketName": 1, "CosBucketRegion": "ap-guangzhou"}}, "InvalidParameter"),
        ({"StoreCosParam": {"CosBucketName": "b-1", "CosBucketRegion": "ap-guangzhou", "CosBucketPath": 1}},
         "InvalidParameter"),
        ({"StoreCosParam": {"Bucket": "b-1"}}, "UnknownParameter"),
        ({"StoreCosParam": "b-1"}, "InvalidParameter"),
    ],
)  # fmt: skip
def test_undocumented_values_are_refused_with_their_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_create(KLING | changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, "MissingParameter"),
        ({"TaskId": 4}, "InvalidParameter"),
        ({"TaskId": "4", "SubAppId": 1}, "UnknownParameter"),
    ],
)
def test_describe_takes_exactly_one_task_id(payload: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_describe(payload)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("720P", "16:9", (1280, 720)),
        ("720P", "9:16", (720, 1280)),
        ("720P", "1:1", (720, 720)),
        ("720P", "4:3", (960, 720)),
        ("720P", "3:4", (720, 960)),
        ("720P", "21:9", (1680, 720)),
        ("768P", "16:9", (1366, 768)),
        ("1080P", "16:9", (1920, 1080)),
        ("540P", "16:9", (960, 540)),
        ("2K", "16:9", (2560, 1440)),
        ("4K", "9:16", (2160, 3840)),
    ],
)
def test_resolution_and_ratio_determine_the_frame_size(
    resolution: str, ratio: str, size: tuple[int, int]
) -> None:
    assert frame_size(resolution, ratio) == size


def test_a_clip_matches_its_create_call() -> None:
    asked = KLING | {"ExtraParameters": {"Resolution": "1080P", "AspectRatio": "1:1", "EnableAudio": True}}
    assert clip_of(MPS, asked) == Clip("a cat runs", "Kling 2.5", 1080, 1080, 5, audio=True)
    assert clip_of(MPS, {"ModelName": "Hailuo", "Prompt": "x"}) == Clip("x", "Hailuo", 1366, 768, 6)


# --- tasks


def make_task(**changes: Any) -> SandboxTask:
    task = TaskStore(GenerationTimes(10)).accept(Owner(MPS, ALICE.secret_id), KLING, 100.0)
    for name, value in changes.items():
        setattr(task, name, value)
    return task


@pytest.mark.parametrize(
    ("changes", "now", "status"),
    [
        ({}, 100.0, "WAIT"),
        ({}, 100.9, "WAIT"),
        ({}, 101.0, "RUN"),
        ({"file_ready_at": 102.0}, 109.9, "RUN"),
        ({"file_ready_at": 102.0}, 110.0, "DONE"),
        ({}, 999.0, "RUN"),  # its time has passed but its file is not ready
        ({"file_ready_at": 120.0}, 119.9, "RUN"),
        ({"file_ready_at": 120.0}, 120.0, "DONE"),
        ({"failure": "no"}, 109.9, "RUN"),
        ({"failure": "no"}, 110.0, "FAIL"),
        ({"status_word": "PAUSED"}, 105.0, "PAUSED"),
        ({"status_word": "PAUSED", "file_ready_at": 102.0}, 110.0, "DONE"),
    ],
)
def test_a_task_is_done_once_its_time_has_passed_and_its_file_is_ready(
    changes: dict[str, Any], now: float, status: str
) -> None:
    assert make_task(**changes).status(now) == status


def test_finish_ends_a_task_at_once_if_its_file_is_ready() -> None:
    task = make_task(file_ready_at=102.0)
    task.finish(103.0)
    assert (task.status(103.0), task.ended_at) == ("DONE", 103.0)


def test_generation_times_are_reproducible_and_never_negative() -> None:
    first, second = GenerationTimes(1, 5, seed=7), GenerationTimes(1, 5, seed=7)
    drawn = [first.draw() for _ in range(200)]
    assert drawn == [second.draw() for _ in range(200)]
    assert min(drawn) == 0
    assert len(set(drawn)) > 50
    assert GenerationTimes(8).draw() == 8


# --- scripts


def test_scripts_are_used_in_order() -> None:
    book = ScriptQueue()
    book.add(parse_script({"action": CREATE, "do": "throttle", "times": 2}))
    book.add(parse_script({"action": CREATE, "do": "drop_before", "prompt_contains": "cat"}))
    book.add(parse_script({"action": CREATE, "do": "malformed", "times": None}))
    matched = [
        book.match(Action(MPS, CREATE), "AKIDalice", prompt) for prompt in ("dog", "cat", "dog", "cat", "cat")
    ]
    assert [found and found.verb for found in matched] == [
        "throttle",
        "throttle",
        "malformed",
        "drop_before",
        "malformed",
    ]
    assert book.match(Action(MPS, DESCRIBE), "AKIDalice", "cat") is None
    assert len(book) == 1


@pytest.mark.parametrize(
    "document",
    [
        "throttle",
        {"do": "throttle"},
        {"action": "Other", "do": "throttle"},
        {"action": CREATE, "do": "explode"},
        {"action": CREATE, "do": "throttle", "times": "2"},
        {"action": CREATE, "do": "throttle", "seconds": 2},
        {"action": CREATE, "do": "delay", "seconds": "long"},
        {"action": CREATE, "do": "broken_result", "kind": "melted"},
        {"action": CREATE, "do": "throttle", "product": "cos"},
        {"action": CREATE, "do": "throttle", "secret_id": 1},
        {"action": [CREATE], "do": "throttle"},
        {"action": DESCRIBE, "do": "throttle", "product": VOD},
        {"action": DESCRIBE_DETAIL, "do": "throttle", "product": MPS},
        {"action": DESCRIBE, "do": "never_end"},
        {"action": LIST, "do": "done_without_url"},
    ],
)
def test_an_invalid_script_is_refused(document: object) -> None:
    with pytest.raises(ScriptError):
        parse_script(document)


@pytest.mark.parametrize(
    ("prompt", "verb", "arguments"),
    [
        ("a cat [sandbox: never_end]", "never_end", {}),
        ("[sandbox:generation_seconds 3] a cat", "generation_seconds", {"seconds": 3}),
        ('[sandbox: fail message="too many cats"]', "fail", {"message": "too many cats"}),
        ("[sandbox: fail No InternalError 60000]", "fail",
         {"message": "No", "code": "InternalError", "err_code": 60000}),
        ("[sandbox: refuse code=LimitExceeded]", "refuse",
         {"code": "LimitExceeded", "message": "Refused by a script."}),
        ("[sandbox: broken_result 404 times=null]", "broken_result", {"kind": "404", "times": None}),
        ("[sandbox: hang seconds=1.5 accepted=false]", "hang", {"seconds": 1.5, "accepted": False}),
    ],
)  # fmt: skip
def test_a_prompt_can_contain_a_directive(prompt: str, verb: str, arguments: dict[str, Any]) -> None:
    assert behaviours_in(prompt) == [make_behaviour(verb, arguments)]


def test_a_prompt_can_contain_several_directives_and_ordinary_brackets() -> None:
    found = behaviours_in("[sandbox: generation_seconds 1] a [red] cat [sandbox: done_without_url 2]")
    assert [behaviour.verb for behaviour in found] == ["generation_seconds", "done_without_url"]


@pytest.mark.parametrize("prompt", ["[sandbox: explode]", "[sandbox: delay now]", '[sandbox: fail "open]'])
def test_an_invalid_directive_in_a_prompt_is_an_error(prompt: str) -> None:
    with pytest.raises(ScriptError):
        behaviours_in(prompt)


# --- options


def test_credentials_come_from_arguments_or_environment_and_are_not_shown() -> None:
    assert parse_options([], {}).keys == {"AKIDsandbox": "sandbox-secret-key"}
    assert parse_options([], {"SANDBOX_CREDENTIALS": "a:1, b:2"}).keys == {"a": "1", "b": "2"}
    given = parse_options(
        ["--credential", "c:secret:3", "--canned", "--seed", "4"], {"SANDBOX_CREDENTIALS": "a:1"}
    )
    assert (given.keys, given.canned, given.seed) == ({"c": "secret:3"}, True, 4)
    assert "secret:3" not in repr(given)


def test_a_credential_without_a_key_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--credential", "lonely"], {})
    assert "SECRET_ID:SECRET_KEY" in capsys.readouterr().err


def test_an_invalid_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--port", "65536"], {})
    assert "--port is 65536: 0 to 65535 is allowed" in capsys.readouterr().err


# --- documentation

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"], {})
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options
    assert all(option in PAGE for option in options)


# --- over HTTP


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running(tmp_path) as sandbox:
        yield sandbox


def test_a_task_is_created_described_and_downloaded(sandbox: Sandbox) -> None:
    task_id = sandbox.create(ExtraParameters={"Resolution": "1080P"})
    assert re.fullmatch(r"4-AigcVideo-[0-9a-f]{32}", task_id)
    waiting = sandbox.describe(task_id)
    assert (waiting["Status"], waiting["VideoUrls"]) == ("WAIT", [])

    answer = sandbox.done(task_id)
    assert (answer["Status"], answer["Resolution"], answer["Message"]) == ("DONE", "1920x1080", "ok")
    (url,) = answer["VideoUrls"]
    assert sandbox.download(url)[::2] == (200, VIDEO)
    assert sandbox.download(url)[1]["Content-Type"] == "video/mp4"
    assert sandbox.download(url, Range="bytes=4-9")[::2] == (206, VIDEO[4:10])
    assert sandbox.download(url, "HEAD")[1]["Content-Length"] == str(len(VIDEO))


def test_a_modified_link_is_refused(sandbox: Sandbox) -> None:
    (url,) = sandbox.done(sandbox.create())["VideoUrls"]
    later = re.sub(r"expires=\d+", "expires=9999999999", url)
    assert sandbox.download(later)[0] == 403
    assert sandbox.download(url.partition("?")[0])[0] == 403


def test_a_link_expires(tmp_path: Path) -> None:
    with running(tmp_path, link_life=0) as sandbox:
        (url,) = sandbox.done(sandbox.create())["VideoUrls"]
        assert sandbox.download(url)[::2] == (403, b"link expired")


def test_links_start_with_the_public_url_and_last_twelve_hours() -> None:
    links = ResultLinks(TaskStore(GenerationTimes(0)), life=43_200, public_url="https://sandbox.example/")
    link = links.link(make_task(file_ready_at=200.0), "http://127.0.0.1:1")
    assert link.startswith("https://sandbox.example/results/4-AigcVideo-")
    assert link.endswith(f"expires={200 + 43_200}")


def test_a_result_stored_in_a_bucket_has_a_bare_link(sandbox: Sandbox) -> None:
    store = {"CosBucketName": "films-1", "CosBucketRegion": "ap-guangzhou", "CosBucketPath": "/task_1/"}
    task_id = sandbox.create(StoreCosParam=store)
    (url,) = sandbox.done(task_id)["VideoUrls"]
    assert url == f"http://{sandbox.host}/buckets/ap-guangzhou/films-1/task_1/{task_id}.mp4"
    assert sandbox.download(url)[::2] == (200, VIDEO)
    assert sandbox.download(f"{url}x")[0] == 404


def test_another_accounts_task_is_not_found(sandbox: Sandbox) -> None:
    task_id = sandbox.create()
    answers = [sandbox.call(DESCRIBE, {"TaskId": wanted}, BOB) for wanted in (task_id, "4-AigcVideo-none")]
    assert [answer["Error"]["Code"] for answer in answers] == ["ResourceNotFound.TaskNotFound"] * 2


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        ("DeleteAigcVideoTask", {}, "InvalidAction"),
        (DESCRIBE_DETAIL, {}, "InvalidAction"),
        (CREATE, {"X-TC-Version": "2017-01-01"}, "NoSuchVersion"),
        (CREATE, {"X-TC-Version": "2018-07-17"}, "AuthFailure.InvalidAuthorization"),
        (CREATE, {"X-TC-Timestamp": "1"}, "AuthFailure.SignatureExpire"),
        (CREATE, {}, "InvalidRequest"),
    ],
)
def test_refusals_come_in_the_envelope_with_http_200(
    sandbox: Sandbox, action: str, changes: dict[str, str], code: str
) -> None:
    assert sandbox.call(action, ["not an object"], ALICE, **changes)["Error"]["Code"] == code


def test_a_body_of_over_ten_megabytes_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.call(CREATE, KLING | {"NegativePrompt": "x" * 10_485_760})
    assert answer["Error"]["Code"] == "RequestSizeLimitExceeded"


def test_the_eleventh_create_of_a_second_is_refused_and_counted(sandbox: Sandbox) -> None:
    answers = [sandbox.call(CREATE, KLING) for _ in range(12)]
    assert [answer.get("Error", {}).get("Code") for answer in answers] == [None] * 10 + [
        "RequestLimitExceeded"
    ] * 2
    assert "TaskId" in sandbox.call(CREATE, KLING, BOB)
    state = sandbox.state()
    assert state["creates"] == {"accepted": 11, "refused": 2}
    assert state["refused_for_limits"] == 2
    assert [word for _, _, word, _ in state["arrivals"]][8:] == ["accepted"] * 2 + [
        "RequestLimitExceeded"
    ] * 2 + ["accepted"]
    assert len(state["tasks"]) == 11


def test_a_refusal_by_script_creates_nothing(sandbox: Sandbox) -> None:
    sandbox.script(action=CREATE, do="refuse", code="FailedOperation.UserArrears", message="Pay first.")
    assert sandbox.call(CREATE, KLING)["Error"] == {
        "Code": "FailedOperation.UserArrears",
        "Message": "Pay first.",
    }
    assert sandbox.state()["tasks"] == []
    assert "TaskId" in sandbox.call(CREATE, KLING)


def test_a_scripted_throttle_does_not_count_as_a_breach_of_the_limit(sandbox: Sandbox) -> None:
    sandbox.script(action=CREATE, do="throttle", times=None)
    codes = {sandbox.call(CREATE, KLING)["Error"]["Code"] for _ in range(12)}
    assert codes == {"RequestLimitExceeded"}
    assert sandbox.state()["refused_for_limits"] == 0


@pytest.mark.parametrize(("verb", "tasks"), [("drop_before", 0), ("drop_after_accept", 1)])
def test_a_dropped_connection_leaves_the_outcome_unknown(sandbox: Sandbox, verb: str, tasks: int) -> None:
    sandbox.script(action=CREATE, do=verb, prompt_contains="cat")
    with pytest.raises(http.client.RemoteDisconnected):
        sandbox.create("a cat runs")
    assert len(sandbox.state()["tasks"]) == tasks
    assert sandbox.create("a cat runs")


def test_scripted_answers_can_be_late_broken_or_plain_http_errors(sandbox: Sandbox) -> None:
    sandbox.control("scripts", [
        {"action": CREATE, "do": "delay", "seconds": 0.1},
        {"action": CREATE, "do": "hang", "seconds": 0.1},
        {"action": CREATE, "do": "malformed"},
        {"action": CREATE, "do": "http_status", "status": 503, "body": "<h1>busy</h1>"},
        {"action": CREATE, "do": "http_status", "accepted": True},
    ])  # fmt: skip
    started = time.monotonic()
    assert sandbox.create()
    assert time.monotonic() - started >= 0.1
    with pytest.raises(http.client.RemoteDisconnected):
        sandbox.create()
    with pytest.raises(ValueError, match="Unterminated"):
        sandbox.create()
    assert sandbox.raw_call(CREATE, KLING) == (503, b"<h1>busy</h1>")
    assert sandbox.raw_call(CREATE, KLING)[0] == 502
    assert len(sandbox.state()["tasks"]) == 4  # all but the 503 were accepted


def test_a_task_can_fail_with_a_message(sandbox: Sandbox) -> None:
    answer = sandbox.done(sandbox.create('[sandbox: fail message="Input Prompt violates policy"]'))
    assert (answer["Status"], answer["VideoUrls"]) == ("FAIL", [])
    assert answer["Message"] == "Input Prompt violates policy"


def test_a_task_that_cannot_be_rendered_fails(sandbox: Sandbox) -> None:
    assert sandbox.done(sandbox.create("unrenderable"))["Message"] == "Rendering failed: no space left"


def test_a_task_can_take_no_time_or_never_end(sandbox: Sandbox) -> None:
    quick, endless = sandbox.create("[sandbox: generation_seconds 0]"), sandbox.create("[sandbox: never_end]")
    assert sandbox.done(quick)["Status"] == "DONE"
    done_at = {task["task_id"]: task["done_at"] for task in sandbox.state()["tasks"]}
    assert done_at[endless] is None
    assert done_at[quick] <= time.time()


def test_done_can_be_returned_without_a_url_for_a_while(sandbox: Sandbox) -> None:
    task_id = sandbox.create("[sandbox: done_without_url 2]")
    assert sandbox.done(task_id)["VideoUrls"] == []
    assert [len(sandbox.describe(task_id)["VideoUrls"]) for _ in range(3)] == [0, 1, 1]
    sandbox.script(action=DESCRIBE, do="done_without_url", describes=None)
    assert [len(sandbox.describe(task_id)["VideoUrls"]) for _ in range(3)] == [0, 0, 0]


def test_a_describe_can_return_an_unknown_status(sandbox: Sandbox) -> None:
    task_id = sandbox.create("a cat")
    sandbox.script(action=DESCRIBE, do="status_word", word="PAUSED", prompt_contains="cat")
    assert [sandbox.describe(task_id)["Status"] for _ in range(2)] == ["PAUSED", "WAIT"]


def test_a_result_link_can_be_broken(sandbox: Sandbox) -> None:
    sandbox.script(action=CREATE, do="broken_result", kind="404", times=2)
    (url,) = sandbox.done(sandbox.create())["VideoUrls"]
    assert [sandbox.download(url)[0] for _ in range(3)] == [404, 404, 200]

    sandbox.script(action=CREATE, do="broken_result", kind="not_video")
    (url,) = sandbox.done(sandbox.create())["VideoUrls"]
    assert sandbox.download(url)[1]["Content-Type"].startswith("text/html")

    sandbox.script(action=CREATE, do="broken_result", kind="truncated")
    (url,) = sandbox.done(sandbox.create())["VideoUrls"]
    with pytest.raises(http.client.IncompleteRead):
        sandbox.download(url)
    assert sandbox.download(url)[2] == VIDEO


def test_an_invalid_directive_in_a_prompt_is_refused(sandbox: Sandbox) -> None:
    error = sandbox.call(CREATE, KLING | {"Prompt": "[sandbox: explode]"})["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert "explode" in error["Message"]


IDLE = dict.fromkeys(("creates", "refused", "refused_for_limits", "overflowed", "open", "most_open"), 0)


def test_the_state_lists_all_calls(sandbox: Sandbox) -> None:
    begun = time.time()
    task_id = sandbox.create("a dog")
    sandbox.describe(task_id)
    (task,) = sandbox.state()["tasks"]
    assert (task["task_id"], task["secret_id"], task["prompt"]) == (task_id, ALICE.secret_id, "a dog")
    assert (task["payload"]["Duration"], task["status"], task["describes"]) == (5, "WAIT", 1)
    assert task["done_at"] is None
    assert begun <= task["created_at"] <= time.time()
    assert sandbox.state("?tasks=0&arrivals=0") == {
        "creates": {"accepted": 1, "refused": 0},
        "describes": {"answered": 1, "refused": 0},
        "lists": {"answered": 0, "refused": 0},
        "refused_for_limits": 0,
        "scripts_waiting": 0,
        "accounts": {
            ALICE.secret_id: {**IDLE, "creates": 1, "open": 1, "most_open": 1},
            BOB.secret_id: IDLE,
        },
    }


def test_reset_clears_everything(sandbox: Sandbox) -> None:
    for _ in range(10):
        sandbox.create()
    sandbox.script(action=CREATE, do="throttle", times=None)
    sandbox.control("reset", {})
    assert sandbox.state()["tasks"] == sandbox.state()["arrivals"] == []
    assert sandbox.create()  # neither the script nor the ten creates count


def test_finish_ends_all_running_tasks(sandbox: Sandbox) -> None:
    failing = [sandbox.create("[sandbox: fail]") for _ in range(3)]
    assert sandbox.control("finish", {}) == {"finished": 3}
    assert {sandbox.describe(task_id)["Status"] for task_id in failing} == {"FAIL"}


def test_the_control_api_refuses_invalid_requests(sandbox: Sandbox) -> None:
    assert sandbox.send("GET", "/_sandbox/healthz")[::2] == (200, b'{"status": "ok"}')
    status, _, answer = sandbox.send(
        "POST", "/_sandbox/scripts", b'[{"action": "CreateAigcVideoTask", "do": "x"}]'
    )
    assert (status, "unknown verb" in json.loads(answer)["error"]) == (400, True)
    assert sandbox.send("POST", "/_sandbox/scripts", b"{")[0] == 400


@pytest.mark.parametrize("name", ["first_frame", "ref_2"])
def test_sample_pictures_are_served(sandbox: Sandbox, name: str) -> None:
    status, headers, data = sandbox.send("GET", f"/images/{name}.jpeg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (640, 360))


@pytest.mark.parametrize("path", ["", "nothing.jpeg", "..%2Fserver.py", "../server.py"])
def test_other_files_are_not_served_as_pictures(sandbox: Sandbox, path: str) -> None:
    assert sandbox.send("GET", f"/images/{path}")[0] in (403, 404)


def test_with_canned_every_result_is_the_same_clip(tmp_path: Path) -> None:
    with running(tmp_path, canned=True, generation_seconds=0) as sandbox:
        answers = [sandbox.describe(sandbox.create()) for _ in range(3)]
        assert [answer["Status"] for answer in answers] == ["DONE"] * 3
        assert sandbox.download(answers[0]["VideoUrls"][0])[2] == VIDEO
        assert len(sandbox.studio.clips) == 1


def test_the_clip_tells_how_many_reference_pictures_were_given(sandbox: Sandbox) -> None:
    picture = f"http://{sandbox.host}/images/first_frame.jpeg"
    sandbox.done(sandbox.create(ImageUrl=picture, LastImageUrl=picture))
    assert sandbox.studio.clips[-1].references == 2
