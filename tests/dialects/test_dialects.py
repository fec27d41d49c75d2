"""One task in every dialect: created in one, read in all, listed and deleted; and its document."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Caller, MakeTask
from tests.support.rows import each
from tests.support.signing import Pair, code_of
from videos.api.shapes import NEW_API_STATUS
from videos.dialects.tencent.codes import Code
from videos.dialects.tencent.describe import STATUSES
from videos.dialects.tencent.errors import BY_ERROR_CODE
from videos.models import Task, UpstreamAccount
from videos.states import Status

BODY = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs"}
DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "dialects.md").read_text()


@pytest.fixture
def pair(owner: Caller, account: UpstreamAccount) -> Pair:
    return Pair(owner.tenant)


def created(dialect: str, owner: Caller, pair: Pair) -> str:
    """The id of a new video."""
    if dialect == "tencent":
        wish = {"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a cat runs", "Duration": 5}
        return str(pair.create(**wish)["TaskId"])
    path = {"rest": "/v1/videos", "new-api": "/v1/video/generations"}[dialect]
    return str(owner.post(path, BODY).json()["id"])


@pytest.mark.parametrize("dialect", ["rest", "new-api", "tencent"])
def test_a_video_of_one_dialect_is_known_in_all(dialect: str, owner: Caller, pair: Pair) -> None:
    task_id = created(dialect, owner, pair)
    assert owner.get(f"/v1/videos/{task_id}").json()["status"] == "queued"
    wrapped: Any = owner.get(f"/v1/video/generations/{task_id}").json()["data"]
    assert (wrapped["task_id"], wrapped["status"]) == (task_id, "QUEUED")
    assert pair.describe(task_id)["Status"] == "WAIT"
    assert [video["id"] for video in owner.get("/v1/videos").json()["data"]] == [task_id]
    asked = Task.objects.get().request
    assert (asked["model"], asked["seconds"], asked["prompt"]) == ("Kling-3.0-720p", "5", "a cat runs")


@pytest.mark.parametrize("dialect", ["rest", "new-api", "tencent"])
def test_a_video_that_was_deleted_is_gone_in_all(dialect: str, owner: Caller, pair: Pair) -> None:
    task_id = created(dialect, owner, pair)
    assert owner.request("DELETE", f"/v1/videos/{task_id}").status_code == 200  # cancels it
    assert pair.describe(task_id)["Status"] == "FAIL"
    assert owner.request("DELETE", f"/v1/videos/{task_id}").status_code == 200
    assert owner.get(f"/v1/videos/{task_id}").status_code == 404
    assert owner.get(f"/v1/video/generations/{task_id}").status_code == 404
    assert code_of(pair.describe(task_id)) == Code.TASK


@each("status", list(Status))
def test_all_dialects_tell_the_same_status(
    status: Status, owner: Caller, pair: Pair, make_task: MakeTask
) -> None:
    task = make_task(status)
    rest = owner.get(f"/v1/videos/{task.public_id}").json()["status"]
    wrapped = owner.get(f"/v1/video/generations/{task.public_id}").json()["data"]["status"]
    assert f"| `{rest}` | `{wrapped}` | `{pair.describe(task.public_id)['Status']}` |" in DOCUMENT


def test_the_document_has_every_status_and_code() -> None:
    rows = re.findall(r"^\| `\w+` \| `[\w.]+`(?: \| `\w+`)? \|$", DOCUMENT, re.MULTILINE)
    statuses = [f"| `{ours}` | `{NEW_API_STATUS[ours]}` | `{theirs}` |" for ours, theirs in STATUSES.items()]
    codes = [f"| `{ours}` | `{theirs}` |" for ours, theirs in BY_ERROR_CODE.items()]
    assert [row for row in rows if row in statuses] == statuses
    assert [row for row in rows if row in codes] == codes
