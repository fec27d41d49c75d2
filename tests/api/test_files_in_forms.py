"""Forms that ask for a video and hold its pictures, as OpenAI's SDK sends them."""

import hashlib
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connections

from accounts.models import Quota, Tenant
from tests.api.test_files import HOSTILE, emptied, objects
from tests.conftest import Caller, make_caller
from tests.support.refusals import CREATE_ROUTES, assert_refused
from tests.support.rows import each
from tests.support.uploads import END, clip, part, picture, sent
from videos.models import File, FileUse, Task, UpstreamAccount

FIELDS = part("model", b"Kling-3.0-omni-1080p") + part("seconds", b"5") + part("prompt", b"a cat runs")
RED, BLUE = picture(), picture(color="blue")
WEB = b"https://example.com/cat.png"


def posted(caller: Caller, *parts: bytes, path: str = "/v1/videos", **headers: str) -> Any:
    return caller.post(path, **sent(FIELDS + b"".join(parts) + END), **headers)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@each("path", CREATE_ROUTES)
def test_a_picture_of_the_form_becomes_a_file_and_an_image(
    path: str, owner: Caller, account: UpstreamAccount
) -> None:
    answer = posted(owner, part("input_reference", RED, "cat.png"), path=path)
    assert answer.status_code == 200, answer.content
    task, file = Task.objects.get(), File.objects.get()
    assert task.request["images"] == [file.public_id]
    assert FileUse.objects.get().task_id == task.pk
    assert (file.name, file.bytes) == ("cat.png", len(RED))
    assert owner.get("/v1/files").json()["data"][0]["id"] == file.public_id


ORDERS: dict[str, tuple[list[bytes], list[Any]]] = {
    "several files": ([part("images[]", RED, "a.png"), part("images[]", BLUE, "b.png")], [RED, BLUE]),
    "one file": ([part("images", BLUE, "b.png")], [BLUE]),
    "files and addresses": (
        [part("images[0]", WEB), part("images[1]", RED, "a.png"), part("images[2]", BLUE, "b.png")],
        [WEB.decode(), RED, BLUE],
    ),
    "the reference first": (
        [part("images[]", WEB), part("input_reference", RED, "a.png")],
        [RED, WEB.decode()],
    ),
    "the same picture twice": ([part("images[]", RED, "a.png"), part("images[]", RED, "b.png")], [RED, RED]),
}


@each("name", ORDERS)
def test_images_keep_their_order(name: str, owner: Caller, account: UpstreamAccount) -> None:
    parts, expected = ORDERS[name]
    assert posted(owner, *parts).status_code == 200
    found = []
    for image in Task.objects.get().request["images"]:
        is_file = image.startswith("file_")
        found.append(owner.get(f"/v1/files/{image}/content").getvalue() if is_file else image)
    assert found == expected
    assert File.objects.count() == len({*map(str, expected)} - {WEB.decode()})


def test_a_video_of_the_form_is_a_reference_video(owner: Caller, account: UpstreamAccount) -> None:
    assert posted(owner, part("videos[]", clip(), "a.mp4")).status_code == 200
    assert Task.objects.get().request["videos"] == [File.objects.get().public_id]


def test_validation_stores_nothing(owner: Caller, account: UpstreamAccount) -> None:
    answer = posted(owner, part("input_reference", RED, "a.png"), path="/v1/videos/validate")
    assert answer.json()["request"]["images"] == [digest(RED)]
    assert (File.objects.count(), objects()) == (0, [])


# --- refusals leave nothing


def test_a_refused_request_leaves_no_file(owner: Caller, account: UpstreamAccount) -> None:
    wrong = posted(owner, part("seconds", b"99"), part("input_reference", RED, "a.png"))
    assert_refused(wrong, 400, "invalid_request")
    video = posted(owner, part("input_reference", clip(), "a.mp4"))
    assert assert_refused(video, 400, "invalid_request") == (
        "input_reference must be JPEG or PNG; this file is MP4"
    )
    assert video.json()["errors"][0]["allowed"] == ["JPEG", "PNG"]
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0)
    full = posted(owner, part("input_reference", RED, "a.png"))
    assert_refused(full, 429, "concurrency_limit_exceeded")
    assert (File.objects.count(), objects(), Task.objects.count()) == (0, [], 0)


def test_a_file_beyond_the_quota_is_refused(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.FILES_BYTES_PER_TENANT = len(RED)
    refused = posted(owner, part("images[]", RED, "a.png"), part("images[]", BLUE, "b.png"))
    assert_refused(refused, 429, "insufficient_quota")
    assert (File.objects.count(), objects(), Task.objects.count()) == (0, [], 0)


@each("name", [name for name, (body, *_) in HOSTILE.items() if isinstance(body, bytes)])
def test_a_hostile_form_leaves_nothing(name: str, owner: Caller, account: UpstreamAccount) -> None:
    body = HOSTILE[name][0]
    assert isinstance(body, bytes)
    named = body.replace(b'name="file"', b'name="input_reference"')
    answer = owner.post("/v1/videos", **sent(FIELDS + named))
    assert answer.status_code in (200, 400, 413)
    if answer.status_code != 200:  # what is wrong only with an upload, such as its purpose, is no harm here
        assert (File.objects.count(), Task.objects.count()) == (0, 0)
    assert File.objects.count() == len(emptied())


def test_text_beyond_the_limit_is_refused(owner: Caller, settings: LazySettings) -> None:
    settings.MAX_BODY_BYTES = 5000
    assert_refused(posted(owner, part("user", b"x" * 5000)), 413, "request_too_large")
    settings.MAX_FORM_BYTES = 100
    message = assert_refused(posted(owner), 413, "request_too_large")
    assert message == "The request body must not exceed 100 bytes"


def test_a_file_in_another_field_is_refused(owner: Caller) -> None:
    for name in ("image", "first_frame", "extra"):
        answer = posted(owner, part(name, RED, "a.png"))
        assert assert_refused(answer, 400, "invalid_request") == (
            f"{name} is not supported; use images (URL only)"
        )


# --- repeated requests


def test_a_repeated_form_makes_one_file_and_one_task(owner: Caller, account: UpstreamAccount) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "mine"}
    first = posted(owner, part("input_reference", RED, "cat.png"), **key)
    again = posted(owner, part("input_reference", RED, "other name.png"), **key)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (File.objects.count(), Task.objects.count(), len(objects())) == (1, 1, 1)
    other = posted(owner, part("input_reference", BLUE, "cat.png"), **key)
    assert_refused(other, 422, "idempotency_key_reused")
    owner.request("DELETE", f"/v1/videos/{first.json()['id']}")
    owner.request("DELETE", f"/v1/files/{File.objects.get().public_id}")
    replayed = posted(owner, part("input_reference", RED, "cat.png"), **key)
    assert replayed.json()["id"] == first.json()["id"]
    assert not File.objects.exists()


def test_a_retry_of_the_sdk_makes_one_file_and_one_task(owner: Caller, account: UpstreamAccount) -> None:
    first = posted(owner, part("input_reference", RED, "a.png"), HTTP_X_STAINLESS_RETRY_COUNT="0")
    again = posted(owner, part("input_reference", RED, "a.png"), HTTP_X_STAINLESS_RETRY_COUNT="1")
    assert first.json()["id"] == again.json()["id"]
    assert File.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_form_at_the_same_moment_makes_one_file_and_one_task() -> None:
    UpstreamAccount.objects.create(name="a", endpoint="http://127.0.0.1:9", secret_id="x", secret_key="x")
    caller = make_caller(Tenant.objects.create(name="Alice"))
    ids: list[str] = []

    def create() -> None:
        answer = posted(caller, part("input_reference", RED, "a.png"), HTTP_IDEMPOTENCY_KEY="mine")
        ids.append(answer.json()["id"])
        connections.close_all()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*ids}) == 1
    assert (File.objects.count(), Task.objects.count(), len(objects())) == (1, 1, 1)
