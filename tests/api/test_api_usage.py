"""GET /v1/usage: by day, model and key, as JSON and CSV, and only of the tenant."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db.models import Sum
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Tenant
from tests.conftest import GOOD_BODY, Caller
from tests.support.refusals import assert_refused
from tests.support.rows import each
from videos.models import DailyUsage, LedgerEntry, UpstreamAccount

KLING, VIDU = "Kling-3.0-720p", "Vidu-q2-720p"
DAY = date(2026, 11, 20)
PERIOD = {"start_date": "2026-11-01", "end_date": "2026-11-30"}
GROUPS = ["day", "model", "api_key"]
EVERY_GROUPING = [list(some) for some in chain.from_iterable(combinations(GROUPS, n) for n in (1, 2, 3))]
FIGURES = ["tasks", "completed", "failed", "seconds", "spend"]


def use(caller: Caller, day: date = DAY, model: str = KLING, **figures: Any) -> DailyUsage:
    """Write usage: by default two tasks of five seconds each, one completed."""
    defaults = {"tasks": 2, "completed": 1, "failed": 0, "seconds": 10, "spend": Decimal("3")}
    key = {"api_key": caller.key}
    return DailyUsage.objects.create(tenant=caller.tenant, day=day, model=model, **(defaults | key | figures))


def usage(caller: Caller, **parameters: Any) -> dict[str, Any]:
    answer = caller.get(f"/v1/usage?{urlencode(PERIOD | parameters, doseq=True)}")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def table(caller: Caller, **parameters: Any) -> list[dict[str, str]]:
    return read(caller.get(f"/v1/usage?{urlencode(PERIOD | parameters | {'format': 'csv'}, doseq=True)}"))


def read(answer: HttpResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def figures(tasks: int, completed: int, failed: int, seconds: int, spend: str) -> dict[str, Any]:
    return {"tasks": tasks, "completed": completed, "failed": failed, "seconds": seconds, "spend": spend}


@pytest.fixture
def used(owner: Caller, mate: Caller, stranger: Caller) -> None:
    """Usage of both keys of Alice's on two days of two models, and Charlie's."""
    use(owner, spend=Decimal("3.000001"))
    use(mate, spend=Decimal("0.225"))
    use(owner, model=VIDU, tasks=1, completed=0, failed=1, seconds=0, spend=Decimal(0))
    use(owner, day=DAY - timedelta(days=1), tasks=7, completed=7, seconds=35, spend=Decimal("10"))
    use(stranger, tasks=1000, spend=Decimal("1000"))


# --- groups


def test_usage_grouped_by_day(owner: Caller, used: None) -> None:
    assert usage(owner) == {
        "object": "usage",
        "start_date": "2026-11-01",
        "end_date": "2026-11-30",
        "time_zone": "UTC",
        "currency": "CNY",
        "data": [
            {"day": "2026-11-19", **figures(7, 7, 0, 35, "10.00")},
            {"day": "2026-11-20", **figures(5, 2, 1, 20, "3.225001")},
        ],
        "total": figures(12, 9, 1, 55, "13.225001"),
    }


def test_usage_grouped_by_model(owner: Caller, used: None) -> None:
    assert usage(owner, group_by="model")["data"] == [
        {"model": KLING, **figures(11, 9, 0, 55, "13.225001")},
        {"model": VIDU, **figures(1, 0, 1, 0, "0.00")},
    ]


def test_usage_grouped_by_key(owner: Caller, mate: Caller, used: None) -> None:
    assert owner.key is not None
    assert mate.key is not None
    by_prefix = {
        owner.key.prefix: {
            "api_key": {"id": owner.key.prefix, "name": "owner"},
            **figures(10, 8, 1, 45, "13.000001"),
        },
        mate.key.prefix: {
            "api_key": {"id": mate.key.prefix, "name": "mate"},
            **figures(2, 1, 0, 10, "0.225"),
        },
    }
    assert usage(owner, group_by="api_key")["data"] == [by_prefix[prefix] for prefix in sorted(by_prefix)]


def test_usage_grouped_by_day_model_and_key(owner: Caller, mate: Caller, used: None) -> None:
    rows = usage(owner, group_by="day,model,api_key")["data"]
    assert [tuple(row) for row in rows] == [(*GROUPS, *FIGURES)] * 4
    assert [(row["day"], row["model"]) for row in rows] == [
        ("2026-11-19", KLING),
        ("2026-11-20", KLING),
        ("2026-11-20", KLING),
        ("2026-11-20", VIDU),
    ]


@pytest.mark.parametrize("written", ["model,day", "day, model", ["model", "day"], "day,,model,day"])
def test_groups_can_be_written_in_many_ways(written: Any, owner: Caller, used: None) -> None:
    assert usage(owner, group_by=written) == usage(owner, group_by="day,model")


@pytest.mark.parametrize("groups", EVERY_GROUPING)
def test_in_any_grouping_the_total_is_the_sum_of_the_rows_and_of_all_usage(
    groups: list[str], owner: Caller, used: None
) -> None:
    body, rows = usage(owner, group_by=groups), table(owner, group_by=groups)
    kept = DailyUsage.objects.filter(tenant=owner.tenant).aggregate(
        **{f"all_{name}": Sum(name) for name in FIGURES}
    )
    for name in FIGURES:
        total = Decimal(body["total"][name])
        assert total == sum(Decimal(row[name]) for row in body["data"])
        assert total == sum(Decimal(row[name]) for row in rows)
        assert total == kept[f"all_{name}"]


def test_usage_agrees_with_the_ledger(owner: Caller, stranger: Caller, account: UpstreamAccount) -> None:
    made = [caller.post("/v1/videos", GOOD_BODY).json()["id"] for caller in (owner, owner, owner, stranger)]
    owner.request("DELETE", f"/v1/videos/{made[0]}")
    today = owner.tenant.day_of(timezone.now())
    total = usage(owner, start_date=today - timedelta(days=1), end_date=today)["total"]
    assert (total["tasks"], total["completed"], total["failed"], total["seconds"]) == (3, 0, 1, 10)
    moved = LedgerEntry.objects.filter(tenant=owner.tenant).aggregate(amount=Sum("amount"))["amount"]
    assert Decimal(total["spend"]) == -moved > 0


def test_a_tenant_sees_only_its_own_usage(owner: Caller, mate: Caller, stranger: Caller, used: None) -> None:
    assert usage(mate) == usage(owner)
    assert usage(stranger)["total"]["tasks"] == 1000


def test_without_usage_there_are_no_rows_and_the_total_is_zero(owner: Caller) -> None:
    body = usage(owner)
    assert (body["data"], body["total"]) == ([], figures(0, 0, 0, 0, "0.00"))
    assert table(owner) == []


def test_a_revoked_key_keeps_its_name_in_the_history(owner: Caller, mate: Caller, used: None) -> None:
    assert mate.key is not None
    mate.key.revoke(timezone.now())
    assert "mate" in [row["api_key"]["name"] for row in usage(owner, group_by="api_key")["data"]]


def test_usage_without_a_recorded_key_has_no_key(owner: Caller) -> None:
    use(owner, api_key=None)
    assert usage(owner, group_by="api_key")["data"] == [{"api_key": None, **figures(2, 1, 0, 10, "3.00")}]
    (row,) = table(owner, group_by="api_key")
    assert (row["api_key"], row["api_key_name"]) == ("", "")


# --- periods


def test_the_period_includes_both_ends(owner: Caller) -> None:
    for day in range(1, 6):
        use(owner, day=DAY.replace(day=day), tasks=day, completed=0)
    days = [row["day"] for row in usage(owner, start_date="2026-11-02", end_date="2026-11-04")["data"]]
    assert days == ["2026-11-02", "2026-11-03", "2026-11-04"]


@pytest.mark.parametrize("time_zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_default_period_is_the_month_so_far_in_the_tenants_time_zone(
    time_zone: str, owner: Caller
) -> None:
    Tenant.objects.update(time_zone=time_zone)
    tenant = Tenant.objects.get()
    possible = [tenant.day_of(timezone.now())]
    body = owner.get("/v1/usage").json()
    possible.append(tenant.day_of(timezone.now()))  # in case midnight passes
    assert body["time_zone"] == time_zone
    assert (body["start_date"], body["end_date"]) in [(f"{day:%Y-%m}-01", str(day)) for day in possible]


def test_without_a_start_the_period_begins_with_the_month_of_its_end(owner: Caller) -> None:
    body = owner.get("/v1/usage?end_date=2024-02-29").json()
    assert (body["start_date"], body["end_date"]) == ("2024-02-01", "2024-02-29")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-01", "2024-12-31"),
        ("2025-11-20", "2026-11-20"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_a_period_may_be_a_year_long_at_any_time(start: str, end: str, owner: Caller) -> None:
    body = usage(owner, start_date=start, end_date=end)
    assert (body["start_date"], body["end_date"]) == (start, end)


# --- filters


@pytest.mark.parametrize(
    ("filters", "tasks"),
    [
        ({"model": KLING}, 11),
        ({"model": KLING.upper()}, 11),
        ({"model": VIDU}, 1),
        ({"model": "GV-3.1-720p"}, 0),
        ({"api_key": "owner"}, 10),
        ({"api_key": "mate"}, 2),
        ({"api_key": "mate", "model": VIDU}, 0),
        ({"model": "", "api_key": "", "group_by": "", "format": "", "unknown": "x"}, 12),
    ],
)
def test_usage_is_filtered_by_model_and_key(
    filters: dict[str, str], tasks: int, owner: Caller, used: None
) -> None:
    prefixes = dict(APIKey.objects.values_list("name", "prefix"))
    asked = {name: prefixes.get(value, value) for name, value in filters.items()}
    assert usage(owner, **asked)["total"]["tasks"] == tasks


def test_unknown_and_foreign_keys_cannot_be_told_apart(owner: Caller, stranger: Caller, used: None) -> None:
    assert stranger.key is not None
    unknown = usage(owner, api_key="rly_00000000", group_by="api_key")
    assert unknown["data"] == []
    assert usage(owner, api_key=stranger.key.prefix, group_by="api_key") == unknown


# --- CSV


@pytest.mark.parametrize("groups", EVERY_GROUPING)
def test_csv_and_json_agree(groups: list[str], owner: Caller, used: None) -> None:
    expected = []
    for row in usage(owner, group_by=groups)["data"]:
        key = row.pop("api_key", None)
        row |= {"api_key": key["id"], "api_key_name": key["name"]} if key else {}
        expected.append({name: str(value) for name, value in row.items()})
    assert table(owner, group_by=groups) == expected


def test_csv_is_a_file_with_a_heading(owner: Caller, used: None) -> None:
    answer = owner.get("/v1/usage?start_date=2026-11-20&end_date=2026-11-20&format=csv&group_by=day")
    assert answer.content == b"day,tasks,completed,failed,seconds,spend\r\n2026-11-20,5,2,1,20,3.225001\r\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="usage-2026-11-20-2026-11-20.csv"'
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("name", ['a "name", of mine', "two\r\nlines", "上海", "it's = not + a - formula"])
def test_a_name_is_unchanged_in_csv(name: str, owner: Caller, used: None) -> None:
    APIKey.objects.filter(name="owner").update(name=name)
    assert name in [row["api_key_name"] for row in table(owner, group_by="api_key")]


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("http://x")'],
)
def test_a_name_never_runs_as_a_formula(name: str, owner: Caller, used: None) -> None:
    APIKey.objects.filter(name="owner").update(name=name)
    quoted = f"'{name}" if name[0] not in "\t\r\n" else f"'{name[0]}'{name[1:]}"
    assert quoted in [row["api_key_name"] for row in table(owner, group_by="api_key")]
    assert name in [row["api_key"]["name"] for row in usage(owner, group_by="api_key")["data"]]


@pytest.mark.parametrize(
    ("accept", "parameters", "is_csv"),
    [
        ("text/csv", "", True),
        ("text/csv; charset=utf-8", "", True),
        ("application/json;q=0.5, text/csv", "", True),
        ("application/json; charset=utf-8, text/csv;q=0.5", "", False),
        ("text/*", "", True),
        ("text/csv;q=0.5, application/json", "", False),
        ("*/*", "", False),
        ("text/html", "", False),
        ("nonsense", "", False),
        (";q=,text/csv;q=x", "&format=json", False),
        ("", "", False),
        ("text/csv", "&format=json", False),
        ("application/json", "&format=csv", True),
    ],
)
def test_the_format_defaults_to_json(
    accept: str, parameters: str, is_csv: bool, owner: Caller, used: None
) -> None:
    answer = owner.get(f"/v1/usage?{urlencode(PERIOD)}{parameters}", HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv" if is_csv else "application/json")


# --- refusals


@each(
    "parameters, param, message, allowed",
    [
        *(
            ({name: value}, name, f"{name} must be a date in the form YYYY-MM-DD", None)
            for name in ("start_date", "end_date")
            for value in (
                "x",
                "20261120",
                "2026-W47-5",
                "2026-02-30",
                "0000-01-01",
                "2026-11-20T00:00:00",
                "٢٠٢٦-11-20",
            )
        ),
        ({"start_date": "2026-12-01"}, "start_date", "start_date must not be after end_date", None),
        ({"start_date": "2025-11-29"}, "end_date", "start_date to end_date must not exceed 366 days", None),
        ({"group_by": "day,hour"}, "group_by", "group_by must be day, model or api_key", GROUPS),
        ({"group_by": ["day", "key"]}, "group_by", "group_by must be day, model or api_key", GROUPS),
        ({"format": "xml"}, "format", "format must be json or csv", ["json", "csv"]),
        *(
            ({"api_key": value}, "api_key", "api_key must be the prefix of a key, such as rly_1a2B3c4D", None)
            for value in ("\x00", "rly_1a2B3c4D_" + "x" * 49, "a'b", "é")
        ),
    ],
)
def test_an_invalid_parameter_is_refused(
    parameters: dict[str, Any], param: str, message: str, allowed: list[str] | None, owner: Caller
) -> None:
    answer = owner.get(f"/v1/usage?{urlencode(PERIOD | parameters, doseq=True)}", HTTP_ACCEPT="text/csv")
    assert assert_refused(answer, 400, "invalid_request") == message
    (violation,) = answer.json()["errors"]
    assert violation["param"] == param
    assert violation.get("allowed") == allowed


def test_an_unknown_model_is_refused(owner: Caller) -> None:
    answer = owner.get("/v1/usage?model=nothing")
    assert assert_refused(answer, 400, "model_not_found") == "The model 'nothing' does not exist"


def test_all_violations_are_reported_at_once(owner: Caller) -> None:
    wrong = ["end_date", "start_date", "group_by", "api_key", "model", "format"]
    answer = owner.get(f"/v1/usage?{urlencode(dict.fromkeys(wrong, '?'))}")
    assert [violation["param"] for violation in answer.json()["errors"]] == wrong


# --- queries


@pytest.mark.parametrize("shape", ["json", "csv"])
def test_usage_takes_one_query_besides_that_of_the_key(
    shape: str, owner: Caller, used: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = f"/v1/usage?{urlencode(PERIOD)}&group_by=day,model,api_key&format={shape}"
    owner.get(path)
    with django_assert_num_queries(2):
        assert owner.get(path).status_code == 200
