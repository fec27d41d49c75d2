"""`manage.py verify-results` names what rows and objects do not agree on, and deletes only what it may."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import CosBucket
from config import stores
from config.stores.folder import FolderStore
from tests.conftest import Caller, MakeTask
from videos.models import Task
from videos.results.files import media_name, poster_name
from videos.states import Status

VIDEO = b"a video"
Verify = Callable[..., list[str]]


@pytest.fixture
def verify() -> Verify:
    """Runs the command; returns its lines, the error's last."""

    def run(*arguments: str) -> list[str]:
        out = io.StringIO()
        try:
            call_command("verify-results", *arguments, stdout=out)
        except CommandError as error:
            out.write(str(error))
        return out.getvalue().splitlines()

    return run


@pytest.fixture
def keep(make_task: MakeTask, results_folder: Path) -> Callable[..., Task]:
    """Makes a finished task with its video, and its poster if it has one, stored two hours ago."""

    def make(**fields: object) -> Task:
        task = make_task(Status.SUCCEEDED, now=timezone.now(), **fields)
        task.media_name, task.media_bytes = media_name(task), len(VIDEO)
        task.save()
        put(task.media_name, VIDEO)
        if task.has_poster:
            put(poster_name(task), b"a poster")
        return task

    return make


def put(key: str, content: bytes, age: timedelta = timedelta(hours=2)) -> None:
    stores.results().put(key, io.BytesIO(content), "video/mp4")
    folder = stores.folder_of_results()
    assert folder is not None
    moment = (timezone.now() - age).timestamp()
    os.utime(folder / key, (moment, moment))


def test_what_agrees_is_not_named(keep: Callable[..., Task], verify: Verify) -> None:
    keep()
    keep(has_poster=True)
    keep(media_removed_at=timezone.now())
    stores.results().delete(Task.objects.latest("id").media_name)
    put("files/x/2026/11/upload", b"an upload")
    assert verify() == ["rows and objects agree"]


def test_each_kind_of_difference_is_named(
    keep: Callable[..., Task], verify: Verify, results_folder: Path
) -> None:
    missing, different, removed = keep(), keep(has_poster=True), keep()
    stores.results().delete(missing.media_name)
    put(different.media_name, b"half")
    Task.objects.filter(pk=removed.pk).update(media_removed_at=timezone.now())
    put(poster_name(missing), b"a poster")
    put("x/y/stray.mp4", b"stray")
    put(f"{missing.tenant_id.hex}/2020/01/.saving-x", b"half")
    lines = verify()
    assert sorted(lines[:-1]) == sorted(
        [
            f"missing: {missing.media_name} (the video of {missing.public_id})",
            f"different: {different.media_name} (4 bytes instead of the 7 of {different.public_id})",
            f"orphaned: {removed.media_name} ({removed.public_id} does not have it, or no longer)",
            f"orphaned: {poster_name(missing)} ({missing.public_id} does not have it, or no longer)",
            "orphaned: x/y/stray.mp4 (no task has it)",
            f"orphaned: {missing.tenant_id.hex}/2020/01/.saving-x (no task has it)",
        ]
    )
    assert lines[-1] == "6 of rows and objects do not agree"


def test_a_row_whose_folder_is_gone_is_missing(keep: Callable[..., Task], verify: Verify) -> None:
    task = keep()
    stores.results().delete(task.media_name)
    assert verify()[0] == f"missing: {task.media_name} (the video of {task.public_id})"


def test_an_object_that_is_being_stored_is_no_orphan(
    make_task: MakeTask, verify: Verify, results_folder: Path
) -> None:
    task = make_task(Status.STORING, now=timezone.now(), done_at=timezone.now())
    put(media_name(task), VIDEO)
    put("x/y/young.mp4", b"young", age=timedelta(minutes=59))
    assert verify() == ["rows and objects agree"]


def test_orphans_are_deleted_only_on_demand(keep: Callable[..., Task], verify: Verify) -> None:
    task = keep()
    put("x/stray.mp4", b"stray")
    for _ in range(2):
        assert verify()[0] == "orphaned: x/stray.mp4 (no task has it)"
    assert verify("--delete-orphans") == [
        "orphaned: x/stray.mp4 (no task has it), deleted",
        "rows and objects agree",
    ]
    assert [found.key for found in stores.results().list()] == [task.media_name]


def test_only_what_was_made_since_a_day_is_compared(keep: Callable[..., Task], verify: Verify) -> None:
    stores.results().delete(keep().media_name)
    assert verify("--since", f"{timezone.now() + timedelta(days=1):%Y-%m-%d}") == ["rows and objects agree"]
    assert len(verify("--since", f"{timezone.now() - timedelta(days=1):%Y-%m-%d}")) == 2
    assert "is no day" in verify("--since", "yesterday")[-1]


def test_videos_in_tenants_buckets_are_compared_on_demand(
    make_task: MakeTask, verify: Verify, owner: Caller, settings: LazySettings, tmp_path: Path
) -> None:
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    CosBucket.objects.create(tenant=owner.tenant, bucket="b-1", region="ap-x", secret_id="A", secret_key="s")
    where = {"store_bucket": "b-1", "store_region": "ap-x", "store_path": "f", "media_name": ""}
    task = make_task(Status.SUCCEEDED, **where, bucket_key="f/1.mp4", media_bytes=len(VIDEO), expires_at=None)
    assert verify() == ["rows and objects agree"]
    assert verify("--buckets")[0] == f"missing: b-1/f/1.mp4 (the video of {task.public_id})"
    FolderStore(tmp_path / "b-1").put("f/1.mp4", io.BytesIO(VIDEO), "video/mp4")
    assert verify("--buckets") == ["rows and objects agree"]
