"""Usage and statement in the tenant portal agree with their files and the API."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Purpose, Role, Tenant, User
from config.amounts import format_amount
from tests.api.test_api_usage import KLING, VIDU, use
from tests.conftest import Caller, MakeTask
from tests.support.members import Member, words
from tests.support.people import text
from videos import catalogue
from videos.billing import ledger, statements
from videos.models import DailyUsage, LedgerEntry
from videos.pages.periods import PeriodForm
from videos.pages.statement import MOST_PRINTED
from videos.states import Status

GROUPS = ("day", "model", "api_key")
DAYS: dict[str, Any] = {"start_date": "2026-11-01", "end_date": "2026-11-30"}
DAY = date(2026, 11, 20)
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def alice(owner: Caller) -> Member:
    """A viewer of Alice's tenant, which is enough for these pages."""
    return Member(owner.tenant, Role.VIEWER)


@pytest.fixture
def used(owner: Caller, mate: Caller, stranger: Caller) -> None:
    """Usage of both keys of Alice's on two days of two models, and Charlie's."""
    use(owner, spend=Decimal("3.000001"))
    use(mate, spend=Decimal("0.225"))
    use(owner, model=VIDU, tasks=1, completed=0, failed=1, seconds=0, spend=Decimal(0))
    use(owner, day=DAY - timedelta(days=1), tasks=7, completed=7, seconds=3500, spend=Decimal("1000"))
    use(stranger, tasks=1000, spend=Decimal("1000"))


def table(person: Member, page: str, name: str, **query: Any) -> list[list[str]]:
    """The rows of a CSV file, starting with the heading."""
    answer = person.get(page, name, **query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def figures(row: list[str]) -> list[Decimal]:
    return [Decimal(value) for value in row[-5:]]


def total(rows: list[list[str]]) -> list[Decimal]:
    return [sum(column, Decimal(0)) for column in zip(*map(figures, rows), strict=True)]


def page_tables(answer: Any) -> dict[str, Any]:
    return {table.group: (rows, total) for table, rows, total in answer.context["tables"]}


# --- usage


@pytest.mark.parametrize(
    "filters", [{}, {"model": KLING}, {"api_key": "mate"}, {"model": VIDU, "api_key": "owner"}]
)
def test_page_file_and_api_agree(filters: dict[str, Any], alice: Member, owner: Caller, used: None) -> None:
    prefixes = dict(APIKey.objects.values_list("name", "prefix"))
    query = DAYS | {name: prefixes.get(value, value) for name, value in filters.items()}
    api = owner.get(f"/v1/usage?{urlencode(query)}")
    expected = [Decimal(value) for value in api.json()["total"].values()]
    answer = alice.get("portal:usage", **query)
    for group, (rows, page_total) in page_tables(answer).items():
        _, *file_rows = table(alice, "portal:usage-csv", group, **query)
        assert [figures(row) for row in file_rows] == [[*numbers] for _, numbers in rows]
        assert [row[:-5] for row in file_rows] == [labels for labels, _ in rows]
        assert total(file_rows) == page_total == expected


def test_the_page_shows_usage_by_day_model_and_key(alice: Member, used: None) -> None:
    page = alice.see("portal:usage", **DAYS)
    for expected in (
        "2026-11-19 7 7 0 3,500 1,000.00",
        "2026-11-20 5 2 1 20 3.23",
        f"{KLING} 11 9 0 3,520 1,003.23",
        f"{VIDU} 1 0 1 0 0.00",
        "Total 12 9 1 3,520 1,003.23",
    ):
        assert expected in page
    assert page.count("Total 12 9 1 3,520 1,003.23") == 3
    assert "1000" not in page.replace("1,000", "")


def test_plots_cover_every_day_and_have_a_table(alice: Member, used: None) -> None:
    page = alice.get("portal:usage", start_date="2026-11-18", end_date="2026-11-21").content.decode()
    assert page.count('<svg class="graph"') == 3
    for title in ("Seconds of video a day", "Spend a day, CNY"):
        assert f'role="img" aria-label="{title}"' in page
    assert "<title>11-19, Seconds: 3,500</title>" in page
    assert "<title>11-20, Failed or cancelled: 1</title>" in page
    for label in ("11-18", "11-21"):
        assert f">{label}</text>" in page


def test_keys_of_portal_and_console_are_labelled(alice: Member, owner: Caller, used: None) -> None:
    for purpose in (Purpose.PORTAL, Purpose.CONSOLE):
        key = APIKey.objects.of_people(owner.tenant, purpose)
        use(owner, api_key=key)
    use(owner, api_key=None)
    rows = [row[0] for row in table(alice, "portal:usage-csv", "api_key", **DAYS)]
    expected = {
        "mate",
        "owner",
        "Tenant portal",
        "Staff console",
        "No key (created before keys were recorded)",
    }
    assert set(rows[1:]) == expected
    page = alice.see("portal:usage", **DAYS)
    assert "Tenant portal (rly_" in page
    assert "Staff console" in page


def test_a_revoked_key_keeps_its_name(alice: Member, mate: Caller, used: None) -> None:
    assert mate.key is not None
    mate.key.revoke(timezone.now())
    assert "mate" in [row[0] for row in table(alice, "portal:usage-csv", "api_key", **DAYS)]


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("", "2026-11-01", "2026-11-20"),
        ("this-month", "2026-11-01", "2026-11-20"),
        ("last-month", "2026-10-01", "2026-10-31"),
        ("7-days", "2026-11-14", "2026-11-20"),
        ("30-days", "2026-10-22", "2026-11-20"),
    ],
)
def test_a_named_period_covers_the_right_days(period: str, first: str, last: str) -> None:
    form = PeriodForm(QueryDict(f"period={period}"), DAY)
    assert form.is_valid()
    assert tuple(map(str, form.days)) == (first, last)
    form.show_days()
    assert f'value="{first}"' in str(form["start_date"])
    assert [tab["is_current"] for tab in form.tabs()].count(True) == 1


def test_links_to_other_periods_keep_the_filters_and_the_form_shows_dates(alice: Member, used: None) -> None:
    page = alice.get("portal:usage", model=KLING, before="7", **DAYS).content.decode()
    assert f'href="?model={KLING}&amp;period=7-days"' in page
    assert 'name="start_date" value="2026-11-01"' in page
    assert f'<option value="{KLING}" selected>' in page
    assert 'name="period"' not in page


@pytest.mark.parametrize("page", ["portal:usage", "portal:statement"])
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"start_date": "2026-11-20", "end_date": "2026-11-19"}, "This is after the last day."),
        ({"start_date": "2025-01-01", "end_date": "2026-01-02"}, "Choose 366 days at most."),
        ({"start_date": "9999-12-31"}, "Ensure this value is less than or equal to"),
        ({"start_date": "0001-01-01", "end_date": "0001-01-02"}, "Ensure this value is greater than"),
        ({"start_date": "yesterday"}, "Enter a valid date."),
        ({"end_date": "2026-02-30"}, "Enter a valid date."),
    ],
)
def test_invalid_days_are_refused_beside_their_field(
    page: str, query: dict[str, Any], message: str, alice: Member, used: None
) -> None:
    answer = alice.get(page, **query)
    assert answer.status_code == 200
    assert message in words(answer)
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "tables" not in answer.context
    file = alice.get(f"{page}-csv", "day" if page == "portal:usage" else "statement", **query)
    assert file.status_code == 302
    assert message in words(alice.client.get(file["Location"]))


def test_a_period_may_be_a_year_long(alice: Member, used: None) -> None:
    answer = alice.get("portal:usage", start_date="2025-11-20", end_date="2026-11-20")
    assert page_tables(answer)["day"][1][0] == 12


@pytest.mark.parametrize("query", [{"period": "forever"}, {"model": "nothing"}, {"api_key": "\x00"}])
def test_an_invalid_query_breaks_nothing(query: dict[str, Any], alice: Member, used: None) -> None:
    assert alice.get("portal:usage", **query).status_code == 200
    assert alice.get("portal:usage-csv", "day", **query).status_code == 302


def test_without_usage_the_page_shows_what_to_do_next(alice: Member, owner: Caller) -> None:
    assert "No usage in this period" in alice.see("portal:usage", **DAYS)
    assert "New video" not in alice.see("portal:usage", **DAYS)
    assert "New video" in Member(owner.tenant, Role.MEMBER).see("portal:usage", **DAYS)


def test_every_model_can_be_chosen(alice: Member, used: None) -> None:
    page = alice.get("portal:usage", **DAYS).content.decode()
    for spec in catalogue.MODELS:
        assert f'<option value="{spec.name}">' in page


def test_a_name_is_never_a_formula(alice: Member, owner: Caller, used: None) -> None:
    APIKey.objects.filter(name="owner").update(name=FORMULA)
    names = [row[0] for row in table(alice, "portal:usage-csv", "api_key", **DAYS)]
    assert f"'{FORMULA}" in names


# --- the statement


def pay(tenant: Tenant, amount: str, reason: str, at: Any) -> None:
    staff, _ = User.objects.get_or_create(username="sophie")
    book = ledger.top_up if Decimal(amount) > 0 else ledger.adjust
    book(tenant, Decimal(amount), staff, reason, at)


@pytest.fixture
def moved(owner: Caller, stranger: Caller, make_task: MakeTask) -> None:
    """Money of Alice's on two days, and Charlie's."""
    at = make_task(Status.SUCCEEDED, price=Decimal("3")).created_at
    make_task(Status.CANCELLED, price=Decimal("5"))
    make_task(Status.RUNNING, price=Decimal("0.5"))
    pay(owner.tenant, "2000", "Invoice 7", at - timedelta(days=30))
    pay(owner.tenant, "20", FORMULA, at)
    pay(owner.tenant, "-1.25", "counted twice", at)
    pay(stranger.tenant, "777", "of Charlie", at)


def test_a_statement_shows_balances_movements_and_reasons(alice: Member, moved: None) -> None:
    page = alice.see("portal:statement", **DAYS)
    for expected in (
        "Balance before 2026-11-01 2,000.00",
        "Balance after 2026-11-30 2,015.25",
        "Held for open videos at that time 0.50",
        "2026-11-20 20.00 -1.25 -8.50 5.00 2,015.25 3.00",
        "Closing balance 20.00 -1.25 -8.50 5.00 2,015.25 3.00",
        "2026-11-20 12:00:00 Adjustment -1.25 counted twice",
    ):
        assert expected in page
    for untold in ("Invoice 7", "777", "Charlie", "sophie"):
        assert untold not in page


def test_the_file_of_the_statement_matches_the_page_and_adds_up(alice: Member, moved: None) -> None:
    heading, opening, *days, closing = table(alice, "portal:statement-csv", "statement", **DAYS)
    assert heading == ["Day", "Top-up", "Adjustment", "Hold", "Refund", "Balance, CNY", "Charge"]
    assert opening == ["Opening balance", "", "", "", "", "2000.00", ""]
    assert days == [["2026-11-20", "20.00", "-1.25", "-8.50", "5.00", "2015.25", "3.00"]]
    assert closing == ["Closing balance", *days[0][1:]]
    assert Decimal(opening[5]) + sum(map(Decimal, closing[1:5])) == Decimal(closing[5])
    expected = statements.statement(alice.tenant, date(2026, 11, 1), date(2026, 11, 30))
    assert (format_amount(expected.opening), format_amount(expected.closing)) == (opening[5], closing[5])


def test_the_file_of_payments_has_their_reasons(alice: Member, moved: None) -> None:
    Tenant.objects.filter(pk=alice.tenant.pk).update(time_zone="Asia/Kolkata")
    heading, *rows = table(alice, "portal:statement-csv", "payments", **DAYS)
    assert heading == ["When", "What", "Amount", "Reason"]
    assert rows == [
        ["2026-11-20 17:30:00+05:30", "Adjustment", "-1.25", "counted twice"],
        ["2026-11-20 17:30:00+05:30", "Top-up", "20.00", f"'{FORMULA}"],
    ]
    assert "2026-11-20 17:30:00" in alice.see("portal:statement", **DAYS)


def test_a_payment_stands_on_the_day_that_counts_it_after_a_move(alice: Member, owner: Caller) -> None:
    Tenant.objects.filter(pk=owner.tenant.pk).update(
        time_zone="America/Los_Angeles", earlier_time_zones=["2026-11-01T16:00:00+00:00 Asia/Shanghai"]
    )
    pay(owner.tenant, "20", "Invoice 7", datetime(2026, 10, 10, 20, tzinfo=UTC))
    october = {"month": "2026-10"}
    shown = alice.see("portal:statement", **october)
    assert "2026-10-11 20.00" in shown
    assert "2026-10-11 04:00:00 Top-up" in shown
    _, row = table(alice, "portal:statement-csv", "payments", **october)
    assert row[0] == "2026-10-11 04:00:00+08:00"


def test_many_payments_are_paged_and_the_file_has_all(alice: Member, owner: Caller) -> None:
    now = timezone.now()
    for number in range(60):
        pay(owner.tenant, "1", f"number {number:02}.", now)
    first = alice.get("portal:statement")
    second = alice.client.get(alice.url("portal:statement") + first.context["page"].older)
    seen = [re.findall(r"number \d\d\.", words(page)) for page in (first, second)]
    assert [len(some) for some in seen] == [50, 10]
    assert len({*seen[0], *seen[1]}) == 60
    assert len(table(alice, "portal:statement-csv", "payments")) == 61


def test_the_printed_statement_has_all_payments_and_says_if_there_are_too_many(
    alice: Member, owner: Caller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    pay(owner.tenant, "1", "the first.", datetime(2026, 11, 20, tzinfo=UTC))
    entry = LedgerEntry.objects.get()
    query: dict[str, Any] = {"month": "2026-11"}
    _copy(entry, 59)
    shown = alice.see("portal:statement", **query)
    assert "Not all top-ups and adjustments are on this page." in shown
    assert 'href="?month=2026-11&amp;print=1"' in text(alice.get("portal:statement", before="7", **query))
    with django_assert_max_num_queries(10):
        printed = alice.see("portal:statement", before="7", print="1", **query)
    assert printed.count("the first.") == 60
    assert "on this page" not in printed
    _copy(entry, MOST_PRINTED - 59)
    printed = alice.see("portal:statement", print="1", **query)
    assert printed.count("the first.") == MOST_PRINTED
    assert "Only the latest 1,000 top-ups and adjustments are on this page." in printed
    assert "The CSV file payments-2026-11.csv has all of them." in printed
    assert len(table(alice, "portal:statement-csv", "payments", **query)) == 1 + MOST_PRINTED + 1


def _copy(entry: LedgerEntry, times: int) -> None:
    copied = ("tenant", "kind", "amount", "at", "actor", "actor_name", "reason")
    fields = {name: getattr(entry, name) for name in copied}
    LedgerEntry.objects.bulk_create(LedgerEntry(**fields) for _ in range(times))


def test_without_movements_the_balance_stays(alice: Member, owner: Caller) -> None:
    pay(owner.tenant, "5", "x", timezone.now() - timedelta(days=400))
    page = alice.see("portal:statement")
    assert "No transactions in this period." in page
    assert "No payments or adjustments in this period." in page
    assert page.count("5.00") == 4


@pytest.mark.parametrize("time_zone", ["Asia/Kolkata", "America/New_York"])
def test_usage_by_day_adds_up_to_holds_minus_releases(
    time_zone: str, owner: Caller, make_task: MakeTask, alice: Member
) -> None:
    """Around the end of summer time in New York, with a task every 90 minutes."""
    Tenant.objects.update(time_zone=time_zone)
    tenant = Tenant.objects.get(pk=owner.tenant.pk)
    start = datetime(2026, 10, 31, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    for number in range(48):
        at = start + timedelta(hours=1.5 * number)
        make_task(Status.SUCCEEDED, now=at, price=Decimal("1.5"), usage_day=tenant.day_of(at))
    query = {"start_date": "2026-10-31", "end_date": "2026-11-03"}
    _, *use_rows = table(alice, "portal:usage-csv", "day", **query)
    _, _, *days, closing = table(alice, "portal:statement-csv", "statement", **query)
    assert [(row[0], row[-1]) for row in use_rows] == [(row[0], row[3].removeprefix("-")) for row in days]
    assert total(use_rows)[-1] == -Decimal(closing[3]) == Decimal("72")


# --- access and queries

PAGES = [
    ("portal:usage", []),
    ("portal:statement", []),
    *(("portal:usage-csv", [group]) for group in GROUPS),
    ("portal:statement-csv", ["statement"]),
    ("portal:statement-csv", ["payments"]),
]


@pytest.mark.parametrize(("page", "which"), PAGES)
def test_another_tenants_pages_are_not_found(
    page: str, which: list[str], alice: Member, stranger: Caller, used: None
) -> None:
    assert alice.get(page, *which).status_code == 200
    assert alice.get(page, *which, tenant=stranger.tenant).status_code == 404
    assert alice.post(page, *which).status_code == 405


def test_usage_by_a_foreign_key_and_by_an_unknown_one_look_the_same(
    alice: Member, stranger: Caller, used: None
) -> None:
    assert stranger.key is not None
    keys = (stranger.key.prefix, "rly_00000000")
    pages = [words(alice.get("portal:usage", api_key=key, **DAYS)) for key in keys]
    assert pages[0].replace(stranger.key.prefix, "rly_00000000") == pages[1]
    assert "stranger" not in pages[0]


@pytest.mark.parametrize("page", ["portal:usage-csv", "portal:statement-csv"])
def test_a_file_of_an_unknown_table_is_not_found(page: str, alice: Member) -> None:
    assert alice.get(page, "nothing").status_code == 404


@pytest.mark.parametrize("page", ["portal:usage", "portal:statement"])
def test_the_number_of_queries_of_pages_does_not_grow(
    page: str, alice: Member, used: None, moved: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(40):
        use_row = {"tenant": alice.tenant, "day": DAY - timedelta(days=number), "model": f"of {number}"}
        DailyUsage.objects.create(**use_row, tasks=1)
    with django_assert_max_num_queries(9):
        assert alice.get(page, **DAYS).status_code == 200


# --- a month


def test_a_statement_of_a_month_has_its_days_its_neighbours_and_its_name(alice: Member, moved: None) -> None:
    answer = alice.get("portal:statement", month="2026-11", start_date="2026-01-01", before="7")
    page = answer.content.decode()
    statement = answer.context["statement"]
    assert (statement.start, statement.end) == (date(2026, 11, 1), date(2026, 11, 30))
    assert 'type="month" name="month" value="2026-11"' in page
    assert 'rel="prev" href="?month=2026-10"' in page
    assert "<title>Statement · Alice · 2026-11 · Reelay</title>" in page
    assert "Alice · 2026-11-01 – 2026-11-30" in words(answer)  # noqa: RUF001 - a dash
    assert 'href="?month=2026-11&amp;start_date=2026-01-01&amp;print=1">Print' in page
    file = alice.get("portal:statement-csv", "statement", month="2026-11")
    assert file["content-disposition"] == 'attachment; filename="statement-2026-11.csv"'
    earlier = alice.get("portal:statement", month="2026-09").content.decode()
    assert 'rel="prev" href="?month=2026-08"' in earlier
    assert 'rel="next" href="?month=2026-10"' in earlier
    wrong = alice.get("portal:statement", month="2026-13")
    assert wrong.status_code == 200
    assert "Enter a valid date." in words(wrong)


def test_a_month_to_come_is_not_linked(alice: Member) -> None:
    this_month = alice.tenant.day_of(timezone.now())
    page = alice.get("portal:statement", month=f"{this_month:%Y-%m}").content.decode()
    assert 'rel="next"' not in page
