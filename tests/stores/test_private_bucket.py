"""A tenant's private COS bucket, from upstream's end to what plays, on a server that checks signatures."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.utils import timezone

from accounts.models import CosBucket
from config import stores
from tests.conftest import Caller, MakeTask
from tests.support.playable import TINY
from tests.support.s3_server import BUCKET, KEY_ID, SECRET, S3Server, Stored
from tests.support.s3_signatures import Key
from tests.worker.test_steps import fetch
from videos.models import Task
from videos.states import Status

pytestmark = pytest.mark.usefixtures("database_threads")
FOLDER = "reelay/task_1"
OBJECT = f"{FOLDER}/1_2_3.mp4"
LINK = f"https://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{OBJECT}"


@pytest.fixture
def task(owner: Caller, make_task: MakeTask, s3_server: S3Server, settings: LazySettings) -> Iterator[Task]:
    """A completed task whose video is only in the tenant's bucket."""
    settings.BUCKET_URL = f"cos://{{bucket}}/?region={{region}}&endpoint={s3_server.cos_endpoint}"
    keys = {"secret_id": KEY_ID, "secret_key": SECRET}
    CosBucket.objects.create(tenant=owner.tenant, bucket=BUCKET, region="ap-guangzhou", **keys)
    s3_server.objects[OBJECT] = Stored(TINY, "video/mp4", timezone.now())
    where = {"store_bucket": BUCKET, "store_region": "ap-guangzhou", "store_path": FOLDER}
    now = timezone.now()
    made = make_task(Status.STORING, now=now, done_at=now, result_link=LINK, **where)
    done = fetch(made, now)
    assert (done.state, done.bucket_key) == (Status.SUCCEEDED, OBJECT)
    yield done
    stores.close_kept()
    s3_server.reset()


def played(link: str, byte_range: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(link, headers={"range": byte_range} if byte_range else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


def link_of(caller: Caller, task: Task) -> str:
    answer = caller.get(f"/v1/videos/{task.public_id}/content")
    assert answer.status_code == 302, answer.content
    location: str = answer["location"]
    return location


def test_the_video_plays_and_its_bare_address_does_not(
    task: Task, owner: Caller, nobody: Caller, s3_server: S3Server
) -> None:
    link = link_of(owner, task)
    assert played(link) == (200, TINY)
    assert played(link, "bytes=4-7") == (206, b"ftyp")
    assert played(link.partition("?")[0])[0] == 403
    assert SECRET not in link
    public = owner.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"]
    path = public.partition("://")[2].partition("/")[2]
    assert played(nobody.get(f"/{path}")["location"]) == (200, TINY)


def test_thirteen_hours_later_it_still_plays(
    task: Task, owner: Caller, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = link_of(owner, task)
    s3_server.clock_offset = timedelta(hours=13)
    assert played(old)[0] == 403
    later = timezone.now() + s3_server.clock_offset
    monkeypatch.setattr("time.time", later.timestamp)
    cache.clear()
    assert played(link_of(owner, task)) == (200, TINY)


def test_after_the_key_is_revoked_the_error_names_the_bucket(
    task: Task, owner: Caller, s3_server: S3Server
) -> None:
    s3_server.keys = {"AKIDother": Key("other")}
    cache.clear()
    answer = owner.get(f"/v1/videos/{task.public_id}/content")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "video_in_your_bucket")
    assert all(word in error["message"] for word in (BUCKET, "ap-guangzhou", OBJECT, "InvalidAccessKeyId"))
    assert owner.get(f"/v1/videos/{task.public_id}").json()["status"] == "completed"


def test_a_bucket_that_does_not_answer_is_an_error_that_passes(
    task: Task, owner: Caller, s3_server: S3Server
) -> None:
    s3_server.script(times=20, status=503, code="SlowDown")
    cache.clear()
    answer = owner.get(f"/v1/videos/{task.public_id}/content")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    assert answer["retry-after"]
