"""Tasks in the staff console: created with the form, inspected, decided about."""

import json
import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry, Quota, Tenant
from tests.conftest import UPSTREAM_PAYLOAD, Caller, MakeTask, claim_next, order_video, payload_of
from tests.support.console import Form, Person
from tests.support.uploads import picture
from videos.models import LedgerEntry, Task, UpstreamAccount
from videos.routing import clients
from videos.states import Status

ADD = "/admin/videos/task/add/"
ANSWERS = {"tenant": "Alice", "model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs"}


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def page_of(task: Task) -> str:
    return f"/admin/videos/task/{task.pk}/change/"


def send(person: Person, path: str, answers: dict[str, Any], *, htmx: bool = False) -> Any:
    headers = {"hx-request": "true"} if htmx else {}
    return person.client.post(path, answers, headers=headers)


# --- creating a task


def test_staff_create_a_task_for_any_tenant(
    sophie: Person, owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    answer = send(sophie, ADD, ANSWERS)
    task = Task.objects.get()
    assert answer["location"] == page_of(task)
    assert (task.tenant, task.state) == (owner.tenant, Status.QUEUED)
    assert LedgerEntry.objects.get().task == task
    assert "sophie" in sophie.see(page_of(task))


def test_a_form_sent_twice_makes_one_task(sophie: Person, owner: Caller, account: UpstreamAccount) -> None:
    sent = ANSWERS | {"form_id": "0b5c6f0e-8d6f-4a39-9d0a-8a8e3a3a9a11"}
    assert send(sophie, ADD, sent)["location"] == send(sophie, ADD, sent)["location"]
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tenant": "Nobody"}, "Choose a tenant."),
        ({"prompt": ""}, "Describe the video, or add an image or a video to start from."),
        ({"seconds": "99"}, "Kling 3.0 does not make videos of 99 s: choose 3-15 s."),
        ({"images": ["ftp://x"]}, "Enter a whole link"),
        ({"max_cost": "0.01"}, "more than the 0.01 CNY that you allow"),
    ],
)
def test_errors_are_shown_at_their_fields_and_nothing_is_created(
    changes: dict[str, Any], sentence: str, sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    page = send(sophie, ADD, ANSWERS | changes).content.decode()
    field = next(iter(changes)) + ("-0" if "images" in changes else "")
    [shown] = re.findall(rf'<ul class="errors" id="errors-{field}"[^>]*>(.*?)</ul>', page, re.DOTALL)
    assert sentence in shown
    assert re.search(rf'aria-describedby="errors-{field}( errors-images)?" aria-invalid="true"', page)
    assert not Task.objects.exists()


def test_choosing_another_model_redraws_the_fields_and_keeps_what_fits(
    sophie: Person, account: UpstreamAccount
) -> None:
    sent = ANSWERS | {"model": "Vidu-q2-720p", "images": ["https://x.example/1.png"], "subjects": ["cat"]}
    part = send(sophie, f"{ADD}?part=fields", sent, htmx=True).content.decode()
    assert "a cat runs" in part
    assert 'name="subjects"' in part
    assert 'value="cat"' in part
    assert "multi_shot" not in part
    assert "<html" not in part


def test_slots_are_added_and_removed(sophie: Person, account: UpstreamAccount) -> None:
    sent = ANSWERS | {
        "model": "Vidu-q2-720p",
        "images": ["https://x.example/1.png", "https://x.example/2.png"],
    }
    more = send(sophie, f"{ADD}?part=fields", sent | {"add": "images"}, htmx=True).content.decode()
    assert more.count('name="images"') == 3
    less = send(sophie, f"{ADD}?part=fields", sent | {"remove": "images:0"}, htmx=True).content.decode()
    assert re.findall(r'type="url" class="control" placeholder="https://" value="([^"]*)"', less) == [
        "https://x.example/2.png"
    ]


def test_the_preview_shows_the_price_and_errors(
    sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    part = send(sophie, f"{ADD}?part=preview", ANSWERS, htmx=True).content.decode()
    assert re.search(r"<strong>[\d.]+\u202fCNY</strong>", part)
    assert 'id="errors-prompt" hx-swap-oob="true"' in part
    assert not Task.objects.exists()


def test_tenant_names_are_suggested(sophie: Person, owner: Caller, stranger: Caller) -> None:
    assert "Alice" in sophie.see(f"{ADD}?part=tenants&tenant=ali")
    assert "Charlie" not in sophie.see(f"{ADD}?part=tenants&tenant=ali")


def test_submit_again_with_changes_is_prefilled_with_the_request(
    sophie: Person, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(Status.FAILED)
    page = sophie.see(f"{ADD}?from={task.public_id}")
    assert "a cat runs" in page
    assert 'value="Alice"' in page


# --- the page of a task


def test_the_page_shows_request_payload_money_and_events(
    sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    body = {"model": "kling-3.0-720P", "seconds": 5, "prompt": "a cat runs", "user": "u1"}
    body |= {"metadata": {"input_region": "Mainland"}}
    task = order_video(owner, body)
    page = sophie.see(page_of(task))
    for part in ("u1", "metadata.input_region", "ModelName", "Held", "queued", "chosen when it is submitted"):
        assert part in page
    assert json.dumps(payload_of(task)["ModelVersion"]).strip('"') in page
    assert claim_next(account, timezone.now()) == task
    assert account.name in sophie.see(page_of(task))


def test_the_page_shows_the_calls_upstream_with_their_request_ids(
    sophie: Person, make_task: MakeTask
) -> None:
    task = make_task(Status.RUNNING)
    detail = {"action": "create", "seconds": 0.4, "request_id": "req-77", "answer": {"TaskId": "t"}}
    task.events.create(at=task.created_at, verb="accepted", status="running", detail=detail)
    page = sophie.see(page_of(task))
    assert "req-77" in page
    assert "0.40" in page


@pytest.mark.parametrize("status", list(Status))
def test_the_page_of_a_task_in_any_state_takes_few_queries(
    status: Status, sophie: Person, make_task: MakeTask, django_assert_max_num_queries: Any
) -> None:
    task = make_task(status)
    with django_assert_max_num_queries(15):
        page = sophie.see(page_of(task))
    assert ("part=live&amp;seen=" in page) is (
        status not in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
    )


def test_the_live_part_stops_polling_once_the_task_has_ended(sophie: Person, make_task: MakeTask) -> None:
    going, ended = make_task(Status.RUNNING), make_task(Status.SUCCEEDED)
    assert "part=live&amp;seen=" in sophie.see(f"{page_of(going)}?part=live")
    part = sophie.see(f"{page_of(ended)}?part=live")
    assert "part=live&amp;seen=" not in part
    assert "<video" in part


@pytest.mark.parametrize("id_", ["task_" + "0" * 32, "nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_task_is_not_found(id_: str, sophie: Person) -> None:
    assert sophie.get(f"/admin/videos/task/{id_}/change/").status_code == 404


# --- actions


def decide(person: Person, task: Task, name: str, **changes: str) -> str:
    sent = {"mark": f"{task.status}:{task.attempts}", "reason": "because I looked", **changes}
    answer = person.client.post(f"/admin/videos/task/{task.pk}/decide/{name}/", sent, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_doubt_is_resolved_with_a_reason(
    sophie: Person, make_task: MakeTask, sandbox_account: UpstreamAccount
) -> None:
    found = clients.call_once(sandbox_account.pk, lambda client: client.create(UPSTREAM_PAYLOAD)).task_id
    task = make_task(Status.IN_DOUBT, attention="in doubt")
    for name in ("accept_by_hand", "release", "resubmit"):
        assert f'id="decide-{name}"' in sophie.see(page_of(task))
    page = decide(sophie, task, "accept_by_hand", upstream_task_id="found-1")
    assert "The provider has no task found-1." in page
    page = decide(sophie, task, "accept_by_hand", upstream_task_id=found)
    assert found in page
    assert 'id="decide-correct_by_hand"' in page
    assert "because I looked" in page
    assert AuditEntry.objects.get().actor_name == "sophie"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "Enter a reason for the change."),
        ({"reason": "a\0b"}, "Null characters are not allowed."),
        ({"reason": "a" * 2001}, "at most 2000 characters"),
        ({"upstream_task_id": "a\0b"}, "Null characters are not allowed."),
        ({"upstream_task_id": "a" * 201}, "at most 200 characters"),
        ({"mark": "queued:0"}, "The task has changed since the page was loaded."),
    ],
)
def test_a_decision_with_a_wrong_form_or_on_an_old_page_changes_nothing(
    changes: dict[str, str], said: str, sophie: Person, make_task: MakeTask
) -> None:
    task = make_task(Status.IN_DOUBT)
    assert said in decide(sophie, task, "release", **changes)
    task.refresh_from_db()
    assert task.status == Status.IN_DOUBT
    assert not AuditEntry.objects.exists()


def test_a_decision_redirects_to_the_new_task(sophie: Person, make_task: MakeTask) -> None:
    task = make_task(Status.FAILED)
    form = "0b5c6f0e-8d6f-4a39-9d0a-8a8e3a3a9a11"
    decide(sophie, task, "resubmit", form_id=form)
    assert Task.objects.exclude(pk=task.pk).get().public_id in decide(sophie, task, "resubmit", form_id=form)


# --- permissions


@pytest.mark.parametrize(
    ("permissions", "may_look", "may_make", "may_decide"),
    [
        (("view_task",), 200, 403, 403),
        (("view_task", "add_task"), 200, 200, 403),
        (("view_task", "change_task"), 200, 403, 302),
        (("view_tenant",), 403, 403, 403),
    ],
)
def test_permissions_control_who_views_creates_and_decides(
    permissions: tuple[str, ...], may_look: int, may_make: int, may_decide: int, make_task: MakeTask
) -> None:
    task, person = make_task(Status.QUEUED), Person("erin", *permissions)
    assert person.get(page_of(task)).status_code == may_look
    assert person.get(ADD).status_code == may_make
    sent = {"mark": "queued:0", "reason": "because"}
    path = f"/admin/videos/task/{task.pk}/decide/cancel_by_hand/"
    assert person.client.post(path, sent).status_code == may_decide
    assert Task.objects.get().status == (Status.CANCELLED if may_decide == 302 else Status.QUEUED)


def test_without_script_an_action_has_a_page_of_its_own(sophie: Person, make_task: MakeTask) -> None:
    task = make_task(Status.QUEUED)
    page = f"/admin/videos/task/{task.pk}/decide/cancel_by_hand/"
    assert f'<form action="{page}"><button class="button danger"' in sophie.see(page_of(task))
    assert "The hold is released to the tenant." in sophie.see(page)
    assert Task.objects.get().status == Status.QUEUED, "nothing is done by GET"
    sophie.client.post(page, {**Form(sophie.see(page)).fields, "reason": "because"})
    assert Task.objects.get().status == Status.CANCELLED
    assert sophie.get(page)["location"] == page_of(task)
    assert "status no longer allows this." in sophie.see(page_of(task))
    assert sophie.client.post(f"/admin/videos/task/{task.pk}/decide/fly/").status_code == 404


def test_a_single_tenant_is_preselected_and_so_is_the_one_in_the_address(
    sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    assert 'value="Alice" list' in sophie.see(ADD)
    bob = Tenant.objects.create(name="Bob")
    assert 'value="Alice" list' not in sophie.see(ADD)
    assert 'value="Bob" list' in sophie.see(f"{ADD}?tenant={bob.pk}")
    assert 'value="Bob" list' not in sophie.see(f"{ADD}?tenant=Bob")
    [link] = re.findall(r'id="new-task" href="([^"]+)"', sophie.see(f"/admin/accounts/tenant/{bob.pk}/"))
    assert link == f"{ADD}?tenant={bob.pk}"


def test_a_page_without_news_is_not_redrawn(sophie: Person, make_task: MakeTask) -> None:
    """Otherwise a dialog would close while somebody writes a reason."""
    task = make_task(Status.IN_DOUBT)
    [seen] = re.findall(r"part=live&amp;seen=([^\"]+)\"", sophie.see(page_of(task)))
    assert 'id="actions"' not in sophie.see(f"{page_of(task)}?part=live&seen={seen}")
    task.events.create(at=task.created_at, verb="flag", status="in_doubt", detail={})
    assert 'id="actions"' in sophie.see(f"{page_of(task)}?part=live&seen={seen}")


def test_the_add_permission_shows_no_requests_and_no_limits(make_task: MakeTask) -> None:
    task, person = make_task(Status.FAILED), Person("erin", "add_task")
    assert "a cat runs" not in person.see(f"{ADD}?from={task.public_id}")
    part = send(person, f"{ADD}?part=preview", ANSWERS, htmx=True).content.decode()
    assert "CNY" in part
    assert "Concurrent videos" not in part


def test_a_refusal_tells_limits_only_to_those_who_may_see_them(
    make_task: MakeTask, owner: Caller, settings: LazySettings
) -> None:
    hidden = "A limit of the tenant, which you may not see, does not allow this now."
    task = make_task(Status.FAILED)
    Quota.objects.create(tenant=owner.tenant, spend_per_day="0.10")
    settings.FILES_BYTES_PER_TENANT = 1
    told = {
        Person("erin", "add_task", "view_task", "change_task"): (hidden, hidden, hidden),
        Person("vera", "add_task", "view_task", "change_task", "view_tenant"): (
            "0.10 CNY can be spent a day",
            "0.10 CNY can be spent a day",
            "The files may take 1",
        ),
    }
    for person, sentences in told.items():
        with_picture = {**ANSWERS, "picture": SimpleUploadedFile("she.png", picture())}
        pages = (
            send(person, ADD, ANSWERS).content.decode(),
            decide(person, task, "resubmit"),
            send(person, f"{ADD}?part=fields", with_picture).content.decode(),
        )
        assert [sentence in page for page, sentence in zip(pages, sentences, strict=True)] == [True] * 3
        assert (hidden in "".join(pages)) is (person.user.username == "erin")


def test_submitting_again_needs_the_add_permission(make_task: MakeTask) -> None:
    task, person = make_task(Status.FAILED), Person("erin", "view_task", "change_task")
    assert 'id="decide-resubmit"' not in person.see(page_of(task))
    sent = {"mark": "failed:0", "reason": "because"}
    assert person.client.post(f"/admin/videos/task/{task.pk}/decide/resubmit/", sent).status_code == 403


@pytest.mark.parametrize("tenant", ["a\x00b", "", " "])
def test_an_invalid_tenant_name_matches_nobody(tenant: str, sophie: Person, account: UpstreamAccount) -> None:
    page = send(sophie, ADD, ANSWERS | {"tenant": tenant}).content.decode()
    assert "Choose a tenant." in page
    assert sophie.get(f"{ADD}?part=tenants&tenant=%00").status_code == 200
