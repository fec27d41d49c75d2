"""Requests that name uploaded files by their ids: checked at creation, sent to upstream as signed links."""

import asyncio
import json
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant
from config.stores.folder import FolderStore
from tests.conftest import Caller, claim_next, make_caller
from tests.support import lane as lanes
from tests.support.refusals import assert_refused
from tests.support.rows import each
from tests.support.uploads import clip, form, picture, sent
from videos.files import storing
from videos.lane.lanes import serving
from videos.models import AccountState, File, FileUse, Task, UpstreamAccount
from videos.products import Product
from videos.tasks import submission
from videos.upstream.redaction import for_tenant, redacted
from videos.worker.payloads import payload_of

OMNI: dict[str, Any] = {"model": "Kling-3.0-omni-1080p", "seconds": "5", "prompt": "a cat runs"}
UNKNOWN = f"file_{'0' * 32}"
WEB = "https://example.com/cat.png"


def uploaded(caller: Caller, content: bytes | None = None) -> str:
    answer = caller.post("/v1/files", **sent(form(content or picture())))
    assert answer.status_code == 200, answer.content
    return str(answer.json()["id"])


def with_parameters(**parameters: Any) -> dict[str, Any]:
    return {**OMNI, "metadata": {"ext_info": {"AdditionalParameters": parameters}}}


def test_a_file_is_taken_wherever_a_url_is(owner: Caller, account: UpstreamAccount) -> None:
    image, video = uploaded(owner), uploaded(owner, clip())
    body = with_parameters(camera={"picture": image, "weight": 2**60}) | {
        "images": [WEB, image],
        "videos": [video],
    }
    answer = owner.post("/v1/videos", body)
    assert answer.status_code == 200, answer.content
    task = Task.objects.get()
    assert task.request["images"] == [WEB, image]
    assert task.request["videos"] == [video]
    assert set(FileUse.objects.values_list("file_id", "task_id")) == {
        (file.pk, task.pk) for file in File.objects.all()
    }


def test_validation_shows_ids_and_no_links(owner: Caller, account: UpstreamAccount) -> None:
    image = uploaded(owner)
    answer = owner.post("/v1/videos/validate", {**OMNI, "images": [image]}).json()
    assert answer["request"]["images"] == [image]
    assert answer["upstream"]["payload"]["ImageUrl"] == image
    assert "signature" not in json.dumps(answer)
    assert not FileUse.objects.exists()


REFUSED: list[tuple[dict[str, Any], str, str, list[str] | None]] = [
    ({"images": [UNKNOWN]}, "images[0]", f"images[0] names {UNKNOWN}, which does not exist", None),
    ({"images": [WEB, "VIDEO"]}, "images[1]", "images[1] must be JPEG or PNG; VIDEO is MP4", ["JPEG", "PNG"]),
    ({"videos": ["IMAGE"]}, "videos[0]", "videos[0] must be MP4 or MOV; IMAGE is PNG", ["MP4", "MOV"]),
    ({"images": ["FOREIGN"]}, "images[0]", "images[0] names FOREIGN, which does not exist", None),
    ({"images": ["DELETED"]}, "images[0]", "images[0] names DELETED, which does not exist", None),
    ({"images": ["file_1"]}, "images[0]", "images must be http(s) URLs", None),
    ({"images": [UNKNOWN.upper()]}, "images[0]", "images must be http(s) URLs", None),
    (
        {"metadata": {"ext_info": {"AdditionalParameters": {"a": [UNKNOWN]}}}},
        "metadata.ext_info.AdditionalParameters",
        f"metadata.ext_info.AdditionalParameters names {UNKNOWN}, which does not exist",
        None,
    ),
]


def test_a_file_that_does_not_fit_is_refused_with_the_field(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    names = {"IMAGE": uploaded(owner), "VIDEO": uploaded(owner, clip()), "FOREIGN": uploaded(stranger)}
    names["DELETED"] = uploaded(owner)
    owner.request("DELETE", f"/v1/files/{names['DELETED']}")

    for extra, param, message, allowed in REFUSED:
        told, body = message, json.dumps({**OMNI, **extra})
        for name, file_id in names.items():
            body, told = body.replace(name, file_id), told.replace(name, file_id)
        answer = owner.post("/v1/videos", json.loads(body))
        assert assert_refused(answer, 400, "invalid_request") == told
        [error] = answer.json()["errors"]
        assert (error["param"], error.get("allowed")) == (param, allowed)
    assert not Task.objects.exists()


def test_ids_are_no_urls_while_uploads_are_off(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    image = uploaded(owner)
    settings.UPLOADS = False
    answer = owner.post("/v1/videos", {**OMNI, "images": [image]})
    assert assert_refused(answer, 400, "invalid_request") == "images must be http(s) URLs"


def test_requests_are_compared_by_the_ids_of_files(owner: Caller, account: UpstreamAccount) -> None:
    one, other = uploaded(owner), uploaded(owner)
    headers = {"HTTP_IDEMPOTENCY_KEY": "mine"}
    first = owner.post("/v1/videos", {**OMNI, "images": [one]}, **headers)
    again = owner.post("/v1/videos", {**OMNI, "images": [one]}, **headers)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert_refused(
        owner.post("/v1/videos", {**OMNI, "images": [other]}, **headers), 422, "idempotency_key_reused"
    )
    assert FileUse.objects.count() == 1


def test_only_requests_with_files_look_them_up(owner: Caller, account: UpstreamAccount) -> None:
    image = uploaded(owner)

    def queries(body: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as made:
            assert owner.post("/v1/videos", body).status_code == 200
        return len(made)

    queries({**OMNI, "images": [WEB]})
    assert queries({**OMNI, "images": [WEB]}) == 2
    assert queries({**OMNI, "images": [image]}) == 2 + 5  # look up, begin, hold, record, commit


def test_the_lane_leaves_requests_with_files_to_the_view(owner: Caller, account: UpstreamAccount) -> None:
    image = uploaded(owner)
    lane = lanes.Lane(serving())
    lanes.used(owner)
    escaped = json.dumps({**OMNI, "images": [image]}).replace("file_", "\\u0066ile_").encode()
    asked = [
        lanes.create(owner, {**OMNI, "images": [image]}),
        lanes.create(owner, escaped),
        lanes.create(owner),
    ]
    assert lanes.statuses(lane.serve(*asked)) == [None, None, 200]


# --- kept while it is used


def test_a_file_cannot_be_deleted_while_a_task_waits_for_it(owner: Caller, account: UpstreamAccount) -> None:
    image = uploaded(owner)
    made = owner.post("/v1/videos", {**OMNI, "images": [image]}).json()["id"]
    refused = owner.request("DELETE", f"/v1/files/{image}")
    assert made in assert_refused(refused, 409, "file_in_use")
    storing.remove_unneeded(timezone.now() + timedelta(days=365))
    assert owner.get(f"/v1/files/{image}").status_code == 200
    assert owner.request("DELETE", f"/v1/videos/{made}").status_code == 200
    storing.remove_unneeded(timezone.now() + timedelta(days=365))
    assert_refused(owner.get(f"/v1/files/{image}"), 404, "file_not_exist")


@pytest.mark.django_db(transaction=True)
def test_no_task_begins_to_use_a_file_that_is_deleted_at_the_same_moment() -> None:
    UpstreamAccount.objects.create(name="a", endpoint="http://127.0.0.1:9", secret_id="x", secret_key="x")
    caller = make_caller(Tenant.objects.create(name="Alice"))
    for _ in range(5):
        image = uploaded(caller)
        statuses: dict[str, int] = {}

        def create(image: str = image, statuses: dict[str, int] = statuses) -> None:
            statuses["create"] = caller.post("/v1/videos", {**OMNI, "images": [image]}).status_code
            connections.close_all()

        def delete(image: str = image, statuses: dict[str, int] = statuses) -> None:
            statuses["delete"] = caller.request("DELETE", f"/v1/files/{image}").status_code
            connections.close_all()

        threads = [threading.Thread(target=work) for work in (create, delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses in ({"create": 200, "delete": 409}, {"create": 400, "delete": 200})


# --- upstream


def claimed(owner: Caller, account: UpstreamAccount, body: dict[str, Any]) -> Task:
    assert owner.post("/v1/videos", body).status_code == 200
    task = claim_next(account, timezone.now())
    assert task is not None
    return task


def test_upstream_gets_links_that_work_and_are_not_stored(owner: Caller, account: UpstreamAccount) -> None:
    image = uploaded(owner)
    task = claimed(owner, account, with_parameters(a=image) | {"images": [image], "prompt": f"see {image}"})
    payload = submission.with_links(task, Product(account.product), timezone.now())
    link = payload["ImageUrl"]
    assert json.loads(payload["AdditionalParameters"])["a"] == link
    assert payload["Prompt"] == f"see {image}"
    assert Task.objects.get().payload["ImageUrl"] == image
    assert "signature" not in str(Task.objects.values())
    parts = urlsplit(link)
    nobody = Caller(None)
    served = nobody.get(f"{parts.path}?{parts.query}")
    assert isinstance(served, StreamingHttpResponse)
    assert served.getvalue() == picture()
    assert_refused(nobody.get(f"{parts.path}?{parts.query}0"), 403, "permission_denied")
    assert_refused(nobody.get(parts.path), 401, "invalid_api_key")
    other = parts.path.replace(image, uploaded(owner))
    assert_refused(nobody.get(f"{other}?{parts.query}"), 403, "permission_denied")


def test_a_link_is_valid_from_the_submission_on(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.FILE_LINK_SECONDS = 100
    settings.PUBLIC_URL = "https://video.example.com"
    task = claimed(owner, account, {**OMNI, "images": [uploaded(owner)]})
    later = timezone.now() + timedelta(days=7)
    link = submission.with_links(task, Product(account.product), later)["ImageUrl"]
    assert link.startswith("https://video.example.com/v1/files/file_")
    assert f"expires={int(later.timestamp()) + 100}&" in link


def test_the_store_signs_links_if_it_can(
    owner: Caller, account: UpstreamAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sign(store: FolderStore, key: str, seconds: int, **_: str) -> str:
        return f"https://bucket.example/{key}?for={seconds}"

    monkeypatch.setattr(FolderStore, "sign", sign)
    task = claimed(owner, account, {**OMNI, "images": [uploaded(owner)]})
    link = submission.with_links(task, Product(account.product), timezone.now())["ImageUrl"]
    assert link == f"https://bucket.example/{storing.object_key(File.objects.get())}?for=86400"


@pytest.mark.usefixtures("database_threads")
def test_a_payload_without_files_is_sent_as_it_is_stored(owner: Caller, account: UpstreamAccount) -> None:
    plain = claimed(owner, account, OMNI)
    assert asyncio.run(payload_of(plain, account, timezone.now())) is plain.payload
    AccountState.objects.update(trial_at=None)
    named = claimed(owner, account, {**OMNI, "images": [uploaded(owner)]})
    linked = asyncio.run(payload_of(named, account, timezone.now()))
    assert {**linked, "ImageUrl": ""} == {**named.payload, "ImageUrl": ""}


@each("link", ["https://x.example/v1/files/file_1/content?expires=1&signature=abc"])
def test_links_are_redacted_in_what_is_kept_of_calls(link: str) -> None:
    assert redacted({"a": f"cannot read {link}"}) == {
        "a": "cannot read https://x.example/v1/files/file_1/content?…"
    }
    assert "signature" not in for_tenant(f"cannot read {link}", "")
