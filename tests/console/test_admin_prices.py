"""The price list in the staff console: past prices stay and every change is in the audit log."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry
from tests.conftest import GOOD_BODY, Caller, order_video
from tests.support.console import Answer, Person
from videos.models import Price, UpstreamAccount

LIST, ADD = "/admin/videos/price/", "/admin/videos/price/add/"
MODEL = "Kling-3.0-1080p"
WHY = "The vendor's new list."
DAY = timedelta(days=1)
PAST, FUTURE = datetime(2026, 1, 2, tzinfo=UTC), datetime(2100, 1, 2, tzinfo=UTC)


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


@pytest.fixture
def now() -> datetime:
    """Whole seconds, as in the form."""
    return timezone.now().replace(microsecond=0)


def page_of(price: Price) -> str:
    return f"{LIST}{price.pk}/change/"


def in_force() -> Price:
    """The default price of the model without options."""
    return Price.objects.get(
        model=MODEL, with_audio=False, with_reference=False, off_peak=False, on_own_account=False
    )


def coming(now: datetime, **fields: Any) -> Price:
    defaults = {"model": MODEL, "per_second": Decimal(2), "valid_from": now + DAY}
    return Price.objects.create(**(defaults | fields))


def at(field: str, moment: datetime | None) -> dict[str, str]:
    """The form fields of a time."""
    if moment is None:
        return {f"{field}_0": "", f"{field}_1": ""}
    return {f"{field}_0": f"{moment:%Y-%m-%d}", f"{field}_1": f"{moment:%H:%M:%S}"}


def prices() -> list[Any]:
    return list(Price.objects.order_by("pk").values())


def refused(answer: Answer, why: str) -> bool:
    """Whether the form was shown again with only this error and no audit entry was written."""
    return [why in error for error in answer.errors] == [True] and not AuditEntry.objects.exists()


# --- a new price


def test_a_form_sent_twice_adds_one_price_and_gets_the_same_answer(sophie: Person, account: object) -> None:
    form = sophie.open(ADD)
    filled = {"model": MODEL, "per_second": "1.5", "reason": WHY}
    first, again = (sophie.send(ADD, form, filled) for _ in range(2))
    assert first.errors == again.errors == []
    assert "was added successfully" in first.messages[0]
    assert (again.messages, again.page.count("&lt;a")) == (first.messages, 0)
    assert AuditEntry.objects.count() == 1


def test_a_new_price_applies_at_once_and_is_in_the_audit_log(
    sophie: Person, owner: Caller, account: object
) -> None:
    before = order_video(owner)
    answer = sophie.fill_in(ADD, model=MODEL, per_second="1.5", reason=WHY)
    assert answer.errors == []
    price = Price.objects.latest("pk")
    assert timezone.now() - price.valid_from < timedelta(minutes=1)
    change = AuditEntry.objects.get()
    assert (change.subject, change.actor, change.tenant) == (f"price of {MODEL}", sophie.user, None)
    assert (change.reason, change.before) == (WHY, {})
    assert change.after == {
        "price_list": None,
        "model": MODEL,
        "with_audio": False,
        "with_reference": False,
        "off_peak": False,
        "on_own_account": False,
        "per_second": "1.50",
        "valid_from": price.valid_from.isoformat(),
        "valid_until": None,
    }
    assert order_video(owner).price == Decimal("7.5")
    before.refresh_from_db()
    assert before.price == Decimal(4)


def test_a_new_price_can_have_a_later_start_and_end(
    sophie: Person, owner: Caller, account: object, now: datetime
) -> None:
    times = {**at("valid_from", now + DAY), **at("valid_until", now + 2 * DAY)}
    assert sophie.fill_in(ADD, model=MODEL, with_audio="on", per_second="0", reason=WHY, **times).errors == []
    price = Price.objects.latest("pk")
    assert (price.valid_from, price.valid_until, price.with_audio) == (now + DAY, now + 2 * DAY, True)
    assert AuditEntry.objects.get().subject == f"price of {MODEL} + audio"
    assert order_video(owner).price == Decimal(4)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"reason": ""}, "Enter a reason"),
        ({"reason": "  "}, "Enter a reason"),
        ({"model": "Kling-9.9-1080p"}, "valid choice"),
        ({"model": MODEL.lower()}, "valid choice"),
        ({"per_second": "-0.01"}, "greater than or equal to 0"),
        ({"per_second": "NaN"}, "Enter a number"),
        ({"per_second": "0.0000001"}, "decimal places"),
        ({"per_second": "1000000"}, "below 1000000"),
        (at("valid_from", PAST), "start cannot be in the past"),
        (at("valid_until", PAST), "end cannot be in the past"),
        (
            {**at("valid_from", FUTURE), **at("valid_until", FUTURE)},
            "after it begins",
        ),
    ],
)
def test_an_invalid_price_is_refused(fields: dict[str, str], why: str, sophie: Person) -> None:
    before = prices()
    good = {"model": MODEL, "per_second": "1", "reason": WHY}
    assert refused(sophie.fill_in(ADD, **(good | fields)), why)
    assert prices() == before


def test_two_prices_cannot_begin_at_the_same_moment(sophie: Person, now: datetime) -> None:
    coming(now)
    answer = sophie.fill_in(ADD, model=MODEL, per_second="1", reason=WHY, **at("valid_from", now + DAY))
    assert refused(answer, "already exists")


def test_a_price_on_the_tenants_own_account_is_separate(
    sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    answer = sophie.fill_in(ADD, model=MODEL, on_own_account="on", per_second="0.25", reason=WHY)
    assert answer.errors == []
    assert AuditEntry.objects.get().subject == f"price of {MODEL} + own account"
    assert in_force().per_second == Decimal("0.8"), "the platform's price is still in force"
    assert order_video(owner).price == Decimal(4)
    UpstreamAccount.objects.update(owner=owner.tenant)
    assert order_video(owner).price == Decimal("1.25")
    for query, shown in {"on_own_account__exact=1": 1, f"on_own_account__exact=0&q={MODEL}": 1}.items():
        assert sophie.see(f"{LIST}?{query}").count('<tr class="data-row') >= shown, query
    assert sophie.see(f"{LIST}?on_own_account__exact=1").count('<tr class="data-row') == 1


def test_ending_a_price_on_own_accounts_warns_of_nothing(sophie: Person, now: datetime) -> None:
    price = coming(now, valid_from=now - DAY, on_own_account=True)
    answer = sophie.fill_in(page_of(price), ends_now="on", reason=WHY)
    assert answer.errors == []
    assert not [message for message in answer.messages if "not sold" in message]


# --- a price in force


def test_only_the_end_of_a_price_in_force_can_be_changed(sophie: Person) -> None:
    form = sophie.open(page_of(in_force()))
    assert {name for name in form if not name.startswith(("initial-", "_", "csrf"))} == {
        "valid_until_0",
        "valid_until_1",
        "reason",
    }
    before = prices()
    answer = sophie.fill_in(page_of(in_force()), per_second="9", reason=WHY)
    assert refused(answer, "only its end can be changed")
    assert prices() == before


def test_a_price_ends_when_staff_set_its_end(sophie: Person, now: datetime) -> None:
    answer = sophie.fill_in(page_of(in_force()), **at("valid_until", now + DAY), reason=WHY)
    assert answer.errors == []
    assert in_force().valid_until == now + DAY
    change = AuditEntry.objects.get()
    assert change.before == {"valid_until": None}
    assert change.after == {"valid_until": (now + DAY).isoformat()}


def test_ending_a_price_now_stops_sales_and_warns_staff(
    sophie: Person, owner: Caller, account: object
) -> None:
    made = order_video(owner)
    answer = sophie.fill_in(page_of(in_force()), ends_now="on", reason="A mistake.")
    assert any(f"{MODEL} has no base price in force" in message for message in answer.messages)
    assert owner.post("/v1/videos", GOOD_BODY).status_code >= 400
    made.refresh_from_db()
    assert made.price == Decimal(4)
    ended = in_force()
    assert ended.valid_until is not None
    assert AuditEntry.objects.get().after == {"valid_until": ended.valid_until.isoformat()}


def test_no_warning_is_shown_if_another_price_applies(sophie: Person, now: datetime) -> None:
    other = coming(now, valid_from=now - DAY)
    answer = sophie.fill_in(page_of(other), ends_now="on", reason=WHY)
    assert answer.errors == []
    assert not [message for message in answer.messages if "No price" in message]


@pytest.mark.parametrize("changes", [{}, {"reason": WHY}])
def test_an_unchanged_price_leaves_no_audit_entry(changes: dict[str, str], sophie: Person) -> None:
    before = prices()
    assert sophie.fill_in(page_of(in_force()), **changes).errors == []
    assert prices() == before
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ends_now": "on"}, "Enter a reason"),
        ({"reason": WHY, **at("valid_until", PAST)}, "end cannot be in the past"),
    ],
)
def test_an_end_needs_a_reason_and_cannot_be_in_the_past(
    changes: dict[str, str], why: str, sophie: Person
) -> None:
    before = prices()
    assert refused(sophie.fill_in(page_of(in_force()), **changes), why)
    assert prices() == before


def test_a_price_that_began_cannot_be_deleted(sophie: Person) -> None:
    page = f"{LIST}{in_force().pk}/delete/"
    assert sophie.get(page).status_code == 403
    assert sophie.client.post(page, {"post": "yes", "reason": WHY}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [in_force().pk], "post": "yes"}
    sophie.client.post(LIST, chosen)
    assert Price.objects.filter(pk=in_force().pk).exists()
    assert not AuditEntry.objects.exists()


def test_an_ended_price_is_read_only(sophie: Person, now: datetime) -> None:
    ended = coming(now, valid_from=now - 2 * DAY, valid_until=now - DAY)
    page = sophie.see(page_of(ended))
    assert 'name="reason"' not in page
    assert 'name="valid_until' not in page
    sent = {**at("valid_until", now + DAY), "reason": WHY}
    assert sophie.client.post(page_of(ended), sent).status_code == 403


# --- a future price


def test_a_future_price_can_be_changed_and_the_change_is_in_the_audit_log(
    sophie: Person, now: datetime
) -> None:
    price = coming(now)
    assert sophie.fill_in(page_of(price), per_second="3", with_audio="on", reason=WHY).errors == []
    price.refresh_from_db()
    assert (price.per_second, price.with_audio, price.valid_from) == (Decimal(3), True, now + DAY)
    change = AuditEntry.objects.get()
    assert change.before == {"per_second": "2.00", "with_audio": False}
    assert change.after == {"per_second": "3.00", "with_audio": True}


def test_a_future_price_can_be_started_at_once(
    sophie: Person, owner: Caller, account: object, now: datetime
) -> None:
    price = coming(now)
    assert sophie.fill_in(page_of(price), **at("valid_from", None), reason=WHY).errors == []
    assert order_video(owner).price == Decimal(10)


def test_a_form_sent_after_the_price_began_changes_nothing(sophie: Person, now: datetime) -> None:
    price = coming(now)
    form = sophie.open(page_of(price))
    Price.objects.filter(pk=price.pk).update(valid_from=now - timedelta(seconds=1))
    before = prices()
    answer = sophie.send(page_of(price), form, {"per_second": "3", "reason": WHY})
    assert refused(answer, "is now in force")
    assert prices() == before


def test_a_stale_form_does_not_undo_anothers_change(sophie: Person, now: datetime) -> None:
    price = coming(now)
    form = sophie.open(page_of(price))
    Person("tim").fill_in(page_of(price), per_second="3", reason=WHY)
    sophie.send(page_of(price), form, {**at("valid_until", now + 9 * DAY), "reason": WHY})
    price.refresh_from_db()
    assert (price.per_second, price.valid_until) == (Decimal(3), now + 9 * DAY)


def test_a_future_price_can_be_deleted_with_a_reason_and_is_in_the_audit_log(
    sophie: Person, now: datetime
) -> None:
    price = coming(now)
    page = f"{LIST}{price.pk}/delete/"
    no_reason, not_storable = "Enter a reason for the change.", "Null characters are not allowed."
    for reason, said in (("", no_reason), ("  ", no_reason), ("\0", not_storable)):
        answer = sophie.fill_in(page, reason=reason)
        assert answer.messages == [said]
        assert Price.objects.filter(pk=price.pk).exists()
    sophie.fill_in(page, reason="Not agreed.")
    assert not Price.objects.filter(pk=price.pk).exists()
    change = AuditEntry.objects.get()
    assert (change.subject, change.reason, change.after) == (f"price of {MODEL}", "Not agreed.", {})
    assert (change.before["per_second"], change.before["model"]) == ("2.00", MODEL)


# --- the list


def states(page: str) -> dict[str, int]:
    words = re.findall(r'<td class="field-state [^>]*><span class="chip \w*">([^<]+)</span></td>', page)
    return dict(Counter(word.lower() for word in words))


def test_the_list_shows_which_price_is_in_force(sophie: Person, now: datetime) -> None:
    Price.objects.all().delete()
    coming(now)
    coming(now, valid_from=now - 9 * DAY)
    coming(now, valid_from=now - 5 * DAY)
    coming(now, valid_from=now - 3 * DAY, valid_until=now - DAY)
    coming(now, valid_from=now - 8 * DAY, with_audio=True)
    assert states(sophie.see(LIST)) == {"in force": 2, "to come": 1, "superseded": 1, "ended": 1}
    for name, found in states(sophie.see(LIST)).items():
        assert states(sophie.see(f"{LIST}?state={name}")) == {name: found}
    assert states(sophie.see(f"{LIST}?state=in+force&with_audio__exact=1")) == {"in force": 1}
    assert states(sophie.see(f"{LIST}?o=7")) == {"in force": 2, "to come": 1, "superseded": 1, "ended": 1}


def test_the_list_is_searched_by_model(sophie: Person) -> None:
    page = sophie.see(f"{LIST}?q=kling-3.0-omni")
    assert states(page) == {"in force": Price.objects.filter(model__startswith="Kling-3.0-omni").count()}
    assert "?model=" in page


def test_the_number_of_queries_of_the_list_does_not_grow(
    sophie: Person, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for days in range(1, 31):
        coming(now, valid_from=now + days * DAY)
    with django_assert_max_num_queries(8):  # including one for the second factor
        sophie.see(LIST)


# --- permissions


def test_without_permission_nothing_can_be_seen_or_changed(db: None, now: datetime) -> None:
    price = coming(now)
    tim = Person("tim", "view_task")
    before = prices()
    for address in (LIST, ADD, page_of(price), f"{LIST}{price.pk}/delete/"):
        assert tim.get(address).status_code == 403
        sent = {"model": MODEL, "per_second": "9", "reason": WHY, "post": "yes"}
        assert tim.client.post(address, sent).status_code == 403
    assert prices() == before


def test_the_view_permission_is_read_only(db: None, now: datetime) -> None:
    price = coming(now)
    tim = Person("tim", "view_price")
    assert MODEL in tim.see(page_of(price))
    assert 'name="per_second"' not in tim.see(page_of(price))
    assert tim.client.post(page_of(price), {"per_second": "9", "reason": WHY}).status_code == 403


def test_the_list_says_in_words_what_a_price_is_for(sophie: Person, now: datetime) -> None:
    Price.objects.all().delete()
    coming(now)
    begun = coming(now, valid_from=now - DAY, with_audio=True, off_peak=True, per_second=Decimal("0.225"))
    page = sophie.see(LIST)
    assert re.findall(r"field-options [^>]*>([^<]*)<", page) == ["Base price", "with audio + off-peak"]
    assert "0.225000" not in sophie.see(page_of(begun))
