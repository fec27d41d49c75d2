"""The sandbox upstream answers as VOD does, next to MPS on the same port."""

import http.client
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import ALICE, APPLICATION, BOB, KLING, KLING_VOD, VIDEO, Sandbox, running
from videos.sandbox.clip import Clip, clip_of
from videos.sandbox.options import parse_options
from videos.sandbox.protocol import CREATE, DESCRIBE, DESCRIBE_DETAIL, LIST, MPS, VOD, ApiError
from videos.sandbox.results import ResultLinks
from videos.sandbox.store import TaskStore
from videos.sandbox.tasks import GenerationTimes, Owner
from videos.sandbox.vod import check_create, check_describe, check_list
from videos.sandbox.vod_reports import listing
from videos.upstream.tencent.signing import Credential

DAY = 86_400
OWNER = Owner(VOD, ALICE.secret_id, APPLICATION)
IMAGE = {"Type": "Url", "Category": "Image", "Url": "https://cdn.example.com/1.png"}
FILM = {"Type": "Url", "Category": "Video", "Url": "https://cdn.example.com/1.mp4"}
LAST = {"LastFrameUrl": "https://cdn.example.com/2.png"}
ALL_OUTPUT = {
    "StorageMode": "Permanent", "MediaName": "cat", "ClassId": 3, "ExpireTime": "2027-01-01T00:00:00Z",
    "Duration": 5, "Resolution": "1080P", "AspectRatio": "9:16", "AudioGeneration": "Enabled",
    "PersonGeneration": "AllowAdult", "InputComplianceCheck": "Enabled", "OutputComplianceCheck": "Disabled",
    "EnhanceSwitch": "Disabled", "FrameInterpolate": "Disabled", "LogoAdd": "Disabled", "OffPeak": "Disabled",
    "EnableBGM": "Disabled",
}  # fmt: skip


# --- fields


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"OutputConfig": ALL_OUTPUT},
        {"OutputConfig": {"Duration": 5.0}},
        {"OutputConfig": None},
        {"Prompt": None, "FileInfos": [IMAGE]},
        {"Prompt": None, "SceneType": "lip_sync"},
        {"FileInfos": [IMAGE], **LAST},
        {"FileInfos": [IMAGE], "LastFrameFileId": "387"},
        {"FileInfos": [IMAGE | {"Usage": "FirstFrame"}, IMAGE | {"Usage": "LastFrame"}]},
        {"FileInfos": [IMAGE | {"Usage": "Reference", "ReferenceType": "asset", "Text": "cat"}]},
        {"FileInfos": [IMAGE | {"ObjectId": "cat", "VoiceId": "v"}, IMAGE | {"ObjectId": "dog"}]},
        {"FileInfos": [IMAGE, IMAGE, FILM | {"ReferenceType": "base", "KeepOriginalSound": "Enabled"}]},
        {"FileInfos": [{"Type": "File", "FileId": "387"}, {"Type": "Base64", "Base64": "aGVsbG8="}]},
        {"SubjectInfos": [{"Id": "1", "Name": "cat", "VoiceId": "v", "ImageUrls": [IMAGE["Url"]]}]},
        {"NegativePrompt": "dogs", "EnhancePrompt": "Disabled", "InputRegion": "Oversea", "Seed": 7},
        {"Procedure": "P", "SessionId": "s" * 50, "SessionContext": "c" * 1000, "TasksPriority": -10},
        {"ExtInfo": '{"AdditionalParameters": "{\\"multi_shot\\": true}", "other": 1}'},
        {"ModelName": "Vidu", "ModelVersion": "q2", "OutputConfig": {"Duration": 1}},
        {"ModelName": "GV", "ModelVersion": "3.1", "OutputConfig": {"Duration": 8}},
    ],
)
def test_documented_values_are_accepted(changes: dict[str, Any]) -> None:
    check_create(KLING_VOD | changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Duration": 5}, "UnknownParameter"),
        ({"ExtraParameters": {"Resolution": "720P"}}, "UnknownParameter"),
        ({"FileInfos": [{"ImageUrl": "x"}]}, "UnknownParameter"),
        ({"OutputConfig": {"EnableBgm": "Enabled"}}, "UnknownParameter"),
        ({"SubAppId": str(APPLICATION)}, "InvalidParameter"),
        ({"EnhancePrompt": True}, "InvalidParameter"),
        ({"OutputConfig": {"LogoAdd": 1}}, "InvalidParameter"),
        ({"OutputConfig": {"Duration": "5"}}, "InvalidParameter"),
        ({"OutputConfig": {"Duration": True}}, "InvalidParameter"),
        ({"FileInfos": IMAGE}, "InvalidParameter"),
        ({"ExtInfo": {"AdditionalParameters": "{}"}}, "InvalidParameter"),
        ({"Seed": 1.5}, "InvalidParameter"),
        ({"SubAppId": None}, "MissingParameter"),
        ({"ModelName": None}, "MissingParameter"),
        ({"ModelVersion": None}, "MissingParameter"),
        ({"Prompt": ""}, "MissingParameter"),
        ({"FileInfos": [{"Url": IMAGE["Url"]}]}, "MissingParameter"),
        ({"FileInfos": [{"Type": "File", "Url": IMAGE["Url"]}]}, "MissingParameter"),
        ({"ModelName": "Veo"}, "InvalidParameterValue"),
        ({"OutputConfig": {"Duration": 7}}, "InvalidParameterValue"),
        ({"OutputConfig": {"Duration": 5.5}}, "InvalidParameterValue"),
        ({"OutputConfig": {"Resolution": "768P"}}, "InvalidParameterValue"),
        ({"OutputConfig": {"AspectRatio": "16x9"}}, "InvalidParameterValue"),
        ({"OutputConfig": {"AudioGeneration": "yes"}}, "InvalidParameterValue"),
        ({"OutputConfig": {"PersonGeneration": "Enabled"}}, "InvalidParameterValue"),
        ({"OutputConfig": {"MediaName": "x" * 65}}, "InvalidParameterValue"),
        ({"OutputConfig": {"ExpireTime": "soon"}}, "InvalidParameterValue"),
        ({"EnhancePrompt": "enabled"}, "InvalidParameterValue"),
        ({"InputRegion": "Moon"}, "InvalidParameterValue"),
        ({"SceneType": "land2port"}, "InvalidParameterValue"),
        ({"TasksPriority": 11}, "InvalidParameterValue"),
        ({"Prompt": "x" * 5001}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"Type": "Ftp"}]}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"Usage": "Middle"}]}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"KeepOriginalSound": "yes"}]}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"Usage": "Reference"}, IMAGE]}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"ObjectId": "cat", "VoiceId": "v"}, IMAGE]}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE, FILM | {"ReferenceType": "base"}]}, "InvalidParameterValue"),
        (
            {"FileInfos": [{"Type": "Base64", "Base64": "data:image/png;base64,aGk="}]},
            "InvalidParameterValue",
        ),
        ({"FileInfos": [{"Type": "Base64", "Base64": "A" * 5_000_000}] * 2}, "InvalidParameterValue"),
        ({"ExtInfo": "[1]"}, "InvalidParameterValue"),
        ({"ExtInfo": "{"}, "InvalidParameterValue"),
        ({"ExtInfo": '{"AdditionalParameters": {"multi_shot": true}}'}, "InvalidParameterValue"),
        ({"ExtInfo": '{"AdditionalParameters": "multi_shot"}'}, "InvalidParameterValue"),
        ({"FileInfos": [IMAGE | {"Url": "file:///etc/passwd"}]}, "InvalidParameterValue.Url"),
        ({"FileInfos": [IMAGE], "LastFrameUrl": "cat.png"}, "InvalidParameterValue.Url"),
        ({"SubjectInfos": [{"Id": "1", "ImageUrls": ["cat.png"]}]}, "InvalidParameterValue.Url"),
        ({"SessionId": "s" * 51}, "InvalidParameterValue.SessionIdTooLong"),
        ({"SessionContext": "c" * 1001}, "InvalidParameterValue.SessionContextTooLong"),
    ],
)
def test_undocumented_values_are_refused_with_their_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_create(KLING_VOD | changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "files",
    [
        [],
        [IMAGE, IMAGE],  # several without a usage are references
        [IMAGE | {"ObjectId": "cat"}],
        [IMAGE | {"Usage": "Reference"}],
        [IMAGE | {"Usage": "LastFrame"}],
    ],
)
def test_a_last_frame_needs_a_first_frame(files: list[dict[str, str]]) -> None:
    with pytest.raises(ApiError, match="A last frame needs a first frame"):
        check_create(KLING_VOD | LAST | {"FileInfos": files})


@pytest.mark.parametrize(
    ("check", "payload", "code"),
    [
        (check_describe, {"SubAppId": 1}, "MissingParameter"),
        (check_describe, {"TaskId": "1"}, "MissingParameter"),
        (check_describe, {"TaskId": "1", "SubAppId": 1, "Region": "x"}, "UnknownParameter"),
        (check_list, {}, "MissingParameter"),
        (check_list, {"SubAppId": 1, "Limit": 101}, "InvalidParameterValue.Limit"),
        (check_list, {"SubAppId": 1, "Limit": 0}, "InvalidParameterValue.Limit"),
        (check_list, {"SubAppId": 1, "Status": "DONE"}, "InvalidParameterValue"),
        (check_list, {"SubAppId": 1, "CreateTime": {"After": "noon"}}, "InvalidParameterValue"),
        (check_list, {"SubAppId": 1, "Sort": {"Field": "Name"}}, "InvalidParameterValue.Sort"),
        (check_list, {"SubAppId": 1, "StartTime": "2026-03-10T00:00:00Z"}, "UnknownParameter"),
    ],
)
def test_describe_and_list_refuse_what_they_do_not_take(check: Any, payload: Any, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        check(payload)
    assert refused.value.code == code


def test_a_clip_matches_its_create_call() -> None:
    asked = KLING_VOD | {"OutputConfig": ALL_OUTPUT, "FileInfos": [IMAGE, FILM], **LAST}
    assert clip_of(VOD, asked) == Clip("a cat runs", "Kling 2.5", 1080, 1920, 5, audio=True, references=2)
    assert clip_of(VOD, KLING_VOD) == clip_of(MPS, KLING)


# --- three days, and the list


def test_a_task_is_forgotten_after_three_days_and_its_session_is_free_again() -> None:
    store = TaskStore(GenerationTimes(0))
    task = store.accept(OWNER, KLING_VOD | {"SessionId": "s"}, 0.0)
    last_moment = 3 * DAY - 1
    assert store.find(task.task_id, OWNER, last_moment) is task
    assert store.recent(OWNER, last_moment) == [task]
    assert store.has_session(OWNER, "s", last_moment)
    with pytest.raises(ApiError):
        store.find(task.task_id, OWNER, 3 * DAY)
    assert store.recent(OWNER, 3 * DAY) == []
    assert not store.has_session(OWNER, "s", 3 * DAY)


def test_sessions_belong_to_an_application_of_an_account() -> None:
    store = TaskStore(GenerationTimes(0))
    store.accept(OWNER, KLING_VOD | {"SessionId": "s"}, 0.0)
    others = [OWNER._replace(sub_app_id=2), OWNER._replace(secret_id=BOB.secret_id)]
    assert [store.has_session(owner, "s", 1.0) for owner in others] == [False, False]
    assert not store.has_session(OWNER, "", 1.0)


def test_links_last_seven_days() -> None:
    store = TaskStore(GenerationTimes(0))
    task = store.accept(OWNER, KLING_VOD, 100.0)
    task.deliver(Path("clip.mp4"), 200.0)
    assert ResultLinks(store).expires_at(task) == 200 + 7 * DAY
    assert ResultLinks(store, life=60).expires_at(task) == 260
    of_mps = store.accept(Owner(MPS, ALICE.secret_id), KLING, 100.0)
    of_mps.deliver(Path("clip.mp4"), 200.0)
    assert ResultLinks(store).expires_at(of_mps) == 200 + DAY / 2


def listed(store: TaskStore, now: float = 100.0, **filters: Any) -> tuple[list[float], str]:
    """Return when the tasks of a page were created, and the token of the next."""
    page = listing(store.recent(OWNER, now), filters, now)
    created = {task.task_id: task.created_at for task in store}
    return [created[row["TaskId"]] for row in page["TaskSet"]], page["ScrollToken"]


@pytest.fixture
def three_tasks() -> TaskStore:
    """Tasks of the seconds 10, 20 and 30, the last of which ends first and the second never."""
    store = TaskStore(GenerationTimes(60))
    for created, ended in ((10.0, 50.0), (20.0, None), (30.0, 40.0)):
        task = store.accept(OWNER, KLING_VOD, created)
        if ended:
            task.finish(ended)
            task.deliver(Path("clip.mp4"), ended)
    return store


@pytest.mark.parametrize(
    ("filters", "created"),
    [
        ({}, [30, 20, 10]),
        ({"Sort": {"Field": "CreateTime", "Order": "Asc"}}, [10, 20, 30]),
        ({"Sort": {"Field": "FinishTime", "Order": "Asc"}}, [30, 10, 20]),
        ({"Status": "FINISH"}, [30, 10]),
        ({"Status": "PROCESSING"}, [20]),
        ({"Status": "WAITING"}, []),
        ({"CreateTime": {"After": "1970-01-01T00:00:20Z"}}, [30, 20]),
        ({"CreateTime": {"Before": "1970-01-01T00:00:20+00:00"}}, [10]),
        ({"FinishTime": {"After": "1970-01-01T00:00:45"}}, [20, 10]),
        ({"FinishTime": {"Before": "1970-01-01T00:00:45Z"}}, [30]),
        ({"FileId": "387"}, []),
    ],
)
def test_the_list_is_filtered_and_sorted(
    three_tasks: TaskStore, filters: dict[str, Any], created: list[float]
) -> None:
    assert listed(three_tasks, **filters) == (created, "")


def test_the_list_comes_in_pages(three_tasks: TaskStore) -> None:
    first, token = listed(three_tasks, Limit=2)
    newer = three_tasks.accept(OWNER, KLING_VOD, 60.0)  # does not shift the pages
    second, end = listed(three_tasks, Limit=2, ScrollToken=token)
    assert (first, second, end) == ([30, 20], [10], "")
    with pytest.raises(ApiError):
        listed(three_tasks, ScrollToken=f"{newer.task_id}x")


# --- over HTTP


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running(tmp_path) as sandbox:
        yield sandbox


def test_a_task_is_created_described_and_downloaded(sandbox: Sandbox) -> None:
    task_id = sandbox.create_vod(SessionId="s-1", SessionContext="ours", TasksPriority=1)
    assert re.fullmatch(rf"{APPLICATION}-AigcVideoTask-[0-9a-f]{{32}}t", task_id)
    waiting = sandbox.describe_vod(task_id)
    assert (waiting["TaskType"], waiting["Status"]) == ("AigcVideoTask", "WAITING")
    assert (waiting["BeginProcessTime"], waiting["FinishTime"]) == ("", "")
    assert (waiting["AigcVideoTask"]["Status"], waiting["AigcVideoTask"]["Output"]) == ("PROCESSING", None)

    answer = sandbox.done_vod(task_id)
    assert answer["Status"] == "FINISH"
    for name in ("CreateTime", "BeginProcessTime", "FinishTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer[name])
    task = answer["AigcVideoTask"]
    assert {name: task[name] for name in task if name not in ("Input", "Output")} == {
        "TaskId": task_id, "Status": "FINISH", "ErrCode": 0, "ErrCodeExt": "", "Message": "",
        "Progress": 100, "SessionId": "s-1", "SessionContext": "ours",
    }  # fmt: skip
    assert task["Input"] == {name: value for name, value in KLING_VOD.items() if name != "SubAppId"}
    assert task["Output"]["Usage"] == {
        "OutputSeconds": 5, "TotalSeconds": 5, "InputSeconds": 0, "InputImageCount": 0,
    }  # fmt: skip
    [file] = task["Output"]["FileInfos"]
    assert sandbox.download(file["FileUrl"])[::2] == (200, VIDEO)


def test_a_file_is_described(sandbox: Sandbox) -> None:
    [file] = sandbox.done_vod(sandbox.create_vod())["AigcVideoTask"]["Output"]["FileInfos"]
    assert (file["StorageMode"], file["FileType"], file["FileId"]) == ("Temporary", "mp4", "")
    assert file["ExpireTime"]
    meta = file["MetaData"]
    assert (meta["Width"], meta["Height"], meta["Duration"]) == (1280, 720, 5.0)
    assert (meta["Size"], meta["Bitrate"]) == (len(VIDEO), len(VIDEO) * 8 // 5)


def test_a_file_can_be_kept_for_good(sandbox: Sandbox) -> None:
    task_id = sandbox.create_vod(OutputConfig={"StorageMode": "Permanent", "MediaName": "cat", "ClassId": 3})
    [file] = sandbox.done_vod(task_id)["AigcVideoTask"]["Output"]["FileInfos"]
    assert (file["MediaName"], file["ClassId"], file["ExpireTime"]) == ("cat", 3, "")
    assert file["FileId"].isdecimal()
    assert file["FileUrl"].endswith("expires=never")
    assert sandbox.download(file["FileUrl"])[::2] == (200, VIDEO)
    assert [row["TaskId"] for row in sandbox.list_vod(FileId=file["FileId"])["TaskSet"]] == [task_id]


def test_both_products_share_a_port_but_no_tasks(sandbox: Sandbox) -> None:
    of_mps, of_vod = sandbox.create(), sandbox.create_vod()
    assert sandbox.describe(of_mps)["Status"] == "WAIT"
    assert sandbox.describe_vod(of_mps)["Error"]["Code"] == "InvalidParameterValue.TaskId"
    assert sandbox.describe(of_vod)["Error"]["Code"] == "ResourceNotFound.TaskNotFound"
    assert {task["task_id"]: task["product"] for task in sandbox.state()["tasks"]} == {
        of_mps: MPS,
        of_vod: VOD,
    }


def test_a_product_has_only_its_own_actions(sandbox: Sandbox) -> None:
    payload = {"TaskId": "1", "SubAppId": APPLICATION}
    assert sandbox.call(DESCRIBE, payload, product=VOD)["Error"]["Code"] == "InvalidAction"
    for action in (DESCRIBE_DETAIL, LIST):
        assert sandbox.call(action, payload, product=MPS)["Error"]["Code"] == "InvalidAction"


def test_another_application_or_account_does_not_see_a_task(sandbox: Sandbox) -> None:
    task_id = sandbox.create_vod()
    answers = [sandbox.describe_vod(task_id, SubAppId=2), sandbox.describe_vod(task_id, BOB)]
    assert [answer["Error"]["Code"] for answer in answers] == ["InvalidParameterValue.TaskId"] * 2
    assert sandbox.list_vod(SubAppId=2)["TaskSet"] == sandbox.list_vod(BOB)["TaskSet"] == []
    [row] = sandbox.list_vod()["TaskSet"]
    assert (row["TaskId"], row["Status"], row["TaskType"]) == (task_id, "WAITING", "AigcVideoTask")


def test_a_session_is_accepted_once(sandbox: Sandbox) -> None:
    assert "TaskId" in sandbox.try_vod(SessionId="s-1")
    assert sandbox.try_vod(SessionId="s-1")["Error"]["Code"] == "InvalidParameterValue.SessionId"
    assert "TaskId" in sandbox.try_vod(SessionId="s-1", SubAppId=2)
    assert "TaskId" in sandbox.try_vod(BOB, SessionId="s-1")
    assert ["TaskId" in sandbox.try_vod(SessionId="") for _ in range(2)] == [True, True]
    assert [task["session"] for task in sandbox.state()["tasks"]] == ["s-1", "s-1", "s-1", "", ""]


def test_a_refused_create_leaves_its_session_free(sandbox: Sandbox) -> None:
    assert "Error" in sandbox.try_vod(SessionId="s-1", Seed="7")
    sandbox.script(action=CREATE, do="drop_before")
    with pytest.raises(http.client.RemoteDisconnected):
        sandbox.try_vod(SessionId="s-1")
    assert "TaskId" in sandbox.try_vod(SessionId="s-1")


def test_a_task_whose_answer_was_lost_is_found_by_its_session(sandbox: Sandbox) -> None:
    sandbox.script(action=CREATE, do="drop_after_accept", product=VOD)
    with pytest.raises(http.client.RemoteDisconnected):
        sandbox.try_vod(SessionId="s-1", SessionContext="ours")
    assert sandbox.try_vod(SessionId="s-1")["Error"]["Code"] == "InvalidParameterValue.SessionId"
    [row] = sandbox.list_vod()["TaskSet"]
    assert (row["SessionId"], row["SessionContext"]) == ("s-1", "ours")


# --- concurrency


def codes(*answers: dict[str, Any]) -> list[str]:
    return [answer["AigcVideoTask"]["ErrCodeExt"] for answer in answers]


def test_a_second_task_at_once_is_accepted_and_fails(sandbox: Sandbox) -> None:
    first, second = sandbox.create_vod(), sandbox.create_vod("[sandbox: never_end]")
    answer = sandbox.done_vod(second)
    assert (answer["Status"], answer["BeginProcessTime"]) == ("FINISH", "")
    task = answer["AigcVideoTask"]
    assert (task["ErrCode"], task["ErrCodeExt"], task["Output"]) == (70000, "RequestLimitExceeded", None)
    assert task["Message"] == "The task reached the maximum concurrency."
    figures = sandbox.state()["accounts"][ALICE.secret_id]
    assert figures == {
        "creates": 2, "refused": 0, "refused_for_limits": 0, "overflowed": 1, "open": 1, "most_open": 1,
    }  # fmt: skip
    assert [task["overflowed"] for task in sandbox.state()["tasks"]] == [False, True]

    sandbox.done_vod(first)
    assert codes(sandbox.done_vod(sandbox.create_vod())) == [""]


def test_an_overflowing_task_ends_by_itself(sandbox: Sandbox) -> None:
    sandbox.create_vod()
    overflowing = sandbox.create_vod()
    while (answer := sandbox.describe_vod(overflowing))["Status"] != "FINISH":
        time.sleep(0.05)  # only the sandbox's own clock ends it
    assert codes(answer) == ["RequestLimitExceeded"]


def test_accounts_and_products_run_their_tasks_separately(sandbox: Sandbox) -> None:
    for create in (sandbox.create, sandbox.create, sandbox.create_vod):
        create()
    others = sandbox.create_vod(account=BOB)
    assert codes(sandbox.done_vod(others, BOB)) == [""]
    figures = sandbox.state()["accounts"]
    assert (figures[ALICE.secret_id]["most_open"], figures[ALICE.secret_id]["overflowed"]) == (3, 0)
    assert (figures[BOB.secret_id]["most_open"], figures[BOB.secret_id]["open"]) == (1, 0)


def test_the_limit_can_be_changed_for_all_and_for_one(sandbox: Sandbox) -> None:
    def overflowed() -> list[int]:
        for account in (ALICE, BOB):
            for _ in range(3):
                sandbox.create_vod(account=account)
        figures = sandbox.state()["accounts"]
        return [figures[account.secret_id]["overflowed"] for account in (ALICE, BOB)]

    assert overflowed() == [2, 2]
    sandbox.control("reset", {})
    sandbox.control("concurrency", {"limit": 2})
    sandbox.control("concurrency", {"limit": None, "secret_id": BOB.secret_id})
    assert overflowed() == [1, 0]
    sandbox.control("concurrency", {"limit": 0})
    sandbox.control("finish", {})
    assert overflowed() == [4, 3]
    sandbox.control("reset", {})
    assert overflowed() == [2, 2]


def test_the_limit_is_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_options([], {}).vod_concurrency == 1
    assert parse_options(["--vod-concurrency", "5"], {}).vod_concurrency == 5
    with pytest.raises(SystemExit):
        parse_options(["--vod-concurrency", "-1"], {})
    assert "--vod-concurrency is -1: 0 or more is allowed" in capsys.readouterr().err
    with running(tmp_path, vod_concurrency=2) as sandbox:
        for _ in range(3):
            sandbox.create_vod()
        assert sandbox.state()["accounts"][ALICE.secret_id]["overflowed"] == 1


def test_the_twenty_first_create_of_a_second_is_refused(sandbox: Sandbox) -> None:
    answers = [sandbox.try_vod() for _ in range(22)]
    found = [answer.get("Error", {}).get("Code") for answer in answers]
    assert found == [None] * 20 + ["RequestLimitExceeded"] * 2
    assert "TaskId" in sandbox.call(CREATE, KLING)  # MPS counts on its own
    figures = sandbox.state()["accounts"][ALICE.secret_id]
    assert (figures["creates"], figures["refused"], figures["refused_for_limits"]) == (21, 2, 2)


# --- scripts


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("[sandbox: fail]", (70000, "ModelGenerateFailed", "Generation failed.")),
        (
            '[sandbox: fail "Bad cat." ContentModerationFailed]',
            (70000, "ContentModerationFailed", "Bad cat."),
        ),
        ("[sandbox: fail No code=InternalError err_code=60000]", (60000, "InternalError", "No")),
        ("unrenderable", (70000, "ModelGenerateFailed", "Rendering failed: no space left")),
    ],
)
def test_a_failure_is_told_by_codes_and_message(
    sandbox: Sandbox, prompt: str, told: tuple[int, str, str]
) -> None:
    answer = sandbox.done_vod(sandbox.create_vod(prompt))
    task = answer["AigcVideoTask"]
    assert (answer["Status"], task["Output"]) == ("FINISH", None)
    assert (task["ErrCode"], task["ErrCodeExt"], task["Message"]) == told


def test_scripts_choose_product_and_account(sandbox: Sandbox) -> None:
    script = {"action": CREATE, "do": "refuse", "code": "AuthFailure.UnauthorizedOperation", "times": None}
    sandbox.script(**script, product=VOD, secret_id=ALICE.secret_id)
    assert sandbox.try_vod()["Error"]["Code"] == "AuthFailure.UnauthorizedOperation"
    assert "TaskId" in sandbox.try_vod(BOB)
    assert "TaskId" in sandbox.call(CREATE, KLING)


def test_describes_can_be_scripted(sandbox: Sandbox) -> None:
    task_id = sandbox.create_vod()
    sandbox.script(action=DESCRIBE_DETAIL, do="status_word", word="ABORTED", prompt_contains="cat")
    aborted = sandbox.describe_vod(task_id)
    assert (aborted["Status"], aborted["AigcVideoTask"]["Status"]) == ("ABORTED", "ABORTED")
    assert sandbox.describe_vod(task_id)["Status"] == "WAITING"
    sandbox.script(action=LIST, do="status_word", word="ABORTED")
    assert [row["Status"] for row in sandbox.list_vod()["TaskSet"]] == ["ABORTED"]
    sandbox.script(action=LIST, do="http_status", status=503)
    assert sandbox.raw_call(LIST, {"SubAppId": APPLICATION}, product=VOD)[0] == 503
    sandbox.script(action=DESCRIBE_DETAIL, do="status_word", word="FINISH")
    early = sandbox.describe_vod(task_id)["AigcVideoTask"]
    assert (early["Status"], early["ErrCode"], early["Output"]) == ("FINISH", 0, None)


def test_a_task_can_finish_without_a_url_for_a_while(sandbox: Sandbox) -> None:
    task_id = sandbox.create_vod("[sandbox: done_without_url 2]")
    answers = [sandbox.done_vod(task_id), *(sandbox.describe_vod(task_id) for _ in range(2))]
    assert [len(answer["AigcVideoTask"]["Output"]["FileInfos"]) for answer in answers] == [0, 0, 1]
    assert codes(*answers) == ["", "", ""]


def test_a_result_link_can_be_broken(sandbox: Sandbox) -> None:
    answer = sandbox.done_vod(sandbox.create_vod("[sandbox: broken_result 404]"))
    [file] = answer["AigcVideoTask"]["Output"]["FileInfos"]
    assert [sandbox.download(file["FileUrl"])[0] for _ in range(2)] == [404, 200]


# --- keys


def test_a_wrong_secret_is_refused_and_counted_for_the_claimed_account(sandbox: Sandbox) -> None:
    forger, stranger = Credential(ALICE.secret_id, "guessed"), Credential("AKIDnobody", "x")
    assert sandbox.try_vod(forger)["Error"]["Code"] == "AuthFailure.SignatureFailure"
    assert sandbox.try_vod(stranger)["Error"]["Code"] == "AuthFailure.SecretIdNotFound"
    sandbox.call(CREATE, KLING, Authorization="Bearer abc")
    state = sandbox.state()
    assert [arrival[1:] for arrival in state["arrivals"]] == [
        [CREATE, "AuthFailure.SignatureFailure", ALICE.secret_id],
        [CREATE, "AuthFailure.SecretIdNotFound", "AKIDnobody"],
        [CREATE, "AuthFailure.InvalidAuthorization", ""],
    ]
    assert {name: figures["refused"] for name, figures in state["accounts"].items()} == {
        ALICE.secret_id: 1,
        BOB.secret_id: 0,
        "AKIDnobody": 1,
    }


def test_keys_can_be_changed_and_added(sandbox: Sandbox) -> None:
    carol = Credential("AKIDcarol", "carol-secret")
    sandbox.control("keys", {ALICE.secret_id: "changed", carol.secret_id: carol.secret_key})
    assert sandbox.try_vod()["Error"]["Code"] == "AuthFailure.SignatureFailure"
    assert "TaskId" in sandbox.try_vod(BOB)
    assert "TaskId" in sandbox.try_vod(carol)
    sandbox.control("keys", {ALICE.secret_id: ALICE.secret_key})
    assert "TaskId" in sandbox.try_vod()
    sandbox.control("reset", {})
    assert sandbox.try_vod(carol)["Error"]["Code"] == "AuthFailure.SecretIdNotFound"


@pytest.mark.parametrize(
    ("route", "document"),
    [
        ("keys", ["AKIDalice"]),
        ("keys", {"AKIDalice": 1}),
        ("keys", {"AKIDalice": ""}),
        ("concurrency", {}),
        ("concurrency", {"limit": -1}),
        ("concurrency", {"limit": True}),
        ("concurrency", {"limit": 1, "secret_id": 2}),
        ("concurrency", {"limit": 1, "account": "AKIDalice"}),
    ],
)
def test_the_control_api_refuses_other_documents(sandbox: Sandbox, route: str, document: Any) -> None:
    assert sandbox.send("POST", f"/_sandbox/{route}", json.dumps(document).encode())[0] == 400


def test_the_state_tells_product_application_and_session(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.create_vod(SessionId="s-1")
    sandbox.list_vod()
    state = sandbox.state()
    told = [(task["product"], task["sub_app_id"], task["session"]) for task in state["tasks"]]
    assert told == [(MPS, None, ""), (VOD, APPLICATION, "s-1")]
    assert [task["status"] for task in state["tasks"]] == ["WAIT", "WAITING"]
    assert state["creates"] == {"accepted": 2, "refused": 0}
    assert state["lists"] == {"answered": 1, "refused": 0}
    assert {arrival[3] for arrival in state["arrivals"]} == {ALICE.secret_id}
