"""The playground and the page of a video in the tenant portal."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Quota, Role, Tenant, User
from tests.conftest import Caller, MakeTask, order_video
from videos.models import Task, UpstreamAccount
from videos.states import Status

ANSWERS = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs"}


def member(tenant: Tenant, role: Role, name: str = "alice") -> Client:
    """A browser logged in as a member of the tenant."""
    client = Client()
    user = User.objects.create_user(name)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    client.force_login(user)
    return client


@pytest.fixture
def alice(owner: Caller) -> Client:
    return member(owner.tenant, Role.OWNER)


def page(tenant: Tenant, rest: str) -> str:
    return f"/portal/{tenant.pk}/videos/{rest}"


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


# --- the playground


def test_a_member_creates_a_video_on_the_page(owner: Caller, account: UpstreamAccount) -> None:
    client = member(owner.tenant, Role.MEMBER)
    answer = client.post(page(owner.tenant, "new/"), ANSWERS)
    task = Task.objects.get()
    assert answer["location"] == page(owner.tenant, f"{task.public_id}/")
    assert task.tenant == owner.tenant
    assert owner.get(f"/v1/videos/{task.public_id}").json()["status"] == "queued"


def test_a_viewer_cannot_create_a_video(owner: Caller, account: UpstreamAccount) -> None:
    client = member(owner.tenant, Role.VIEWER)
    assert client.get(page(owner.tenant, "new/")).status_code == 403
    for part in ("", "?part=preview", "?part=fields"):
        assert client.post(page(owner.tenant, f"new/{part}"), ANSWERS).status_code == 403
    assert not Task.objects.exists()


def test_each_error_is_explained(alice: Client, owner: Caller, account: UpstreamAccount) -> None:
    wrong = ANSWERS | {"seconds": "4", "model": "Kling-2.5-720p", "prompt": ""}
    shown = text(alice.post(page(owner.tenant, "new/"), wrong))
    assert "Kling 2.5 does not make videos of 4 s: choose 5 or 10 s." in shown
    assert "Describe the video, or add an image or a video to start from." in shown
    assert not Task.objects.exists()


def test_a_refusing_limit_is_shown_in_the_preview(
    alice: Client, owner: Caller, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, seconds_per_day=4)
    path = page(owner.tenant, "new/?part=preview")
    shown = text(alice.post(path, ANSWERS, headers={"hx-request": "true"}))
    assert "4 s of video can be created a day; 0 s are used." in shown


def test_without_javascript_a_part_is_a_whole_page(
    alice: Client, owner: Caller, account: UpstreamAccount
) -> None:
    shown = text(alice.post(page(owner.tenant, "new/?part=fields"), ANSWERS | {"model": "GV-3.1-720p"}))
    assert "<html" in shown
    assert "a cat runs" in shown
    assert re.findall(r'name="seconds"[^>]*>\s*<option value="(\d+)"', shown) == ["8"]


def test_another_tenants_video_cannot_be_submitted_again(
    alice: Client, owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    theirs = order_video(stranger, ANSWERS | {"prompt": "a secret of Charlie's"})
    assert "secret of Charlie" not in text(alice.get(page(owner.tenant, f"new/?from={theirs.public_id}")))


# --- one video


def test_a_finished_video_can_be_played_without_a_key(
    alice: Client, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(Status.SUCCEEDED, media_bytes=5_000_000, frame_size="1280x720")
    shown = text(alice.get(page(owner.tenant, f"{task.public_id}/")))
    [link] = re.findall(r'<video[^>]* src="([^"]+)"', shown)
    assert link.startswith(f"/v1/videos/{task.public_id}/content?")
    assert "1280x720" in shown
    assert "part=live&amp;seen=" not in shown


@pytest.mark.parametrize("status", list(Status))
def test_the_page_of_a_video_in_any_state_takes_few_queries(
    status: Status, alice: Client, owner: Caller, make_task: MakeTask, django_assert_max_num_queries: Any
) -> None:
    task = make_task(status)
    path = page(owner.tenant, f"{task.public_id}/")
    with django_assert_max_num_queries(15):
        shown = text(alice.get(path))
    assert task.public_id in shown
    assert ("part=live&amp;seen=" in text(alice.get(f"{path}?part=live"))) is ("part=live&amp;seen=" in shown)


def test_a_failure_is_explained_with_advice(alice: Client, owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.FAILED, failure_code="content_policy_violation", failure_message="No violence.")
    shown = text(alice.get(page(owner.tenant, f"{task.public_id}/")))
    assert "content policy" in shown
    assert "No violence." in shown
    assert "Change the prompt or the images" in shown


def test_upstream_details_are_not_shown_to_tenants(
    alice: Client, owner: Caller, make_task: MakeTask, account: UpstreamAccount
) -> None:
    task = make_task(Status.RUNNING, attention="upstream says a strange word")
    task.events.create(at=task.created_at, verb="flag", status="running", detail={"attention": "strange"})
    detail = {"upstream_task_id": task.upstream_task_id, "request_id": "req-77"}
    task.events.create(at=task.created_at, verb="accepted", status="running", detail=detail)
    shown = text(alice.get(page(owner.tenant, f"{task.public_id}/")))
    assert task.upstream_task_id is not None
    for secret in ("strange", "req-77", task.upstream_task_id, account.name):
        assert secret not in shown


def test_another_tenants_video_is_not_found(
    alice: Client, owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    theirs = order_video(stranger)
    assert alice.get(page(owner.tenant, f"{theirs.public_id}/")).status_code == 404
    assert alice.get(page(stranger.tenant, f"{theirs.public_id}/")).status_code == 404
    assert alice.get(page(owner.tenant, "nonsense/")).status_code == 404


def test_without_a_log_in_the_page_redirects_to_it(owner: Caller) -> None:
    answer = Client().get(page(owner.tenant, "new/"))
    assert answer.status_code == 302
    assert answer["location"].startswith("/log-in/?next=")


# --- deleting


@pytest.mark.parametrize(
    ("before", "after", "wanted", "stays"),
    [
        (Status.QUEUED, Status.CANCELLED, "cancel", True),
        (Status.WAITING, Status.CANCELLED, "cancel", True),
        (Status.FAILED, Status.FAILED, "delete", False),
        (Status.CANCELLED, Status.CANCELLED, "delete", False),
        (Status.SUCCEEDED, Status.SUCCEEDED, "delete", False),
    ],
)
def test_a_video_is_cancelled_or_deleted_after_confirmation(
    before: Status, after: Status, wanted: str, stays: bool, alice: Client, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(before)
    path = page(owner.tenant, f"{task.public_id}/")
    shown = text(alice.get(f"{path}remove/"))
    assert "Keep it" in shown
    assert f'name="wanted" value="{wanted}"' in shown
    task.refresh_from_db()
    assert (task.status, task.hidden_at) == (before, None)
    answer = alice.post(f"{path}remove/", {"wanted": wanted})
    assert alice.get(answer["location"]).status_code == 200
    task.refresh_from_db()
    assert task.status == after
    assert alice.get(path).status_code == (200 if stays else 404)
    assert task.events.filter(verb="removed", detail__by="alice").exists()


@pytest.mark.parametrize(
    ("state", "sent", "said"),
    [
        (Status.SUCCEEDED, {"wanted": "cancel"}, "Completed"),  # it ended while the page was open
        (Status.CANCELLED, {"wanted": "cancel"}, "Cancelled"),  # the second click
        (Status.QUEUED, {"wanted": "delete"}, "Queued"),
        (Status.FAILED, {}, "Failed"),
        (Status.RUNNING, {"wanted": "cancel"}, "in progress"),
    ],
)
def test_a_video_is_not_removed_otherwise_than_the_page_said(
    state: Status, sent: dict[str, str], said: str, alice: Client, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(state)
    path = page(owner.tenant, f"{task.public_id}/")
    answer = alice.post(f"{path}remove/", sent)
    assert answer["location"] == path
    shown = text(alice.get(path))
    assert said in shown[shown.index('class="messages"') :][:400]
    task.refresh_from_db()
    assert (task.state, task.hidden_at, task.media_removed_at) == (state, None, None)
    assert not task.events.exists()


def test_a_video_in_progress_has_nothing_to_confirm(
    alice: Client, owner: Caller, make_task: MakeTask
) -> None:
    path = page(owner.tenant, f"{make_task(Status.RUNNING).public_id}/")
    assert alice.get(f"{path}remove/")["location"] == path
    assert "it can be deleted after it ends" in text(alice.get(path))


def test_a_viewer_cannot_delete(owner: Caller, make_task: MakeTask) -> None:
    task, client = make_task(Status.FAILED), member(owner.tenant, Role.VIEWER)
    path = page(owner.tenant, f"{task.public_id}/")
    assert client.post(f"{path}remove/").status_code == 403
    assert "remove/" not in text(client.get(path))


@pytest.mark.parametrize("part", ["nonsense", "../console/exchanges", "../portal/keys_new"])
def test_an_unknown_part_redraws_the_whole_page(
    part: str, alice: Client, owner: Caller, account: UpstreamAccount
) -> None:
    answer = alice.post(page(owner.tenant, f"new/?part={part}"), {}, headers={"hx-request": "true"})
    assert "<html" in text(answer)


def test_without_javascript_the_form_works_from_every_page(
    alice: Client, owner: Caller, account: UpstreamAccount
) -> None:
    shown = text(alice.post(page(owner.tenant, "new/?part=preview"), ANSWERS))
    [action] = re.findall(r'<form id="composer" method="post" action="([^"]*)"', shown)
    assert alice.post(action, ANSWERS).status_code == 302
    assert Task.objects.count() == 1


def test_an_invalid_slot_is_not_removed(alice: Client, owner: Caller, account: UpstreamAccount) -> None:
    sent = ANSWERS | {"images": ["https://x.example/1.png"], "remove": "images:" + "9" * 5000}
    assert "https://x.example/1.png" in text(alice.post(page(owner.tenant, "new/?part=fields"), sent))


def test_tenants_do_not_see_names_of_staff(alice: Client, owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.QUEUED)
    detail = {"by": "sophie", "at": "console"}
    task.events.create(at=task.created_at, verb="asked", status="queued", detail=detail)
    shown = text(alice.get(page(owner.tenant, f"{task.public_id}/")))
    assert "sophie" not in shown
    assert "the platform&#x27;s staff" in shown


def test_the_language_of_a_page_does_not_leak_into_the_api(owner: Caller, alice: Client) -> None:
    alice.get("/log-in/", headers={"accept-language": "zh-hans"})
    answer = owner.request("PUT", "/v1/models")
    assert answer.json()["message"] == 'Method "PUT" not allowed.'
    assert "default-src 'none'" in answer["content-security-policy"]
