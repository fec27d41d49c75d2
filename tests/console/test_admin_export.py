"""CSV export of the console's lists: all pages, no formulas, no secrets."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import AuditPlace, Tenant
from config.console import export as export_of_lists
from config.console.export import BATCH, as_csv
from config.web import csv_files
from config.web.csv_files import MOST_ROWS
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.rows import each
from videos.billing import ledger
from videos.models import LedgerEntry, Price
from videos.states import Status

TASKS, LEDGER = "/admin/videos/task/", "/admin/videos/ledgerentry/"
KEYS, CHANGES = "/admin/accounts/apikey/", "/admin/accounts/auditentry/"


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def read(answer: Any) -> list[dict[str, str]]:
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def export(person: Person, address: str, query: str = "") -> list[dict[str, str]]:
    answer = person.get(f"{address}export/{query}")
    assert answer.status_code == 200
    assert answer["content-type"] == "text/csv; charset=utf-8"
    assert answer["content-disposition"].endswith('.csv"')
    return read(answer)


def top_up(tenant: Tenant, number: int, at: datetime = NOW) -> None:
    entry: dict[str, Any] = {"tenant": tenant, "kind": "top_up", "amount": 1, "at": at}
    LedgerEntry.objects.bulk_create(
        LedgerEntry(**entry, actor_name="sophie", reason=f"number {position}") for position in range(number)
    )


def test_a_file_has_the_columns_and_labels_of_the_list(sophie: Person, make_task: MakeTask) -> None:
    task = make_task(Status.FAILED, failure_code="result_lost", now=datetime(2026, 11, 20, 12, tzinfo=UTC))
    [row] = export(sophie, TASKS)
    assert row == {
        "Task": task.public_id,
        "Status": "Failed",
        "Note": "Result lost",
        "Tenant": "Alice",
        "Model": "Kling-3.0-720p",
        "Prompt": "a cat runs",
        "Created at": "2026-11-20 12:00:00+00:00",
        "Finished at": "2026-11-20 12:00:00+00:00",
        "Upstream account": "somewhere",
    }


def test_times_in_a_file_are_in_the_viewers_time_zone(sophie: Person, make_task: MakeTask) -> None:
    make_task(now=datetime(2026, 11, 20, 12, tzinfo=UTC))
    sophie.client.cookies["time_zone"] = "Asia/Shanghai"
    assert export(sophie, TASKS)[0]["Created at"] == "2026-11-20 20:00:00+08:00"


def test_a_file_has_what_the_filters_and_the_search_find(
    sophie: Person, make_task: MakeTask, stranger: Caller
) -> None:
    make_task(Status.FAILED)
    dog = make_task(request={"prompt": "a dog"})
    make_task(request={"prompt": "a dog"}, tenant=stranger.tenant, api_key=stranger.key)
    found = export(sophie, TASKS, "?q=dog&status=queued&tenant=alice&day_from=2026-11-20&day_to=2026-11-20")
    assert [row["Task"] for row in found] == [dog.public_id]
    assert export(sophie, TASKS, "?day_from=2026-11-21") == []


def test_the_link_to_the_file_keeps_filters_and_search(sophie: Person, make_task: MakeTask) -> None:
    make_task()
    assert 'href="export/?q=cat&amp;status=queued"' in sophie.see(f"{TASKS}?status=queued&q=cat")


def test_an_invalid_query_redirects_to_the_list(sophie: Person) -> None:
    answer = sophie.client.get(f"{TASKS}export/?day_from=never", follow=True)
    assert answer.redirect_chain == [("../?e=1", 302)]
    assert answer.status_code == 200


def test_a_file_has_all_pages_read_in_batches_without_counting(sophie: Person, owner: Caller) -> None:
    top_up(owner.tenant, BATCH + 5)
    with CaptureQueriesContext(connection) as asked:
        found = export(sophie, LEDGER)
    assert [row["Reason"] for row in found] == [f"number {BATCH + 4 - line}" for line in range(BATCH + 5)]
    entries = [query["sql"] for query in asked.captured_queries if "videos_ledgerentry" in query["sql"]]
    assert all("LIMIT" in statement and "OFFSET" not in statement for statement in entries)
    assert not any("COUNT(" in statement.upper() for statement in entries)
    assert len(asked) <= 8


def test_a_file_filtered_by_days_is_read_by_time_in_batches(
    sophie: Person, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_of_lists, "BATCH", 10)
    for hours, number in ((-24, 3), (2, 4), (0, 25), (1, 8), (24, 3)):
        top_up(owner.tenant, number, NOW + timedelta(hours=hours))
    with CaptureQueriesContext(connection) as asked:
        found = export(sophie, LEDGER, "?day_from=2026-11-20&day_to=2026-11-20")
    at_noon, at_one, at_two = ([f"number {place}" for place in reversed(range(n))] for n in (25, 8, 4))
    assert [row["Reason"] for row in found] == at_two + at_one + at_noon
    assert [row["At"] for row in found] == sorted((row["At"] for row in found), reverse=True)
    entries = [query["sql"] for query in asked.captured_queries if "videos_ledgerentry" in query["sql"]]
    assert all("LIMIT" in statement and "OFFSET" not in statement for statement in entries)


@pytest.mark.parametrize("sorting", ["", "?o=1", "?o=-4", "?o=5"])
def test_a_file_of_a_sorted_list_has_each_row_once(
    sorting: str, sophie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_of_lists, "BATCH", 2)
    Price.objects.all().delete()
    models = ("Kling-3.0-720p", "GV-3.1-720p", "Vidu-q2-1080p", "GV-3.1-720p", "Kling-2.6-720p")
    for number, model in enumerate(models):
        day = NOW + timedelta(days=number)
        Price.objects.create(model=model, per_second=9 - number, valid_from=day)
    found = [row["Valid from"] for row in export(sophie, "/admin/videos/price/", sorting)]
    assert len(found) == len(set(found)) == 5


CUT = "The file was cut off here: narrow the days or other filters to get the rest."


@pytest.mark.parametrize("most", [1, 3, 5, 7])
def test_a_file_ends_at_its_row_limit_and_says_so(most: int, sophie: Person, owner: Caller) -> None:
    top_up(owner.tenant, 5)
    request = RequestFactory().get(LEDGER)
    request.user = sophie.user
    page = admin.site._registry[LedgerEntry]
    found = read(as_csv(page, request, LedgerEntry.objects.all(), most=most))
    assert [row["At"] for row in found if row["At"] == CUT] == [CUT] * (most < 5)
    found = found[: min(most, 5)]
    assert [row["Reason"] for row in found] == ["number 4", "number 3", "number 2", "number 1", "number 0"][
        :most
    ]
    assert f"{MOST_ROWS:,}" in sophie.see(LEDGER) or str(MOST_ROWS) in sophie.see(LEDGER)


def test_amounts_stay_numbers_and_formulas_are_quoted(sophie: Person, owner: Caller) -> None:
    formula = '=HYPERLINK("http://127.0.0.1","x")'
    Tenant.objects.filter(pk=owner.tenant.pk).update(name="+Alice")
    ledger.adjust(owner.tenant, Decimal("-7.5"), sophie.user, formula, NOW)
    [row] = export(sophie, LEDGER)
    assert (row["Tenant"], row["Amount"], row["Reason"]) == ("'+Alice", "-7.50", f"'{formula}")
    formulas = audit.Author(sophie.user, AuditPlace.CONSOLE, name="@SUM(A1)")
    audit.record(formulas, audit.Subject("it"), "-1+1", {"a": 1}, {"a": "<b>&"}, NOW, owner.tenant)
    [change] = export(sophie, CHANGES)
    assert (change["What happened"], change["Reason"]) == ("'@SUM(A1) changed it: a 1 → <b>&", "'-1+1")


def test_a_file_of_long_rows_ends_early_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "MOST_CHARACTERS", 1000)
    rows = (["x" * 300] for _ in range(10))
    text = csv_files.csv_file_for_people("long.csv", ["text"], rows).content.decode()
    assert text.splitlines()[1:] == [*["x" * 300] * 4, CUT]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "  =", "＝"])  # noqa: RUF001 - a wide one
def test_a_cell_that_looks_like_a_formula_is_quoted(start: str) -> None:
    assert csv_files.cell(f"{start}1") == f"'{start}1"
    assert csv_files.cell(f"a{start}1") == f"a{start}1"
    assert csv_files.cell(Decimal(-1)) == "-1.00"


SEPARATORS = (";", "|", "\t", "\r", "\n", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029")
SIGNS = "=+-@＝＋－＠"  # noqa: RUF001 - wide ones count too


@each("sign", SIGNS)
@each("separator", SEPARATORS)
def test_no_cell_is_a_formula_whatever_separator_a_spreadsheet_uses(separator: str, sign: str) -> None:
    for pad in ("", " ", '"', ' " '):
        assert csv_files.cell(f"a{separator}{pad}{sign}cmd") == f"a{separator}{pad}'{sign}cmd"
    text = f'x;y,"{separator}{sign}1'
    again = csv_files.cell(f"{sign}1{separator}{sign}2{separator}{separator}{sign}3")
    assert again == f"'{sign}1{separator}'{sign}2{separator}{separator}'{sign}3"
    assert csv_files.cell(text) == f"x;y,\"{separator}'{sign}1"


@each("delimiter", [",", ";", "\t", "|"])
@each("text", ["a;=cmd", "a\t+cmd", "a\n-cmd", "a|@cmd", 'a;"=cmd', "=cmd", 'a";=cmd', "a,b;=cmd", ";=cmd"])
def test_a_file_read_with_any_separator_has_no_formula(text: str, delimiter: str) -> None:
    made = csv_files.csv_file("names.csv", ["first", "name", "last"], [[text, text, text], ["x", text, "y"]])
    for line in made.content.decode().splitlines():  # as a spreadsheet without quoting would
        for read in (next(csv.reader([line], delimiter=delimiter)), line.split(delimiter)):
            assert not [found for found in read if found.lstrip(' "').startswith((*"=+-@",))]


@each("text", ["a; b = c", "1;2", "a, -b", "12:30-14:00", "a\nb", "a - b", "x|y", "a;'=b"])
def test_text_without_a_formula_is_unchanged(text: str) -> None:
    assert csv_files.cell(text) == text


def test_no_file_has_a_secret(sophie: Person, owner: Caller, make_task: MakeTask) -> None:
    assert owner.key is not None
    assert owner.text is not None
    task = make_task(Status.STORING, result_link="http://upstream.example/secret-link")
    for address in (TASKS, LEDGER, KEYS, "/admin/accounts/user/", "/admin/videos/upstreamaccount/"):
        text = sophie.get(f"{address}export/").content.decode()
        for secret in (owner.key.digest, owner.text, "a secret key", task.result_link, sophie.user.password):
            assert not secret or secret not in text


def test_flags_and_lists_are_exported_as_words(sophie: Person, owner: Caller) -> None:
    [key] = export(sophie, KEYS)
    assert (key["State"], key["Scopes"], key["Stands for"]) == ("Active", "read, write", "program")
    [person] = export(sophie, "/admin/accounts/user/")
    assert (person["Username"], person["Staff status"]) == ("sophie", "yes")
