"""The dashboard's figures agree with the tasks and are shown only with permission."""

import html
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Standing, Tenant, User
from config import disk, stores
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.rows import check_each
from videos.metrics import buckets, hourly, overview
from videos.metrics.buckets import HOUR, Span, start_of_hour
from videos.metrics.overview import BudgetUse, Counts
from videos.models import Task, UpstreamAccount, UpstreamBudget
from videos.routing.offers import Offers
from videos.routing.rate_limits import MINUTE, UpstreamCall
from videos.states import FINAL, Attention, Status

MODEL = "Kling-3.0-720p"
DAY = timedelta(days=1)
ZONES = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York"]
ENOUGH = ("view_task", "view_upstreamaccount", "view_tenant")
MOST_QUERIES = 15
NOTHING_TO_SEE = "You do not have access to anything here"


@pytest.fixture
def boss(db: None) -> Person:
    return Person("boss")


@pytest.fixture
def month_of_tasks(make_task: MakeTask) -> None:
    """Completed, failed and open tasks over a month, with counted hours."""
    chance = Random(4)  # noqa: S311 - the same tasks each time
    for number in range(120):
        made = NOW - chance.random() * 40 * DAY
        status = chance.choice([Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
        ended = min(NOW, made + chance.random() * 3 * HOUR)
        make_task(status, now=made, finished_at=ended, price=Decimal(number) / 8)
    make_task(Status.RUNNING)
    hourly.roll_up_anew(NOW)


def true_counts(key: Callable[[datetime], object]) -> dict[object, tuple[int, int, int, Decimal]]:
    """Counts from the task rows, grouped by `key` of the start of their hour."""
    figures: dict[object, Counter[str]] = {}
    for task in Task.objects.all():
        figures.setdefault(key(start_of_hour(task.created_at)), Counter())["made"] += 1
        if task.status in (Status.SUCCEEDED, Status.FAILED):
            assert task.finished_at is not None
            row = figures.setdefault(key(start_of_hour(task.finished_at)), Counter())
            row[task.status] += 1
            row["spend"] += task.price * (task.status == Status.SUCCEEDED)  # type: ignore[assignment]
    return {
        place: (row["made"], row[Status.SUCCEEDED], row[Status.FAILED], Decimal(row["spend"]))
        for place, row in figures.items()
    }


def figures_of(counts: Counts) -> tuple[int, int, int, Decimal]:
    return (counts.made, counts.completed, counts.failed, counts.spend)


# --- the figures


@pytest.mark.usefixtures("month_of_tasks")
def test_each_day_of_a_month_shows_the_counts_of_its_rows() -> None:
    def holds(name: str) -> None:
        zone = ZoneInfo(name)
        begins = buckets.starts(Span.MONTH, NOW, zone)
        counted = overview.plotted(begins, NOW)
        by_day = true_counts(lambda hour: hour.astimezone(zone).date())
        nothing = (0, 0, 0, Decimal(0))
        assert [figures_of(counts) for counts in counted] == [
            by_day.get(begin.astimezone(zone).date(), nothing) for begin in begins
        ]

    check_each(ZONES, holds)


@pytest.mark.usefixtures("month_of_tasks")
def test_the_buckets_add_up_to_the_range() -> None:
    def holds(row: tuple[Span, str]) -> None:
        span, name = row
        begins = buckets.starts(span, NOW, ZoneInfo(name))
        total = sum(overview.plotted(begins, NOW), Counts())
        within = true_counts(lambda hour: hour >= begins[0])
        assert figures_of(total) == within[True]

    check_each(product(Span, ZONES), holds)


def test_the_bucket_of_a_day_when_clocks_go_back_has_25_hours(make_task: MakeTask) -> None:
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 11, 1, tzinfo=zone)
    for hours in range(-1, 26):
        make_task(now=datetime.fromtimestamp(first.timestamp() + hours * 3600, ZoneInfo("UTC")))
    hourly.roll_up_anew(NOW)
    begins = buckets.starts(Span.MONTH, NOW, zone)
    made = [counts.made for counts in overview.plotted(begins, NOW)]
    assert [number for number in made if number] == [1, 25, 1]


def test_the_success_rate_counts_only_ended_tasks() -> None:
    assert Counts(made=9, completed=3, failed=1).success_rate == 75
    assert Counts(made=9).success_rate is None


def make_done(make_task: MakeTask, *seconds: float, ago: timedelta = HOUR, **fields: Any) -> None:
    for took in seconds:
        done = NOW - ago
        times = {"accepted_at": done - timedelta(seconds=took), "done_at": done, "finished_at": done}
        make_task(Status.SUCCEEDED, now=done, **times, **fields)


def test_times_are_the_median_and_a_high_percentile_per_model(make_task: MakeTask) -> None:
    make_done(make_task, *range(1, 102))
    make_done(make_task, 7.0, model="Vidu-q2-720p")
    make_task(Status.FAILED, now=NOW - HOUR, done_at=NOW, accepted_at=NOW - 9 * HOUR)
    hourly.roll_up_anew(NOW)
    kling, vidu = overview.by_model(NOW - DAY, NOW)
    assert (kling.model, kling.median, kling.slow, kling.videos) == (MODEL, 51, 96, 101)
    assert figures_of(kling.counts)[:3] == (102, 101, 1)
    assert (vidu.model, vidu.median, vidu.videos) == ("Vidu-q2-720p", 7, 1)


def test_only_the_latest_videos_within_the_span_are_measured(
    make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "LATEST", 3)
    make_done(make_task, 500.0, 500.0, ago=2 * HOUR)
    make_done(make_task, 10.0, 20.0, 30.0)
    hourly.roll_up_anew(NOW)
    [figures] = overview.by_model(NOW - DAY, NOW)
    assert (figures.median, figures.videos) == (20, 3)
    [later] = overview.by_model(NOW - HOUR, NOW)
    assert (later.counts.completed, later.videos) == (3, 3)


def test_a_model_with_only_open_tasks_has_no_times(make_task: MakeTask) -> None:
    make_task(Status.RUNNING)
    hourly.roll_up_anew(NOW)
    [figures] = overview.by_model(NOW - DAY, NOW)
    assert (figures.counts.made, figures.median, figures.slow, figures.videos) == (1, None, None, 0)


def test_open_tasks_are_counted_by_account_and_state(make_task: MakeTask, account: UpstreamAccount) -> None:
    other = UpstreamAccount.objects.create(name="elsewhere", secret_id="x", secret_key="y")
    make_task(Status.QUEUED, now=NOW - HOUR)
    for status in (Status.QUEUED, Status.RUNNING, Status.IN_DOUBT, Status.WAITING, *Status):
        make_task(status)
    account.disabled_models = ["GV-3.1-720p", "Hailuo-02-768p"]
    account.save()
    other.disabled_models = ["GV-3.1-720p"]
    other.save()
    make_task(Status.QUEUED, model="Hailuo-02-768p")
    make_task(Status.QUEUED, model="GV-3.1-720p")
    found = {(row.accounts, row.status): row for row in overview.open_tasks()}
    assert {key[1]: row.tasks for key, row in found.items() if key[0] == (account.pk,)} == {
        "submitting": 1,
        "in_doubt": 2,
        "running": 2,
        "storing": 1,
    }
    both = (account.pk, other.pk)
    assert (found[both, Status.QUEUED].tasks, found[both, Status.WAITING].tasks) == (3, 2)
    assert found[both, Status.QUEUED].oldest == NOW - HOUR
    assert found[(other.pk,), Status.QUEUED].tasks == 1
    assert found[(), Status.QUEUED].tasks == 1


def test_stuck_tasks_are_sorted_oldest_first_and_limited(make_task: MakeTask) -> None:
    for ago in (3, 1, 2):
        make_task(Status.RUNNING, now=NOW - ago * HOUR, attention=f"{ago} hours")
    make_task(Status.RUNNING)
    assert [task.attention for task in overview.stuck()] == ["3 hours", "2 hours", "1 hours"]
    for _ in range(30):
        make_task(Status.RUNNING, attention="again")
    assert len(overview.stuck()) == overview.MOST_STUCK + 1


def budget(account: UpstreamAccount, action: UpstreamCall = UpstreamCall.CREATE, **figures: Any) -> None:
    UpstreamBudget.objects.update_or_create(account=account, action=action, defaults=figures)


def standstills(now: datetime = NOW) -> list[tuple[str, int]]:
    open_tasks = overview.open_tasks()
    accounts = overview.accounts(open_tasks, now)
    found = overview.stuck_tasks(open_tasks, accounts, now)
    return [(standstill.status.value, standstill.tasks) for standstill in found]


def test_due_tasks_that_are_not_sent_are_a_standstill(make_task: MakeTask, account: UpstreamAccount) -> None:
    make_task(now=NOW - HOUR)
    make_task(now=NOW - MINUTE)
    assert standstills() == [("queued", 2)]
    budget(account, minute=NOW - 2 * MINUTE, in_minute=9)
    assert standstills() == [("queued", 2)]
    budget(account, minute=NOW - MINUTE, in_minute=9)
    assert standstills() == []


def test_tasks_that_no_account_serves_are_a_standstill(
    boss: Person, make_task: MakeTask, account: UpstreamAccount
) -> None:
    make_task(now=NOW - HOUR)
    UpstreamAccount.objects.update(is_enabled=False)
    assert standstills() == [("queued", 1)]
    assert "no account serves their models" in boss.see("/admin/")


def test_tasks_not_due_for_long_are_no_standstill(make_task: MakeTask) -> None:
    make_task(now=NOW - HOUR, due_at=NOW + HOUR)
    make_task(Status.RUNNING, now=NOW - HOUR, due_at=NOW - MINUTE)
    make_task(Status.WAITING, now=NOW - HOUR)
    make_task(Status.IN_DOUBT, now=NOW - HOUR)
    assert standstills() == []


def test_overdue_submissions_and_results_are_a_standstill_whatever_is_sent(
    make_task: MakeTask, account: UpstreamAccount
) -> None:
    make_task(Status.SUBMITTING, now=NOW - HOUR)
    make_task(Status.STORING, now=NOW - 2 * HOUR)
    make_task(Status.RUNNING, now=NOW - 3 * HOUR)
    for action in UpstreamCall:
        budget(account, action, minute=NOW, in_minute=1)
    assert standstills() == [("storing", 1), ("submitting", 1)]


def test_the_shown_use_of_a_budget_is_that_of_the_last_full_minute(account: UpstreamAccount) -> None:
    budget(account, minute=NOW, in_minute=3, in_minute_before=400)
    [figures] = overview.accounts([], NOW + timedelta(seconds=59))
    assert figures.uses[UpstreamCall.CREATE] == BudgetUse(so_far=3, last_minute=400, most=540)
    assert figures.uses[UpstreamCall.DESCRIBE] == BudgetUse(so_far=0, last_minute=0, most=2160)
    [later] = overview.accounts([], NOW + 5 * MINUTE)
    assert later.uses[UpstreamCall.CREATE].last_minute == 0


def test_an_account_with_an_unreadable_secret_is_shown(account: UpstreamAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE videos_upstreamaccount SET secret_key = 'what no key decrypts'")
    assert [figures.account.name for figures in overview.accounts([], NOW)] == [account.name]


def spends(name: str, zone: str = "UTC", **figures: Any) -> None:
    tenant = Tenant.objects.create(name=name, time_zone=zone)
    Standing.objects.filter(tenant=tenant).update(**figures)


@pytest.mark.usefixtures("db")
def test_spend_of_an_earlier_day_or_month_is_not_shown_as_current() -> None:
    today, month = NOW.date(), NOW.date().replace(day=1)
    money: dict[str, Any] = {"day_spend": Decimal(2), "month_spend": Decimal(9), "balance": Decimal(-5)}
    spends("today", day=today, month=month, **money)
    spends("yesterday", day=today - DAY, month=month, **money)
    spends("last month", day=today - 30 * DAY, month=month - DAY, **money)
    spends("never")
    rows = overview.spending(NOW)
    found: dict[str, Any] = {row.tenant.name: (row.today, row.this_month, row.balance) for row in rows}
    assert found == {
        "today": (2, 9, -5),
        "yesterday": (0, 9, -5),
        "last month": (0, 0, -5),
        "never": (0, 0, 0),
    }


@pytest.mark.usefixtures("db")
def test_a_tenants_day_is_in_its_own_time_zone() -> None:
    evening = NOW + 6 * HOUR  # two in the morning of the next day in Shanghai
    for zone in ("Asia/Shanghai", "America/New_York"):
        spends(zone, zone, day=evening.date(), day_spend=Decimal(1))
    found = {row.tenant.name: row.today for row in overview.spending(evening)}
    assert found == {"Asia/Shanghai": 0, "America/New_York": 1}


@pytest.mark.usefixtures("db")
def test_the_twenty_biggest_spenders_are_listed_first() -> None:
    for number in range(25):
        month: dict[str, Any] = {"month": NOW.date().replace(day=1), "month_spend": Decimal(number)}
        spends(f"tenant {number}", **month)
    names = [row.tenant.name for row in overview.spending(NOW)]
    assert names == [f"tenant {number}" for number in range(24, 4, -1)]


# --- the page


def register_worker(silent_for: timedelta = timedelta(0)) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [timezone.now() - silent_for]
        )


def tile(page: str, status: Status) -> str:
    found = re.search(rf'id="state-{status}"[^>]*><strong>([\d,]+)</strong>', page)
    assert found, status
    return found[1]


def test_an_empty_database_shows_what_to_do(boss: Person) -> None:
    for span in Span:
        page = boss.see(f"/admin/?span={span}")
        assert all(tile(page, status) == "0" for status in Status if status is not Status.CANCELLED)
        assert "Nothing needs attention" in page
        assert "There is no upstream account yet" in page
        assert "There is no tenant yet" in page
        assert "No task was created or ended in this period" in page
        assert "There are no figures yet" in page


TILE = re.compile(r'id="state-([a-z_]+)" href="([^"]+)"><strong>([\d,]+)</strong>')


def test_each_tile_leads_to_the_list_of_what_it_counts(boss: Person, make_task: MakeTask) -> None:
    zone = "Asia/Kolkata"  # where days do not begin with an hour of UTC
    boss.client.cookies["time_zone"] = zone
    now = timezone.now()
    edges = [buckets.counted_from(span, now, ZoneInfo(zone)) for span in Span]
    ended = [now, *(edge + apart for edge in edges for apart in (-MINUTE, MINUTE))]
    for status in Status:
        for moment in ended if status in FINAL else [now, now - 50 * DAY]:
            make_task(status, now=moment)
    hourly.roll_up_anew(now)
    ids = [task.public_id for task in Task.objects.all()]

    def holds(span: Span) -> None:
        tiles = TILE.findall(boss.see(f"/admin/?span={span}"))
        listed = {status: boss.see(html.unescape(link)) for status, link, _shown in tiles}
        counted = {status: str(sum(one in page for one in ids)) for status, page in listed.items()}
        assert counted == {status: shown for status, _link, shown in tiles}
        assert counted["failed"] == {Span.DAY: "2", Span.WEEK: "4", Span.MONTH: "6"}[span]
        assert len(tiles) == len(Status) - 1  # cancelled tasks are not counted

    check_each(Span, holds)


def test_the_axis_of_a_percentage_ends_at_100(boss: Person, make_task: MakeTask) -> None:
    now = timezone.now()
    make_task(Status.FAILED, now=now)
    hourly.roll_up(now)
    page = boss.see("/admin/")
    plot = page[page.index('id="plot-rate"') : page.index('id="models-table"')]
    assert re.findall(r'text-anchor="end">([^<]*)<', plot) == ["0", "25", "50", "75", "100"]


def test_ended_tasks_are_counted_within_the_span(boss: Person, make_task: MakeTask) -> None:
    now = timezone.now()
    for ago in (0, 3, 20, 50):
        make_task(Status.SUCCEEDED, now=now - ago * DAY)
    hourly.roll_up_anew(now)
    shown = [tile(boss.see(f"/admin/?span={span}"), Status.SUCCEEDED) for span in Span]
    assert shown == ["1", "2", "3"]


def test_a_stuck_task_is_shown_with_tenant_reason_and_link(boss: Person, make_task: MakeTask) -> None:
    task = make_task(Status.IN_DOUBT, attention="find out <and> decide", now=timezone.now() - 3 * HOUR)
    page = boss.see("/admin/")
    assert "find out &lt;and&gt; decide" in page
    assert f'href="/admin/videos/task/{task.pk}/change/"' in page
    assert ">Alice</td>" in page
    assert "3\xa0hours" in page
    assert "Nothing needs attention" not in page
    assert boss.get(f"/admin/videos/task/{task.pk}/change/").status_code == 200


def test_each_cell_of_the_tables_has_its_heading_for_a_phone(boss: Person, make_task: MakeTask) -> None:
    make_task(Status.RUNNING, attention=Attention.OVERDUE, now=timezone.now() - HOUR)
    hourly.roll_up_anew(timezone.now())
    tables = re.findall(r'<table class="table cards-on-phone">.*?</table>', boss.see("/admin/"), re.S)
    assert len(tables) == 4
    for table in tables:
        cells = re.findall(r"<td[^>]*>", table)
        headings = [re.search(r'data-label="([^"]+)"', cell) for cell in cells]
        assert cells, table
        assert all(headings), table
        assert {found[1] for found in headings if found} <= set(re.findall(r"<th [^>]*>([^<]+)</th>", table))


def test_stuck_tasks_and_standstills_are_shown_together_oldest_first(
    boss: Person, make_task: MakeTask, account: UpstreamAccount
) -> None:
    now = timezone.now()
    old = make_task(Status.IN_DOUBT, attention="look", now=now - 3 * HOUR)
    make_task(now=now - 2 * HOUR)
    new = make_task(Status.IN_DOUBT, attention="look", now=now - HOUR)
    shown = re.findall(r'id="(stuck-[^"]+|still-[^"]+)"', boss.see("/admin/"))[1:]
    assert shown == [f"stuck-{old.pk}", f"still-{account.pk}-queued", f"stuck-{new.pk}"]


def test_amounts_are_rounded_with_the_exact_ones_beside(
    boss: Person, make_task: MakeTask, owner: Caller
) -> None:
    now = timezone.now()
    make_task(Status.SUCCEEDED, now=now, price=Decimal("1234.005"))
    hourly.roll_up(now)
    Standing.objects.filter(tenant=owner.tenant).update(balance=Decimal("-2345.125"))
    page = boss.see("/admin/")
    assert '<td class="number"><abbr class="amount" title="1,234.005">1,234.01</abbr></td>' in page
    assert '<abbr class="amount" title="-2,345.125">-2,345.13</abbr></td>' in page


def test_a_queue_that_stands_still_is_reported(boss: Person, make_task: MakeTask) -> None:
    make_task(now=timezone.now() - HOUR)
    page = boss.see("/admin/")
    assert "overdue, and nothing is being done about them" in page
    assert "Nothing needs attention" not in page


def test_a_missing_worker_shows_a_warning(boss: Person) -> None:
    assert "No worker is running." in boss.see("/admin/")
    register_worker(silent_for=10 * MINUTE)
    page = boss.see("/admin/")
    assert "No worker is running." in page
    assert "10\xa0minutes" in page
    register_worker()
    assert "No worker is running." not in boss.see("/admin/")


def test_a_nearly_full_disk_is_reported_on_the_dashboard_and_by_readyz(
    boss: Person, settings: LazySettings
) -> None:
    checks = Caller(None).get("/readyz").json()["checks"]
    assert checks["disk"] == "ok"
    assert "The disk is nearly full." not in boss.see("/admin/")
    settings.LEAST_FREE_DISK_MB = 10**9
    answer = Caller(None).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["disk"]) == (503, "too little space is free")
    assert "The disk is nearly full." in boss.see("/admin/")


def test_results_that_wait_for_room_are_shown_and_make_the_service_unready(
    boss: Person, make_task: MakeTask
) -> None:
    assert Caller(None).get("/readyz").json()["checks"]["room"] == "ok"
    make_task(Status.STORING, attention=Attention.STORE_FULL.about("No space left on device"))
    answer = Caller(None).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["room"]) == (
        503,
        "results wait, as the store of videos is full",
    )
    assert "The store of videos is full." in boss.see("/admin/")


def elsewhere(*_: object) -> object:
    return object()


def test_results_stored_elsewhere_need_no_local_disk_space(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "elsewhere", stores.Kind(f"{__name__}.elsewhere"))
    settings.LEAST_FREE_DISK_MB, settings.EMBEDDED_POSTGRES = 10**9, None
    assert disk.is_short()
    settings.RESULTS_URL = "elsewhere://bucket"
    assert (disk.free(), disk.is_short()) == (None, False)


def test_the_age_of_the_figures_is_shown(boss: Person) -> None:
    now = timezone.now()
    hourly.roll_up(now - 2 * HOUR)
    assert "old: tasks that were" in boss.see("/admin/")
    hourly.roll_up(now)
    page = boss.see("/admin/")
    assert f"Charts go up to {now:%H:%M:%S}." in page
    assert "old: tasks that were" not in page


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_times_are_in_the_viewers_time_zone(boss: Person, zone: str) -> None:
    boss.client.cookies["time_zone"] = zone
    page = boss.see("/admin/?span=day")
    assert f"Times are in the {zone} time zone." in page
    labels = re.findall(r'<th scope="row">(\d\d:\d\d)</th>', page)
    newest = start_of_hour(timezone.now()).astimezone(ZoneInfo(zone))
    assert len(labels) == 24
    assert labels[-1] in (f"{newest:%H:%M}", f"{newest - HOUR:%H:%M}")  # in case a new hour began


def test_the_table_has_the_same_numbers_as_the_plots(boss: Person, make_task: MakeTask) -> None:
    now = timezone.now()
    make_task(Status.SUCCEEDED, now=now, price=Decimal("1234.5"))
    hourly.roll_up(now)
    page = boss.see("/admin/?span=month")
    numbers = page[page.index('id="numbers"') :]
    assert numbers.count('<th scope="row">') == 30 + 1
    assert numbers.count(">1,234.50<") == 2  # for its day and in the total
    assert page.count('<svg class="graph"') == 3


@pytest.mark.parametrize("span", ["year", "", "DAY", "day&span=<script>"])
def test_an_unknown_span_falls_back_to_a_day(boss: Person, span: str) -> None:
    page = boss.see(f"/admin/?span={span}")
    assert 'id="span-day" href="?span=day" aria-current="page"' in page


def test_the_page_refreshes_only_its_figures(boss: Person) -> None:
    page = boss.see("/admin/?span=week")
    assert 'hx-get="/admin/?span=week"' in page
    part = boss.client.get("/admin/?span=week", headers={"hx-request": "true"}).content.decode()
    assert 'id="figures"' in part
    assert "<html" not in part


def test_every_focusable_element_in_the_figures_has_an_id(boss: Person, make_task: MakeTask) -> None:
    make_task(Status.RUNNING, attention="look", now=timezone.now() - HOUR)
    hourly.roll_up_anew(timezone.now())
    part = boss.client.get("/admin/", headers={"hx-request": "true"}).content.decode()
    figures = part[part.index('id="figures"') :]
    takers = re.findall(r"<(?:a|summary|button|details)\b[^>]*>|<[^>]*tabindex[^>]*>", figures)
    assert len(takers) > 15
    assert [taker for taker in takers if ' id="' not in taker] == []
    ids = re.findall(r' id="([^"]+)"', part)
    assert len(ids) == len(set(ids))


# --- permissions


def test_staff_without_permission_to_view_tasks_see_no_figures(make_task: MakeTask) -> None:
    make_task(Status.RUNNING, attention="a secret")
    page = Person("clerk", "view_price").see("/admin/")
    assert NOTHING_TO_SEE in page
    assert "a secret" not in page
    assert 'id="figures"' not in page


def test_accounts_and_money_need_their_view_permissions(
    owner: Caller, account: UpstreamAccount, make_task: MakeTask
) -> None:
    make_task(now=timezone.now() - HOUR)
    page = Person("clerk", "view_task").see("/admin/")
    assert "overdue, and nothing is being done about them" in page
    assert account.name not in page
    assert owner.tenant.name not in page
    everything = Person("chief", *ENOUGH).see("/admin/")
    assert account.name in everything
    assert owner.tenant.name in everything


def test_only_staff_are_let_in(db: None) -> None:
    client = Client()
    assert client.get("/admin/").status_code == 302
    client.force_login(User.objects.create_user("member"))
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}], ids=["page", "figures"])
def test_the_number_of_queries_of_the_page_does_not_grow(
    make_task: MakeTask, headers: dict[str, str]
) -> None:
    chief = Person("chief", *ENOUGH)
    now = timezone.now()
    for number in range(5):
        account = UpstreamAccount.objects.create(name=f"{number}", secret_id="x", secret_key="y")
        for status in Status:
            make_task(status, now=now, account=account, attention="look", model=f"model {number}")
        spends(f"tenant {number}", "Asia/Shanghai")
    hourly.roll_up(now)
    register_worker()
    Offers.current()  # cached until they change
    with CaptureQueriesContext(
        connection,
    ) as queries:
        chief.client.get("/admin/?span=month", headers=headers)
    assert len(queries) <= MOST_QUERIES
