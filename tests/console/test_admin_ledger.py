"""The ledger in the staff console: read-only entries, top-ups and adjustments."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Quota, Standing, Tenant
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask
from tests.support.console import Answer, Person
from videos.billing import ledger
from videos.billing.reconciliation import differences
from videos.models import LedgerEntry
from videos.states import Status

LIST, ADD = "/admin/videos/ledgerentry/", "/admin/videos/ledgerentry/add/"
WHY = "Invoice 2026-117."
PAGES = re.compile(r'rel="(prev|next)" href="\?(?:all=&amp;)?p=(\d+)"')


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def book(person: Person, whose: Tenant, amount: str, kind: str = "top_up", **fields: str) -> Answer:
    given = {"tenant": str(whose.pk), "kind": kind, "amount": amount, "reason": WHY}
    return person.fill_in(ADD, **(given | fields))


def balance(tenant: Tenant) -> Decimal:
    return Standing.objects.get(tenant=tenant).balance


def rows(page: str) -> int:
    return page.count('<td class="field-what ')


# --- booking


def test_a_top_up_is_booked_with_author_and_reason(
    sophie: Person, owner: Caller, settings: LazySettings
) -> None:
    settings.CURRENCY = "EUR"
    answer = book(sophie, owner.tenant, "50.5")
    assert "The balance of Alice is 50.50 EUR now." in answer.messages
    entry = LedgerEntry.objects.get()
    assert (entry.tenant, entry.kind, entry.amount) == (owner.tenant, "top_up", Decimal("50.5"))
    assert (entry.actor, entry.actor_name, entry.reason) == (sophie.user, "sophie", WHY)
    change = AuditEntry.objects.get()
    assert (change.subject, change.tenant, change.actor) == ("balance of Alice", owner.tenant, sophie.user)
    assert (change.reason, change.before, change.after["balance"]) == (WHY, {"balance": "0.00"}, "50.50")
    assert change.after["kind"] == "top_up"
    assert differences() == []


def test_an_adjustment_can_be_positive_or_negative(sophie: Person, owner: Caller) -> None:
    book(sophie, owner.tenant, "5")
    answer = book(sophie, owner.tenant, "-7.000001", "adjustment")
    assert "The balance of Alice is -2.000001 CNY now." in answer.messages
    book(sophie, owner.tenant, "3", "adjustment")
    assert balance(owner.tenant) == Decimal("0.999999")
    assert differences() == []


def test_a_balance_that_was_topped_up_can_be_spent(sophie: Person, owner: Caller, account: object) -> None:
    Quota.objects.create(tenant=owner.tenant, is_prepaid=True)
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 429
    book(sophie, owner.tenant, "4")
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 429
    assert differences() == []


@pytest.mark.parametrize(
    ("kind", "amount", "why"),
    [
        ("top_up", "0", "must not be zero"),
        ("adjustment", "-0.000000", "must not be zero"),
        ("top_up", "-5", "must be positive"),
        ("top_up", "NaN", "Enter a number"),
        ("top_up", "Infinity", "Enter a number"),
        ("top_up", "ten", "Enter a number"),
        ("top_up", "", "required"),
        ("top_up", "0.0000001", "6 decimal places"),
        ("top_up", "1000000000000", "12 digits"),
        ("top_up", "1e30", "digits"),
        ("hold", "5", "valid choice"),
    ],
)
def test_an_invalid_entry_is_refused(kind: str, amount: str, why: str, sophie: Person, owner: Caller) -> None:
    answer = book(sophie, owner.tenant, amount, kind)
    assert [why in error for error in answer.errors] == [True]
    assert not LedgerEntry.objects.exists()
    assert not AuditEntry.objects.exists()
    assert balance(owner.tenant) == 0


@pytest.mark.parametrize("fields", [{"reason": " "}, {"tenant": ""}, {"form_id": ""}])
def test_required_fields_are_required(fields: dict[str, str], sophie: Person, owner: Caller) -> None:
    assert len(book(sophie, owner.tenant, "5", **fields).errors) == 1
    assert not LedgerEntry.objects.exists()


def test_a_balance_cannot_exceed_the_range_of_its_column(sophie: Person, owner: Caller) -> None:
    book(sophie, owner.tenant, "999999999999")
    for kind, amount in (("top_up", "1"), ("adjustment", "1")):
        assert any("too large" in error for error in book(sophie, owner.tenant, amount, kind).errors)
    assert book(sophie, owner.tenant, "0.999999").errors == []
    assert differences() == []


def test_a_form_sent_twice_is_booked_once_and_gets_the_same_answer(sophie: Person, owner: Caller) -> None:
    form = sophie.open(ADD)
    filled = {"tenant": str(owner.tenant.pk), "kind": "top_up", "amount": "50", "reason": WHY}
    for _ in range(2):
        answer = sophie.send(ADD, form, filled)
        assert "The balance of Alice is 50.00 CNY now." in answer.messages
    assert balance(owner.tenant) == 50
    [changed] = sophie.send(ADD, form, {**filled, "amount": "60"}).errors
    assert "send it again" in changed
    assert balance(owner.tenant) == 50
    assert book(sophie, owner.tenant, "50").errors == []
    assert balance(owner.tenant) == 100


@pytest.mark.django_db(transaction=True)
def test_concurrent_duplicates_of_a_form_are_booked_once(sophie: Person, owner: Caller) -> None:
    form = sophie.open(ADD)
    form |= {"tenant": str(owner.tenant.pk), "kind": "top_up", "amount": "50", "reason": WHY}

    def send(_: int) -> int:
        browser = Client()
        browser.force_login(sophie.user)
        try:
            return browser.post(ADD, form).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as browsers:
        statuses = list(browsers.map(send, range(4)))
    assert statuses == [302] * 4
    assert balance(owner.tenant) == 50
    assert differences() == []


def test_a_form_corrected_after_an_error_is_booked(sophie: Person, owner: Caller) -> None:
    form = sophie.open(ADD)
    filled = {"tenant": str(owner.tenant.pk), "kind": "top_up", "amount": "0", "reason": WHY}
    assert sophie.send(ADD, form, filled).errors
    assert sophie.send(ADD, form, {**filled, "amount": "50"}).errors == []
    assert balance(owner.tenant) == 50


# --- the list


def test_entries_of_people_and_tasks_are_listed_newest_first(
    sophie: Person, make_task: MakeTask, owner: Caller
) -> None:
    task = make_task(Status.SUCCEEDED, price=Decimal("0.225"))
    book(sophie, owner.tenant, "5")
    page = sophie.see(LIST)
    assert rows(page) == 3
    assert page.index("Top-up</td>") < page.index("Charge</td>") < page.index("Hold</td>")
    for text in (WHY, "sophie", task.public_id, f"/admin/videos/task/{task.pk}/change/"):
        assert text in page
    columns = ("at", "tenant", "what", "sum", "set_aside", "video", "reason", "actor_name")
    places = [page.index(f"field-{column}") for column in columns]
    assert places == sorted(places)


def test_the_list_says_what_an_entry_did_to_the_balance_and_to_the_held_amount(
    sophie: Person, make_task: MakeTask, owner: Caller
) -> None:
    make_task(Status.SUCCEEDED, price=Decimal("8.125"))
    make_task(Status.CANCELLED, price=Decimal(2))
    book(sophie, owner.tenant, "5")
    did = re.findall(r"field-sum [^>]*>(.*?)</td>.*?field-set_aside [^>]*>(.*?)</td>", sophie.see(LIST), re.S)
    exact = '<abbr class="amount" title="{0}8.125">{0}8.13</abbr>'
    assert did == [
        ("+5.00", ""),
        ("+2.00", "-2.00 refunded"),
        ("-2.00", "+2.00 held"),
        ("0.00", f"{exact.format('-')} charged"),
        (exact.format("-"), f"{exact.format('+')} held"),
    ]


def test_the_list_is_filtered_by_tenant_kind_and_day(sophie: Person, owner: Caller, stranger: Caller) -> None:
    for tenant, days in ((owner.tenant, 0), (owner.tenant, 1), (stranger.tenant, 1)):
        ledger.top_up(tenant, Decimal(5), sophie.user, WHY, NOW + timedelta(days=days))
    ledger.adjust(owner.tenant, Decimal(-1), sophie.user, WHY, NOW)
    day, next_day = (f"{NOW + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    for query, found in (
        ("", 4),
        ("tenant=ali", 3),
        ("tenant=nobody", 0),
        ("tenant=", 4),
        ("kind__exact=top_up", 3),
        (f"day_to={day}", 2),
        (f"day_from={next_day}", 2),
        (f"tenant=alice&day_to={day}&kind__exact=adjustment", 1),
    ):
        assert rows(sophie.see(f"{LIST}?{query}")) == found, query


@pytest.mark.parametrize(
    "query", ["day_from=yesterday", "day_to=2026-02-30", "p=99999999999999999999", "p=7", "p=x"]
)
def test_an_invalid_query_gets_an_answer(query: str, sophie: Person) -> None:
    assert sophie.client.get(f"{LIST}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize(
    ("query", "shown", "pages"),
    [
        ("", 50, {"next": "2"}),
        ("?p=2", 50, {"prev": "1", "next": "3"}),
        ("?p=3", 25, {"prev": "2"}),
        ("?all=", 50, {"next": "2"}),
    ],
)
def test_the_list_is_paged_and_never_counted(
    query: str, shown: int, pages: dict[str, str], sophie: Person, owner: Caller
) -> None:
    entry: dict[str, Any] = {"tenant": owner.tenant, "kind": "top_up", "amount": 1, "at": NOW}
    LedgerEntry.objects.bulk_create(LedgerEntry(**entry, actor_name="sophie", reason=WHY) for _ in range(125))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = sophie.see(f"{LIST}{query}")
    assert rows(page) == shown
    assert not [query for query in asked.captured_queries if "COUNT(" in query["sql"].upper()]
    about = [query["sql"] for query in asked.captured_queries if "videos_ledgerentry" in query["sql"]]
    assert all("LIMIT" in statement for statement in about)
    assert len(asked) <= 6
    assert dict(PAGES.findall(page)) == pages


def test_an_entry_is_shown_read_only(sophie: Person, owner: Caller) -> None:
    book(sophie, owner.tenant, "50")
    entry = LedgerEntry.objects.get()
    page = f"{LIST}{entry.pk}/change/"
    for text in ("50.00", WHY, "sophie", "Alice"):
        assert text in sophie.see(page)
    for address in (page, f"{LIST}{entry.pk}/delete/"):
        assert sophie.client.post(address, {"amount": "500", "post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    sophie.client.post(LIST, chosen)
    assert LedgerEntry.objects.get().amount == 50


# --- permissions


def test_without_permission_nothing_can_be_seen_or_booked(owner: Caller) -> None:
    tim = Person("tim", "view_task")
    given = {"tenant": str(owner.tenant.pk), "kind": "top_up", "amount": "5", "reason": WHY}
    for address in (LIST, ADD):
        assert tim.get(address).status_code == 403
        assert tim.client.post(address, given).status_code == 403
    assert not LedgerEntry.objects.exists()


def test_the_view_permission_does_not_allow_booking(owner: Caller) -> None:
    tim = Person("tim", "view_ledgerentry")
    tim.see(LIST)
    assert tim.get(ADD).status_code == 403


def test_the_add_permission_does_not_show_entries(sophie: Person, owner: Caller) -> None:
    book(sophie, owner.tenant, "5")
    tim = Person("tim", "add_ledgerentry")
    assert book(tim, owner.tenant, "5").errors == []
    assert balance(owner.tenant) == 10
    assert tim.get(LIST).status_code == 403
