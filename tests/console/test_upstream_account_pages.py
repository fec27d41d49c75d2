"""The page of an upstream account: its fields, its secrets, its health, and what staff can do about it."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import AuditEntry, Tenant
from tests.api.test_api_errors import _is_waiting_for_a_lock as is_waiting_for_a_lock
from tests.conftest import MakeTask, claim_next
from tests.support.console import Answer, Form, Person
from videos.models import AccountState, Task, UpstreamAccount
from videos.queueing import Job
from videos.routing import health
from videos.states import Status
from videos.upstream.base import AccountRefused, OutcomeUnknown, UpstreamError

LIST, ADD = "/admin/videos/upstreamaccount/", "/admin/videos/upstreamaccount/add/"
MAY_CHANGE = ("view_upstreamaccount", "change_upstreamaccount", "add_upstreamaccount")
PROXY = "http://reelay:open-sesame@proxy.example:3128"
WHY = "The contract moved."
BAD_KEY = AccountRefused("The signature does not match.", code="AuthFailure.SignatureFailure")
Condition = AccountState.Condition


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def page_of(account: UpstreamAccount) -> str:
    return f"{LIST}{account.pk}/change/"


def add(person: Person, **fields: str) -> Answer:
    good = {"name": "second", "secret_id": "AKID2", "new_secret_key": "a-new-secret"}
    return person.fill_in(ADD, **(good | fields))


def break_(account: UpstreamAccount, error: UpstreamError = BAD_KEY, times: int = 1) -> AccountState:
    """Take the account out of service."""
    for _ in range(times):
        health.record_create(account.pk, error, timezone.now())
    return AccountState.objects.get(account=account.pk)


# --- the fields


def test_a_new_vod_account_gets_the_products_endpoint_and_runs_one_task(sophie: Person) -> None:
    assert add(sophie, product="vod", sub_app_id="1500000001").errors == []
    account = UpstreamAccount.objects.get()
    assert (account.product, account.endpoint) == ("vod", "https://vod.tencentcloudapi.com")
    assert (account.most_open_tasks, account.sub_app_id) == (1, 1_500_000_001)
    assert sophie.fill_in(page_of(account), most_open_tasks="").errors == []
    account.refresh_from_db()
    assert account.most_open_tasks is None


def test_what_was_entered_for_a_new_account_is_kept(sophie: Person) -> None:
    entered = {"endpoint": "https://vod.example", "most_open_tasks": "7"}
    assert add(sophie, product="vod", sub_app_id="1500000001", **entered).errors == []
    account = UpstreamAccount.objects.get()
    assert (account.endpoint, account.most_open_tasks) == ("https://vod.example", 7)


def test_a_new_mps_account_has_no_limit_of_tasks(sophie: Person, settings: LazySettings) -> None:
    assert add(sophie).errors == []
    account = UpstreamAccount.objects.get()
    assert (account.product, account.endpoint) == ("mps", settings.DEFAULT_UPSTREAM_ENDPOINT)
    assert account.most_open_tasks is None


def test_whoever_may_not_connect_accounts_gets_the_endpoint_of_the_product(db: None) -> None:
    tim = Person("tim", *MAY_CHANGE)
    sent = {"product": "vod", "sub_app_id": "1500000001", "new_proxy_url": PROXY}
    assert add(tim, **sent, endpoint="https://mallory.example").errors == []
    account = UpstreamAccount.objects.get()
    assert (account.endpoint, account.proxy_url) == ("https://vod.tencentcloudapi.com", None)


def test_vod_needs_an_application_id(sophie: Person, account: UpstreamAccount) -> None:
    [error] = add(sophie, product="vod").errors
    assert "application ID" in error
    [error] = sophie.fill_in(page_of(account), product="vod", reason=WHY).errors
    assert "application ID" in error
    assert [one.product for one in UpstreamAccount.objects.all()] == ["mps"]


def test_all_fields_are_saved_and_only_what_changed_is_recorded(
    sophie: Person, account: UpstreamAccount
) -> None:
    changes = {
        "region": "ap-guangzhou",
        "weight": "3",
        "most_open_tasks": "5",
        "creates_per_second": "4.5",
    }
    assert sophie.fill_in(page_of(account), **changes, is_enabled=None).errors == []
    account.refresh_from_db()
    assert (account.region, account.weight, account.most_open_tasks) == ("ap-guangzhou", 3, 5)
    assert (account.creates_per_second, account.is_enabled) == (4.5, False)
    assert set(AuditEntry.objects.get().after) == {*changes, "is_enabled"}


def test_disabled_models_are_picked_by_family_and_those_that_left_the_catalogue_are_kept(
    sophie: Person, account: UpstreamAccount
) -> None:
    account.disabled_models = ["Kling-1.6-720p", "Gone-1.0-720p"]
    account.save(update_fields=["disabled_models"])
    page = sophie.see(page_of(account))
    for family, chosen in ("Kling", "1 of "), ("Vidu", ""), ("No longer offered", "1 of 1"):
        assert re.search(rf'<summary>{family} <span class="muted small">{chosen}\d*', page)
    ticked = re.findall(r'name="disabled_models" value="([^"]+)"[^>]* checked', page)
    assert ticked == account.disabled_models
    form = Form(page).fields | {"initial-disabled_models": ticked}

    def save(*chosen: str) -> Any:
        return sophie.client.post(page_of(account), {**form, "disabled_models": [*chosen], "weight": "3"})

    save("Kling-1.6-720p", "Gone-1.0-720p")
    assert set(AuditEntry.objects.get().after) == {"weight"}
    assert "Select a valid choice" in save("Kling-9.9-720p").content.decode()
    save("Vidu-q2-720p", "Gone-1.0-720p")
    account.refresh_from_db()
    assert account.disabled_models == ["Vidu-q2-720p", "Gone-1.0-720p"]
    entry = AuditEntry.objects.latest("pk")
    assert (entry.before["disabled_models"], entry.after["disabled_models"]) == (
        ticked,
        ["Vidu-q2-720p", "Gone-1.0-720p"],
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"weight": "0"}, "greater than or equal to 1"),
        ({"weight": "1001"}, "less than or equal to 1000"),
        ({"most_open_tasks": "0"}, "takes_a_task"),
        ({"creates_per_second": "0"}, "rates_positive"),
        ({"new_proxy_url": "proxy.example:3128", "reason": WHY}, "such as http://proxy"),
        ({"new_proxy_url": "socks5://proxy.example", "reason": WHY}, "such as http://proxy"),
        ({"new_proxy_url": PROXY, "removes_proxy": "on", "reason": WHY}, "Either enter a new proxy"),
        ({"product": "telepathy", "reason": WHY}, "valid choice"),
    ],
)
def test_invalid_values_are_refused(
    changes: dict[str, str], why: str, sophie: Person, account: UpstreamAccount
) -> None:
    answer = sophie.fill_in(page_of(account), **changes)
    assert [why in error for error in answer.errors] == [True]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("changes", [{"product": "vod", "sub_app_id": "1500000001"}, {"owner": "Alice"}])
def test_product_and_owner_need_a_reason_and_are_recorded(
    changes: dict[str, str], sophie: Person, account: UpstreamAccount
) -> None:
    if "owner" in changes:
        changes = {"owner": str(Tenant.objects.create(name="Alice").pk)}
    assert "Enter a reason" in sophie.fill_in(page_of(account), **changes).errors[0]
    assert sophie.fill_in(page_of(account), **changes, reason=WHY).errors == []
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.subject) == (WHY, "upstream account somewhere")
    [name] = changes.keys() - {"sub_app_id"}
    assert entry.after[name] in ("vod", "Alice")


@pytest.mark.parametrize("field", ["product", "owner"])
def test_product_and_owner_are_fixed_once_the_account_has_tasks(
    field: str, sophie: Person, account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = make_task(Status.SUCCEEDED)
    changes = {"product": "vod", "sub_app_id": "1500000001"}
    if field == "owner":
        changes = {"owner": str(task.tenant.pk)}
    [error] = sophie.fill_in(page_of(account), **changes, reason=WHY).errors
    assert "It has tasks" in error
    account.refresh_from_db()
    assert (account.product, account.owner) == ("mps", None)
    assert sophie.fill_in(page_of(account), weight="2").errors == []


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.IN_DOUBT, Status.RUNNING])
def test_an_account_with_unfinished_tasks_stays_where_it_is(
    status: Status, sophie: Person, account: UpstreamAccount, make_task: MakeTask
) -> None:
    """Elsewhere, its tasks are not known, and one in doubt would be made twice."""
    make_task(status)
    before = account.endpoint
    [error] = sophie.fill_in(page_of(account), endpoint="https://other.example", reason=WHY).errors
    assert "unfinished tasks" in error
    account.refresh_from_db()
    assert account.endpoint == before


@pytest.mark.django_db(transaction=True)
def test_an_account_does_not_move_while_a_worker_claims_a_task_for_it(
    sophie: Person, account: UpstreamAccount, make_task: MakeTask
) -> None:
    task, moved = make_task(Status.QUEUED), {"endpoint": "https://other.example", "reason": WHY}
    page, answers = Form(sophie.see(page_of(account))).fields, list[str]()

    def move() -> None:
        answers.append(sophie.client.post(page_of(account), {**page, **moved}).content.decode())
        connection.close()

    request = threading.Thread(target=move)
    with transaction.atomic():
        assert claim_next(account, timezone.now()) == task
        request.start()
        while not is_waiting_for_a_lock():
            assert request.is_alive(), "the form did not wait for the worker"
    request.join()
    assert "unfinished tasks" in answers[0]
    assert UpstreamAccount.objects.get().endpoint == account.endpoint


@pytest.mark.django_db(transaction=True)
def test_a_worker_claims_no_task_for_an_account_that_moves(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    make_task(Status.QUEUED)
    claimed = list[Task | None]()

    def claim() -> None:
        claimed.append(claim_next(account, timezone.now()))
        connection.close()

    worker = threading.Thread(target=claim)
    with transaction.atomic():
        UpstreamAccount.objects.filter(pk=account.pk).update(endpoint="https://other.example")
        worker.start()
        while not is_waiting_for_a_lock():
            assert worker.is_alive(), "the worker did not wait for the form"
    worker.join()
    assert claimed == [None]


def test_an_account_without_tasks_can_be_deleted_and_one_with_tasks_not(
    sophie: Person, account: UpstreamAccount, make_task: MakeTask
) -> None:
    other = UpstreamAccount.objects.create(name="other", secret_id="AKIDx", secret_key="y")
    make_task(Status.RUNNING)
    for one in (account, other):
        sophie.client.post(f"{LIST}{one.pk}/delete/", {"post": "yes"})
    assert [one.name for one in UpstreamAccount.objects.all()] == [account.name]


# --- secrets


def test_the_proxy_is_written_and_never_shown(sophie: Person, account: UpstreamAccount) -> None:
    assert "Enter a reason" in sophie.fill_in(page_of(account), new_proxy_url=PROXY).errors[0]
    answer = sophie.fill_in(page_of(account), new_proxy_url=PROXY, reason=WHY)
    assert answer.errors == []
    account.refresh_from_db()
    assert account.proxy_url == PROXY
    page = sophie.see(page_of(account))
    assert "proxy.example:3128" in page
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"proxy": ""}, {"proxy": "proxy.example:3128"})
    everything = [page, answer.page, sophie.see(LIST), sophie.see(f"{LIST}{account.pk}/history/")]
    everything += [sophie.see(f"{LIST}export/"), str([*AuditEntry.objects.values()])]
    assert not [seen for seen in everything if "open-sesame" in seen or "a secret key" in seen]


def test_a_new_password_of_the_proxy_is_recorded_without_it(sophie: Person, account: UpstreamAccount) -> None:
    account.proxy_url = PROXY
    account.save()
    sophie.fill_in(page_of(account), new_proxy_url=PROXY.replace("sesame", "barley"), reason=WHY)
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"proxy": "proxy.example:3128"}, {"proxy": "changed"})
    assert "barley" not in str([*AuditEntry.objects.values()])


def test_other_changes_keep_the_secrets(sophie: Person, account: UpstreamAccount) -> None:
    account.proxy_url = PROXY
    account.save()
    assert sophie.fill_in(page_of(account), weight="2").errors == []
    account.refresh_from_db()
    assert (account.proxy_url, account.secret_key) == (PROXY, "a secret key")


def test_the_proxy_can_be_removed(sophie: Person, account: UpstreamAccount) -> None:
    account.proxy_url = PROXY
    account.save()
    assert sophie.fill_in(page_of(account), removes_proxy="on", reason=WHY).errors == []
    account.refresh_from_db()
    assert account.proxy_url is None
    assert AuditEntry.objects.get().after == {"proxy": ""}


def test_a_refused_form_does_not_show_the_secrets_that_were_entered(
    sophie: Person, account: UpstreamAccount
) -> None:
    answer = sophie.fill_in(
        page_of(account), weight="0", new_proxy_url=PROXY, new_secret_key="brand-new-secret", reason=WHY
    )
    assert answer.errors
    assert "open-sesame" not in answer.page
    assert "brand-new-secret" not in answer.page


def test_whoever_may_not_connect_accounts_cannot_set_the_proxy(account: UpstreamAccount) -> None:
    account.proxy_url = PROXY
    account.save()
    tim = Person("tim", *MAY_CHANGE)
    form = tim.open(page_of(account))
    assert not {"endpoint", "new_proxy_url", "removes_proxy"} & set(form)
    tim.fill_in(page_of(account), new_proxy_url="http://mallory.example:1", removes_proxy="on", reason=WHY)
    account.refresh_from_db()
    assert account.proxy_url == PROXY


def test_the_page_opens_if_the_encryption_key_is_lost(sophie: Person, account: UpstreamAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE videos_upstreamaccount SET secret_key = 'lost', proxy_url = 'lost'")
    assert "unreadable: its encryption key is gone" in sophie.see(page_of(account))
    answer = sophie.fill_in(page_of(account), new_secret_key="entered-again", new_proxy_url=PROXY, reason=WHY)
    assert answer.errors == []
    assert UpstreamAccount.objects.get().secret_key == "entered-again"


# --- health


def test_a_working_account_shows_its_last_check(sophie: Person, account: UpstreamAccount) -> None:
    page = sophie.see(page_of(account))
    assert '<span class="chip good">Working</span>' in page
    assert "None yet." in page
    assert "Put back into service" not in page
    health.record_check(account.pk, None, timezone.now())
    assert "The connection works." in sophie.see(page_of(account))


def test_an_account_out_of_service_says_why_and_what_to_do(sophie: Person, account: UpstreamAccount) -> None:
    break_(account)
    page = sophie.see(page_of(account))
    assert '<span class="chip bad">Out of service</span>' in page
    for said in (
        "AuthFailure.SignatureFailure",
        "The signature does not match.",
        "Enter the secret key again",
        "Next check",
        "Put back into service",
    ):
        assert said in page, said


def test_health_is_shown_in_the_language_of_the_viewer(sophie: Person, account: UpstreamAccount) -> None:
    break_(account)
    sophie.client.cookies["django_language"] = "zh-hans"
    page = sophie.see(page_of(account))
    assert "AuthFailure.SignatureFailure" in page
    assert "Out of service" not in page
    assert "Enter the secret key again" not in page


def test_a_fault_without_a_code_of_the_provider_has_a_name(sophie: Person, account: UpstreamAccount) -> None:
    break_(account, OutcomeUnknown("no answer (ServerDisconnectedError)"), times=5)
    page = sophie.see(page_of(account))
    assert "<dd>No answer</dd>" in page
    assert "whether this server can reach them" in page


def test_a_tenants_own_account_names_its_owner(sophie: Person, account: UpstreamAccount) -> None:
    account.owner = Tenant.objects.create(name="Alice & Sons")
    account.save()
    assert "This account belongs to Alice &amp; Sons" in sophie.see(page_of(account))


def test_the_new_account_form_has_no_health(sophie: Person) -> None:
    assert "Connection and health" not in sophie.see(ADD)


# --- checking the connection


def send(person: Person, account: UpstreamAccount, action: str, **fields: str) -> Answer:
    return Answer(person.client.post(f"{LIST}{account.pk}/{action}/", fields, follow=True))


def checks() -> list[Any]:
    return [job.args for job in ProcrastinateJob.objects.filter(task_name=Job.CHECK)]


def set_state_of_jobs(state: str) -> None:
    with connection.cursor() as cursor:  # the models of the queue cannot write
        cursor.execute("UPDATE procrastinate_jobs SET status = %s", [state])


def part(person: Person, account: UpstreamAccount) -> str:
    """What the page asks for every second while a check is at work."""
    return person.see(f"{page_of(account)}?part=health")


def test_a_check_waits_for_a_worker_and_is_queued_once(sophie: Person, account: UpstreamAccount) -> None:
    for _ in range(2):
        assert not send(sophie, account, "check").messages
    assert checks() == [{"account_id": account.pk}]
    assert "waits for a worker" in sophie.see(page_of(account))
    assert "waits for a worker" in part(sophie, account)
    assert "every 5s" in part(sophie, account)
    set_state_of_jobs("doing")
    assert "A worker is checking the connection." in part(sophie, account)
    assert "every 1s" in part(sophie, account)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "The connection works."),
        (BAD_KEY, "AuthFailure.SignatureFailure: The signature is wrong. Enter the secret key again"),
    ],
)
def test_the_result_of_a_check_is_shown_once_it_is_there(
    error: UpstreamError | None, said: str, sophie: Person, account: UpstreamAccount
) -> None:
    send(sophie, account, "check")
    health.record_check(account.pk, error, timezone.now())
    set_state_of_jobs("succeeded")
    assert said in unescape(part(sophie, account))
    assert "every 1s" not in part(sophie, account)


def test_the_part_with_the_health_needs_a_permission_and_an_account(
    sophie: Person, account: UpstreamAccount
) -> None:
    assert Person("tim", "view_tenant").get(f"{page_of(account)}?part=health").status_code == 403
    assert sophie.get(f"{LIST}12345/change/?part=health").status_code == 404
    assert sophie.get(f"{LIST}x/change/?part=health").status_code == 404
    assert "It takes tasks." in part(Person("viewer", "view_upstreamaccount"), account)


def test_a_check_that_ends_without_a_result_is_said(sophie: Person, account: UpstreamAccount) -> None:
    health.record_check(account.pk, None, timezone.now() - timedelta(minutes=1))
    send(sophie, account, "check")
    set_state_of_jobs("doing")
    set_state_of_jobs("failed")
    assert "ended without a result" in part(sophie, account)
    assert "hx-trigger" not in part(sophie, account)
    health.record_check(account.pk, None, timezone.now())
    assert "ended without a result" not in part(sophie, account)


# --- back into service


def test_staff_put_an_account_back_into_service_with_a_reason(
    sophie: Person, account: UpstreamAccount
) -> None:
    break_(account)
    assert send(sophie, account, "restore", reason=" ").messages == ["Enter a reason for the change."]
    assert AccountState.objects.get().condition == Condition.OPEN
    assert send(sophie, account, "restore", reason="The key is enabled again.").messages == [
        "The account is back in service."
    ]
    state = AccountState.objects.get()
    assert (state.condition, state.reason, state.retry_at) == (Condition.WORKING, "", None)
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.reason) == ("upstream account somewhere", "The key is enabled again.")
    assert entry.before == {"condition": "open", "reason": "AuthFailure.SignatureFailure"}
    assert entry.after == {"condition": "working", "reason": ""}


def test_an_account_that_works_stays_as_it_is(sophie: Person, account: UpstreamAccount) -> None:
    assert send(sophie, account, "restore", reason=WHY).messages == ["The account is in service already."]
    assert not AuditEntry.objects.exists()


# --- permissions


@pytest.mark.parametrize("action", ["check", "restore"])
def test_without_change_permission_there_are_no_buttons_and_no_actions(
    action: str, account: UpstreamAccount
) -> None:
    break_(account)
    viewer = Person("viewer", "view_upstreamaccount")
    page = viewer.see(page_of(account))
    assert "Out of service" in page
    assert "Check connection" not in page
    assert "Put back into service" not in page
    answer = viewer.client.post(f"{LIST}{account.pk}/{action}/", {"reason": WHY})
    assert answer.status_code == 403
    assert AccountState.objects.get().condition == Condition.OPEN
    assert checks() == []


@pytest.mark.parametrize("action", ["check", "restore"])
def test_actions_need_post_and_a_csrf_token(action: str, sophie: Person, account: UpstreamAccount) -> None:
    break_(account)
    address = f"{LIST}{account.pk}/{action}/"
    assert sophie.get(address).status_code == 405
    assert sophie.client.post(f"{LIST}987654/{action}/").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sophie.user)
    assert strict.post(address, {"reason": WHY}).status_code == 403
    assert AccountState.objects.get().condition == Condition.OPEN
    assert checks() == []


# --- the list and the dashboard


def names(page: str) -> list[str]:
    return re.findall(r"upstreamaccount/\d+/change/[^>]*>(\w+)</a>", page)


def test_the_list_is_filtered_by_product_owner_and_condition(
    sophie: Person, account: UpstreamAccount
) -> None:
    alice = Tenant.objects.create(name="Alice")
    secrets: dict[str, Any] = {"secret_id": "AKIDx", "secret_key": "y"}
    UpstreamAccount.objects.create(name="hers", owner=alice, **secrets)
    UpstreamAccount.objects.create(name="vod", product="vod", sub_app_id=1, **secrets)
    break_(account)
    found = {
        "": ["hers", "somewhere", "vod"],
        "product__exact=vod": ["vod"],
        "owned=platform": ["somewhere", "vod"],
        "owned=tenant": ["hers"],
        "condition=open": ["somewhere"],
        "condition=working&owned=platform": ["vod"],
    }
    assert {query: names(sophie.see(f"{LIST}?{query}")) for query in found} == found
    page = sophie.see(LIST)
    assert '<span class="chip bad">Out of service</span>' in page
    assert "Alice" in page
    for query in ("condition=bored", "owned=me"):
        answer = sophie.client.get(f"{LIST}?{query}", follow=True)
        assert answer.redirect_chain == [(f"{LIST}?e=1", 302)]


def test_the_dashboard_shows_which_accounts_do_not_work_and_why(
    sophie: Person, account: UpstreamAccount
) -> None:
    UpstreamAccount.objects.create(name="fine", secret_id="AKIDx", secret_key="y")
    state = break_(account)
    page = sophie.see("/admin/")
    assert "The upstream account somewhere is out of service." in page
    assert page.count('<span class="chip bad">Out of service</span>') == 1
    assert page.count('<span class="chip good">Working</span>') == 1
    assert "AuthFailure.SignatureFailure" in page
    assert state.retry_at is not None
    assert f"Next check {timezone.localtime(state.retry_at):%H:%M:%S}" in page
    assert "out of service" not in Person("clerk", "view_task").see("/admin/")


def test_a_disabled_account_raises_no_alarm(sophie: Person, account: UpstreamAccount) -> None:
    break_(account)
    UpstreamAccount.objects.update(is_enabled=False)
    assert "is out of service." not in sophie.see("/admin/")


CONDITIONS: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    (
        "Paused",
        lambda: {"retry_at": timezone.now() + timedelta(seconds=30), "reason": "RequestLimitExceeded"},
    ),
    ("On trial", lambda: {"reason": "InternalError"}),
]


@pytest.mark.parametrize(("label", "fields"), CONDITIONS)
def test_every_condition_is_shown(
    label: str, fields: Callable[[], dict[str, Any]], sophie: Person, account: UpstreamAccount
) -> None:
    [condition] = [value for value, name in Condition.choices if str(name) == label]
    AccountState.objects.update(condition=condition, since=timezone.now(), **fields())
    for page in (sophie.see(page_of(account)), sophie.see(LIST), sophie.see("/admin/")):
        assert f">{label}</span>" in page
