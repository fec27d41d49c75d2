"""The lists of the staff console: search, filters and ranges of days, without counting or full scans."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.console import filters
from accounts.models import APIKey, Invitation, Purpose, Tenant, User
from config.console import paging
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.plans import analyse, empty_pages
from tests.support.rows import each
from videos import queueing
from videos.console import task_list as task_list
from videos.models import Task, TaskEvent, UpstreamAccount
from videos.states import Status

TASKS, EVENTS = "/admin/videos/task/", "/admin/videos/taskevent/"
LEDGER, JOBS = "/admin/videos/ledgerentry/", "/admin/procrastinate/procrastinatejob/"
CHANGES, KEYS, TENANTS = "/admin/accounts/auditentry/", "/admin/accounts/apikey/", "/admin/accounts/tenant/"
INVITATIONS, PEOPLE, PRICES = "/admin/accounts/invitation/", "/admin/accounts/user/", "/admin/videos/price/"
ACCOUNTS = "/admin/videos/upstreamaccount/"
BIG = (TASKS, EVENTS, LEDGER, JOBS, CHANGES, KEYS, INVITATIONS)
ALL = (*BIG, TENANTS, PEOPLE, PRICES, ACCOUNTS, "/admin/auth/group/")
MOST_QUERIES = 15
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def rows(page: str) -> int:
    return page.count('<tr class="data-row')


def shown(person: Person, address: str) -> set[str]:
    return set(re.findall(r'title="(task_[0-9a-f]{32})"', person.see(address)))


def fill(sophie: Person, owner: Caller, make_task: MakeTask, number: int) -> None:
    """Create that many rows for each big list."""
    for _ in range(number):
        task = make_task(Status.SUCCEEDED)
        TaskEvent.objects.create(task=task, at=NOW, verb="succeed", status="succeeded")
        audit.record(
            sophie.author,
            audit.About.QUOTA.named(owner.tenant),
            "Why not.",
            {},
            {"a": 1},
            NOW,
            owner.tenant,
        )
        APIKey.objects.mint(owner.tenant, "a key")
        queueing.enqueue(queueing.Job.STORE, task_id=str(task.pk))
        unique = task.pk.hex
        Invitation.objects.create(
            tenant=owner.tenant, email=f"{unique}@example.com", digest=unique, expires_at=NOW
        )


# --- pages and queries


@pytest.mark.parametrize("address", ALL)
def test_a_list_opens_in_the_theme(address: str, sophie: Person, owner: Caller) -> None:
    page = sophie.see(address)
    assert "Export CSV" in page
    assert "unfold/css/styles.css" in page


def test_the_number_of_queries_of_a_big_list_does_not_grow_and_nothing_is_counted(
    sophie: Person, owner: Caller, make_task: MakeTask
) -> None:
    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            sophie.see(address)
        assert not [query for query in queries.captured_queries if "COUNT(" in query["sql"].upper()]
        return len(queries)

    fill(sophie, owner, make_task, 2)
    few = {address: asked(address) for address in BIG}
    fill(sophie, owner, make_task, 200)
    assert {address: asked(address) for address in BIG} == few
    assert max(few.values()) <= MOST_QUERIES


def test_a_list_shows_one_page_and_a_link_to_older_rows(
    sophie: Person, owner: Caller, make_task: MakeTask
) -> None:
    fill(sophie, owner, make_task, 35)
    first, second = sophie.see(TASKS), sophie.see(f"{TASKS}?p=2")
    assert (rows(first), rows(second)) == (25, 10)
    assert "Older →" in first
    assert "← Newer" not in first
    assert "← Newer" in second
    assert "Older →" not in second
    assert rows(sophie.see(f"{TASKS}?p=3")) == 0
    assert not re.search(r"\d+ results", first)


def test_a_full_last_page_has_no_link_to_older_rows(
    sophie: Person, owner: Caller, make_task: MakeTask
) -> None:
    fill(sophie, owner, make_task, 25)
    page = sophie.see(TASKS)
    assert rows(page) == 25
    assert "Older →" not in page


def test_page_numbers_have_an_upper_limit(
    sophie: Person, owner: Caller, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in ("201", "999999", "0", "-1", "9" * 20):
        for address in BIG:
            answer = sophie.client.get(f"{address}?p={page}", follow=True)
            assert answer.redirect_chain == [(f"{address}?e=1", 302)], address
            assert answer.status_code == 200
    for page in ("x", "", "1.5", "9" * 5000):
        assert sophie.get(f"{TASKS}?p={page}").status_code == 200, page
    monkeypatch.setattr(paging, "MOST_PAGES", 2)
    fill(sophie, owner, make_task, 101)
    last = sophie.see(f"{TASKS}?p=2")
    assert "The list ends here. To see older entries" in last
    assert "Older →" not in last


def test_only_known_filters_and_values_are_accepted(sophie: Person, make_task: MakeTask) -> None:
    make_task()
    for query in ("payload__icontains=a", "request__prompt=cat", "result_link__startswith=h"):
        assert sophie.get(f"{TASKS}?{query}").status_code == 400
    for query in ("status=flying", "model=None-1", "account=x", "failure_code=y", "attention=z"):
        answer = sophie.client.get(f"{TASKS}?{query}", follow=True)
        assert answer.redirect_chain == [(f"{TASKS}?e=1", 302)]


# --- tasks


def test_tasks_are_filtered(sophie: Person, make_task: MakeTask, stranger: Caller) -> None:
    tasks = {
        "status=failed": make_task(Status.FAILED),
        "model=Vidu-q2-720p": make_task(model="Vidu-q2-720p"),
        "tenant=charl": make_task(tenant=stranger.tenant, api_key=stranger.key),
        "attention=needed": make_task(attention="upstream is silent"),
        "failure_code=result_lost": make_task(Status.FAILED, failure_code="result_lost"),
    }
    tasks["status=failed"].refresh_from_db()
    for query, task in tasks.items():
        expected = {task.public_id}
        if query == "status=failed":
            expected.add(tasks["failure_code=result_lost"].public_id)
        assert shown(sophie, f"{TASKS}?{query}") == expected, query
    account = tasks["status=failed"].account_id
    assert len(shown(sophie, f"{TASKS}?account={account}")) == 2
    assert len(shown(sophie, f"{TASKS}?account={account}&failure_code=result_lost&tenant=alice")) == 1


def test_tasks_are_searched_by_id_upstream_id_tenant_and_prompt(
    sophie: Person, make_task: MakeTask, stranger: Caller
) -> None:
    cat = make_task(request={"prompt": "A black Cat sleeps on 50% of the sofa"})
    dog = make_task(Status.RUNNING, request={"prompt": "a dog_walk"}, upstream_task_id="4-Up-77")
    theirs = make_task(request={"prompt": "海边的猫"}, tenant=stranger.tenant, api_key=stranger.key)
    for text, found in (
        (cat.public_id, cat),
        (cat.public_id.upper().replace("TASK", "task"), cat),
        ("4-Up-77", dog),
        ("charlie", theirs),
        ("sleeps+CAT", cat),
        ("on", cat),
        ("50%25", cat),
        ("g_w", dog),
        ("SOFA+black", cat),
        ("猫", theirs),
        ("海边的猫", theirs),
    ):
        assert shown(sophie, f"{TASKS}?q={text}") == {found.public_id}, text
    for nothing in ("task_" + "0" * 32, "sleeps+dog", "x_w", "4-Up-7"):
        assert shown(sophie, f"{TASKS}?q={nothing}") == set(), nothing
    assert len(shown(sophie, f"{TASKS}?q=++")) == 3


def test_a_tenant_whose_name_matches_does_not_hide_prompts_that_match(
    sophie: Person, make_task: MakeTask, stranger: Caller
) -> None:
    Tenant.objects.filter(pk=stranger.tenant.pk).update(name="Catalyst Ltd")
    cat = make_task()
    theirs = make_task(tenant=stranger.tenant, api_key=stranger.key, request={"prompt": "a dog"})
    assert shown(sophie, f"{TASKS}?q=cat") == {cat.public_id}
    assert shown(sophie, f"{TASKS}?q=catalyst+LTD") == {theirs.public_id}
    assert shown(sophie, f"{TASKS}?tenant=cat") == {theirs.public_id}


def test_a_search_finds_the_latest_tasks_and_shows_how_far_it_looked(
    sophie: Person, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_list, "MOST_FOUND", 2)
    old, middle, new = (make_task(now=NOW - hours * HOUR) for hours in (2, 1, 0))
    page = sophie.see(f"{TASKS}?q=cat")
    assert "Searched back to 2026-11-20 11:00:00. There may be older matches" in page
    assert shown(sophie, f"{TASKS}?q=cat") == {middle.public_id, new.public_id}
    assert shown(sophie, f"{TASKS}?q=cat&{on('2026-11-20')}&status=queued") == {
        middle.public_id,
        new.public_id,
    }
    Task.objects.filter(pk=old.pk).update(request={"prompt": "a dog"})
    assert "Searched back to" not in sophie.see(f"{TASKS}?q=cat")


def test_a_partial_name_matches_a_limited_number_of_tenants(
    sophie: Person, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch, stranger: Caller
) -> None:
    mine, theirs = make_task(), make_task(tenant=stranger.tenant, api_key=stranger.key)
    assert shown(sophie, f"{TASKS}?tenant=li") == {mine.public_id, theirs.public_id}
    monkeypatch.setattr(filters, "MOST_TENANTS", 1)
    assert shown(sophie, f"{TASKS}?tenant=li") == {mine.public_id}


def test_a_task_shows_its_status_as_a_chip_and_why_it_needs_attention(
    sophie: Person, make_task: MakeTask
) -> None:
    make_task(Status.IN_DOUBT, attention="upstream may have <it>")
    page = sophie.see(TASKS)
    assert '<span class="chip warn">In doubt</span>' in page
    assert "upstream may have &lt;it&gt;" in page


# --- ranges of days

BY_DAYS = (TASKS, EVENTS, LEDGER, JOBS, CHANGES)


def on(first: str, last: str = "") -> str:
    """The query string of a range of days, by default of one day."""
    return f"day_from={first}&day_to={last or first}"


def test_days_are_those_of_the_viewers_time_zone(sophie: Person, make_task: MakeTask) -> None:
    late = make_task(now=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    old = make_task(now=datetime(2025, 2, 3, 12, tzinfo=UTC))
    both = {late.public_id, old.public_id}
    assert shown(sophie, f"{TASKS}?{on('2026-10-31')}") == {late.public_id}
    assert shown(sophie, f"{TASKS}?{on('2025-02-03', '2026-10-31')}") == both
    assert shown(sophie, f"{TASKS}?{on('2026-11-01', '2026-11-30')}") == set()
    sophie.client.cookies["time_zone"] = "Asia/Shanghai"
    assert shown(sophie, f"{TASKS}?{on('2026-10-31')}") == set()
    assert shown(sophie, f"{TASKS}?{on('2026-11-01')}") == {late.public_id}


def test_a_range_of_days_may_be_open_ended(sophie: Person, make_task: MakeTask) -> None:
    old, new = (make_task(Status.SUCCEEDED, now=NOW - days_ago * DAY) for days_ago in (2, 0))
    for task in (old, new):
        TaskEvent.objects.create(task=task, at=task.created_at, verb="flag", status="succeeded")
    for query, found in (
        ("day_from=2026-11-19", {new}),
        ("day_from=2026-11-19&day_to=", {new}),
        ("day_from=&day_to=2026-11-19", {old}),
        ("day_to=2026-11-19", {old}),
        ("day_from=&day_to=", {old, new}),
    ):
        assert shown(sophie, f"{TASKS}?{query}") == {task.public_id for task in found}, query
        assert rows(sophie.see(f"{EVENTS}?{query}")) == len(found), query


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (on("2026-11-20", "2026-11-19"), "First day: This is after the last day."),
        (on("1999-12-31", "2026-11-20"), "greater than or equal to"),
        (on("2026-11-20", "3000-01-01"), "Last day: Ensure this value is less than or equal to"),
        (on("1", "9999-12-31"), "First day: Enter a valid date."),
        *(
            (f"{end}={text}", "Enter a valid date.")
            for end in ("day_from", "day_to")
            for text in (
                *("2026-13-01", "2026-02-30", "2026-11", "26", "x", "2026-01-01-01", "2026-01-01T00:00"),
                *("0000-01-01", "99999-01-01", "99999", "-2026-01-01", "11/20/2026", "%00", "9" * 5000),
            )
        ),
    ],
)
def test_an_invalid_range_of_days_redirects_to_the_list(query: str, problem: str, sophie: Person) -> None:
    answer = sophie.client.get(f"{TASKS}?{query}", follow=True)
    assert answer.redirect_chain == [(f"{TASKS}?e=1", 302)]
    if query != "day_from=%00" and query != "day_to=%00":
        assert problem in answer.content.decode()


@pytest.mark.parametrize("address", BY_DAYS)
def test_each_list_by_days_refuses_an_invalid_range(address: str, sophie: Person) -> None:
    for query in (on("2026-11-20", "2026-11-19"), "day_to=x"):
        answer = sophie.client.get(f"{address}?{query}", follow=True)
        assert answer.redirect_chain == [(f"{address}?e=1", 302)], query
        assert ("after the last day" if "20" in query else "Enter a valid date.") in answer.content.decode()


def test_the_last_of_repeated_days_counts(sophie: Person, make_task: MakeTask) -> None:
    make_task()
    page = sophie.see(f"{TASKS}?day_from=x&day_from=2026-11-20&day_to=2026-01-01&day_to=2026-11-20")
    assert rows(page) == 1
    assert [value for name, value in boxes(page) if name.startswith("day_")] == ["2026-11-20"] * 2


def test_empty_lists_accept_days(sophie: Person) -> None:
    for address in BY_DAYS:
        for query in (on("2026-11-20"), "day_from=2026-11-20", "day_to=2026-11-20"):
            assert rows(sophie.see(f"{address}?{query}")) == 0, (address, query)


def test_other_lists_do_not_accept_days(sophie: Person) -> None:
    for address in (KEYS, INVITATIONS):
        assert sophie.get(f"{address}?{on('2026-11-20')}").status_code == 400, address


def write_events(make_task: MakeTask, number: int, step: timedelta) -> None:
    task = make_task(Status.SUCCEEDED)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, at=NOW + position * step, verb="progressed", status="running")
        for position in range(number)
    )


def test_filtering_events_by_days_finds_all_of_those_days(sophie: Person, make_task: MakeTask) -> None:
    write_events(make_task, 100, timedelta(hours=1))  # from noon on
    assert rows(sophie.see(f"{EVENTS}?{on('2026-11-20')}")) == 12
    assert rows(sophie.see(f"{EVENTS}?{on('2026-11-21')}")) == 24
    assert rows(sophie.see(f"{EVENTS}?{on('2026-11-20', '2026-11-21')}")) == 36
    assert rows(sophie.see(f"{EVENTS}?{on('2026-11-01', '2026-11-30')}")) == 50
    assert rows(sophie.see(f"{EVENTS}?{on('2026-12-01', '2026-12-31')}")) == 0
    assert rows(sophie.see(f"{EVENTS}?{on('2025-01-01', '2025-12-31')}")) == 0


def test_events_filtered_by_days_are_sorted_by_time_whatever_their_order_of_insertion(
    sophie: Person, make_task: MakeTask
) -> None:
    task = make_task(Status.SUCCEEDED)
    for hours in (2, 30, 1, 31, 0, 3, 32):
        TaskEvent.objects.create(task=task, at=NOW + hours * HOUR, verb="flag", status="running")
    page = sophie.see(f"{EVENTS}?{on('2026-11-20')}&verb=flag&tenant=alice")
    assert re.findall(r">2026-11-20 ([\d:]+)<", page) == ["15:00:00", "14:00:00", "13:00:00", "12:00:00"]
    assert rows(sophie.see(f"{EVENTS}?{on('2026-11-21')}")) == 3


MINUTES = 14 * 24 * 60
_BEFORE_NOW = "%(now)s::timestamptz - nr * interval '1 minute'"
_EACH_MINUTE = "generate_series(%(minutes)s, 1, -1) nr"
_ID = (
    f"(lpad(to_hex((extract(epoch FROM {_BEFORE_NOW}) * 1000)::bigint), 12, '0') || repeat('7000', 5))::uuid"
)
OF_TASKS = [field.attname for field in Task._meta.concrete_fields if field.attname != "id"]
ONE_A_MINUTE = [
    f"INSERT INTO videos_task (id, {', '.join(OF_TASKS)})"  # noqa: S608
    f" SELECT {_ID}, {', '.join(OF_TASKS)} FROM videos_task, {_EACH_MINUTE}",
    "INSERT INTO videos_taskevent (at, task_id, verb, status, detail)"  # noqa: S608
    f" SELECT {_BEFORE_NOW}, {_ID}, 'flag', 'queued', '{{}}' FROM {_EACH_MINUTE}",
    "INSERT INTO videos_ledgerentry (at, tenant_id, kind, amount, held, actor_name, reason)"  # noqa: S608
    f" SELECT {_BEFORE_NOW}, %(tenant)s, 'top_up', 1, 0, 'bob', 'paid' FROM {_EACH_MINUTE}",
    "INSERT INTO accounts_auditentry (at, tenant_id, actor_name, place, subject, reason, before, after)"  # noqa: S608
    f" SELECT {_BEFORE_NOW}, %(tenant)s, 'bob', 'console', 'it', '', '{{}}', '{{}}' FROM {_EACH_MINUTE}",
]


@pytest.fixture
def many_rows(make_task: MakeTask) -> None:
    """A row a minute over the last two weeks in each list filtered by days, analysed."""
    empty_pages()
    task = make_task()
    values: dict[str, Any] = {"now": NOW, "minutes": MINUTES, "tenant": task.tenant_id}
    with connection.cursor() as cursor:
        for statement in ONE_A_MINUTE:
            cursor.execute(statement, values)
    analyse()


SEEN = re.compile(r"rows=(\d+)(?:\.\d+)? loops=(\d+)")


@each("address, more", product([TASKS, EVENTS, LEDGER, CHANGES], ["", "&tenant=alice"]))
def test_filtering_by_days_reads_only_those_days_by_an_index(
    address: str, more: str, sophie: Person, many_rows: None
) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = sophie.see(f"{address}?{on('2026-11-08', '2026-11-10')}{more}")
    assert rows(page) == (25 if address == TASKS else 50)
    table = f'FROM "{"_".join(address.strip("/").split("/")[1:])}"'
    queries = [query["sql"] for query in asked.captured_queries if table in query["sql"]]
    assert queries
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {query}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert not re.search(r"Seq Scan on (videos_task|videos_l|accounts_au)", plan), plan
            assert all(int(loops) * int(found) <= MINUTES / 4 for found, loops in SEEN.findall(plan)), plan
            assert sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan))) <= 20, plan


def test_the_queued_task_among_many_that_ended_is_found_by_an_index(sophie: Person, many_rows: None) -> None:
    others = Task.objects.exclude(pk=Task.objects.order_by("pk")[0].pk)
    others.update(status=Status.CANCELLED, finished_at=NOW, failure_code="cancelled")
    analyse()
    with CaptureQueriesContext(connection) as asked:
        page = sophie.see(f"{TASKS}?status=queued")
    assert rows(page) == 1
    [query] = [query["sql"] for query in asked.captured_queries if 'FROM "videos_task"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        assert "task_queued" in str(cursor.fetchall())


def test_jobs_and_audit_entries_are_filtered_by_days(sophie: Person, owner: Caller) -> None:
    queueing.enqueue(queueing.Job.STORE, task_id="x")
    for days_ago in (3, 2, 2):
        audit.record(
            sophie.author,
            audit.Subject("quota"),
            "So.",
            {},
            {"a": 1},
            NOW - days_ago * DAY,
            owner.tenant,
        )
    today = f"{timezone.now():%Y-%m-%d}"
    assert rows(sophie.see(f"{JOBS}?{on(today)}")) == 1
    assert rows(sophie.see(f"{JOBS}?{on('2001-01-01')}")) == 0
    assert rows(sophie.see(f"{JOBS}?{on('2001-01-01')}&status=todo")) == 0
    assert rows(sophie.see(f"{CHANGES}?{on('2026-11-18')}")) == 2
    assert rows(sophie.see(f"{CHANGES}?{on('2026-11-17', '2026-11-18')}")) == 3


# --- the form of the filters


def boxes(page: str) -> list[tuple[str, str]]:
    """The inputs of the filter form with their values."""
    _, _, form = page.partition('<form id="filter-form"')
    found = re.findall(r"<input [^>]*>", form.partition("</form>")[0])
    boxes_ = [dict(re.findall(r'([\w-]+)="([^"]*)"', box)) for box in found]
    return [(box["name"], box.get("value", "")) for box in boxes_ if "name" in box]


def test_filters_keep_the_search_and_each_other_and_return_to_the_first_page(
    sophie: Person, make_task: MakeTask
) -> None:
    make_task()
    page = sophie.see(f"{TASKS}?status=queued&q=cat&p=1&e=1&tenant=ali&day_from=2026-11-20&day_to=")
    assert dict(boxes(page)) == {"q": "cat", "tenant": "ali", "day_from": "2026-11-20", "day_to": ""}
    assert len(boxes(page)) == 4
    assert re.search(r'<option value="queued"\s+selected', page)
    assert 'name="status"' in page


def test_days_are_labelled_date_inputs(sophie: Person) -> None:
    page = sophie.see(TASKS)
    for name, label in (("day_from", "First day"), ("day_to", "Last day")):
        (box,) = re.findall(rf'<input [^>]*name="{name}"[^>]*>', page)
        assert 'type="date"' in box
        assert re.search(rf'<label for="id_{name}"[^>]*>\s*{label}\s*</label>', page)


def test_keys_of_programs_are_the_default(sophie: Person) -> None:
    _, _, options = sophie.see(KEYS).partition('name="used_by"')
    options = options.partition("</select>")[0]
    assert re.findall(r'<option value="(\w*)"', options) == ["programs", "people", "anybody"]
    assert re.search(r'<option value="programs"\s+selected', options)


# --- events


def test_events_are_filtered_and_searched(sophie: Person, make_task: MakeTask, stranger: Caller) -> None:
    mine, theirs = make_task(), make_task(tenant=stranger.tenant, api_key=stranger.key)
    for task, verb in ((mine, "create"), (theirs, "create"), (theirs, "flag")):
        TaskEvent.objects.create(task=task, at=NOW, verb=verb, status="queued", detail={"word": "PROC"})
    page = sophie.see(EVENTS)
    for text in ("Created", "Flagged for staff", "Charlie", '<span class="chip ">Queued</span>', "PROC"):
        assert text in page
    for query, number in (
        ("verb=flag", 1),
        ("verb=create", 2),
        ("tenant=charlie", 2),
        ("tenant=charlie&verb=create", 1),
        (f"tenant=alice&{on('2026-11-20')}", 1),
        (f"tenant=alice&{on('2026-11-21')}", 0),
        (f"q={mine.public_id}", 1),
        ("q=something", 0),
    ):
        assert rows(sophie.see(f"{EVENTS}?{query}")) == number, query


def test_the_list_of_events_says_why_in_words(sophie: Person, make_task: MakeTask) -> None:
    task = make_task()
    for verb, detail in (
        ("flag", {"attention": "overdue: 12", "action": "Describe"}),
        ("fail", {"code": "result_lost"}),
        ("fail", {"code": "generation_failed", "message": "Too dark."}),
        ("claim", {"attempt": 7}),
    ):
        TaskEvent.objects.create(task=task, at=NOW, verb=verb, status="queued", detail=detail)
    for page in (EVENTS, f"{EVENTS}export/"):
        shown = b"".join(sophie.get(page)).decode()
        for words in ("it has not ended after 12 hours", "Result lost", "Too dark."):
            assert words in shown
        assert not any(code in shown for code in ("overdue", "result_lost", "generation_failed"))
        assert re.search(r"attempt\W+: 7|attempt&quot;: 7", shown)


def test_an_event_is_shown_with_a_link_to_its_task(sophie: Person, make_task: MakeTask) -> None:
    task = make_task()
    event = TaskEvent.objects.create(task=task, at=NOW, verb="flag", status="queued", detail={"why": "slow"})
    page = sophie.see(f"{EVENTS}{event.pk}/change/")
    for text in ("Flagged for staff", "slow", f"/admin/videos/task/{task.pk}/change/"):
        assert text in page
    assert sophie.client.post(f"{EVENTS}{event.pk}/change/", {"verb": "fail"}).status_code == 403


# --- jobs


def test_jobs_are_listed_filtered_and_shown(sophie: Person) -> None:
    queueing.enqueue(queueing.Job.STORE, task_id="0198")
    queueing.enqueue(queueing.Job.SUBMIT, account_id=7)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE queue_name = 'submit'")
        cursor.execute("SELECT id FROM procrastinate_jobs WHERE queue_name = 'submit'")
        (failed,) = cursor.fetchone()
    for query, number in (
        ("", 2),
        ("queue=store", 1),
        ("status=failed", 1),
        ("status=failed&queue=store", 0),
    ):
        assert rows(sophie.see(f"{JOBS}?{query}")) == number, query
    page = sophie.see(f"{JOBS}{failed}/change/")
    for text in ("account_id", '<span class="chip bad">Failed</span>', "Queued"):
        assert text in page
    for address in (f"{JOBS}{failed}/change/", f"{JOBS}{failed}/delete/", f"{JOBS}add/"):
        assert sophie.client.post(address, {"post": "yes"}).status_code == 403


# --- keys, invitations, tenants


def test_keys_of_people_are_hidden_by_default_and_cannot_be_changed(sophie: Person, owner: Caller) -> None:
    portal = APIKey.objects.of_people(owner.tenant, Purpose.PORTAL)
    assert rows(sophie.see(KEYS)) == 1
    assert rows(sophie.see(f"{KEYS}?used_by=people")) == 1
    assert rows(sophie.see(f"{KEYS}?used_by=anybody")) == 2
    assert "tenant portal" in sophie.see(f"{KEYS}?used_by=people")
    for action in ("rotate", "revoke"):
        chosen = {"action": action, "_selected_action": [portal.pk], "form_id": uuid4()}
        page = sophie.client.post(f"{KEYS}?used_by=people", chosen, follow=True).content.decode()
        assert "belongs to the pages" in page
    for address in ("change", "delete"):
        assert sophie.client.post(f"{KEYS}{portal.pk}/{address}/", {"post": "yes"}).status_code == 403
    portal.refresh_from_db()
    assert (portal.revoked_at, portal.replaced_by, portal.expires_at) == (None, None, None)


def test_an_account_with_videos_cannot_be_deleted_and_some_of_them_are_named(
    sophie: Person, account: UpstreamAccount, make_task: MakeTask
) -> None:
    for _ in range(8):
        make_task(Status.RUNNING)
    page = f"{ACCOUNTS}{account.pk}/delete/"
    assert len(set(re.findall(r"Task: (task_\w+)", sophie.see(page)))) == 5
    sophie.client.post(page, {"post": "yes"})
    assert UpstreamAccount.objects.filter(pk=account.pk).exists()


def test_a_tenants_page_lists_its_keys_with_their_state_and_can_create_one(
    sophie: Person, owner: Caller, mate: Caller, stranger: Caller
) -> None:
    assert owner.key is not None
    assert mate.key is not None
    assert stranger.key is not None
    mate.key.revoke(NOW)
    APIKey.objects.of_people(owner.tenant, Purpose.CONSOLE)
    page = sophie.see(f"{TENANTS}{owner.tenant.pk}/change/?tab=keys")
    for text in (
        f"{KEYS}{owner.key.pk}/change/",
        f"{KEYS}{mate.key.pk}/change/",
        '<span class="chip good">Active</span>',
        f'<span class="chip bad">Revoked {NOW:%Y-%m-%d}</span>',
        f"{KEYS}add/?tenant={owner.tenant.pk}",
    ):
        assert text in page
    for text in (stranger.key.prefix, owner.key.digest, "staff console"):
        assert text not in page
    form = sophie.open(f"{KEYS}add/?tenant={owner.tenant.pk}")
    assert form["tenant"] == str(owner.tenant.pk)


def test_the_state_of_a_key_is_told_in_its_list_and_at_its_tenant(
    sophie: Person, owner: Caller, mate: Caller
) -> None:
    assert owner.key is not None
    assert mate.key is not None
    now = timezone.now()
    owner.key.rotate(now, DAY)
    APIKey.objects.filter(pk=mate.key.pk).update(expires_at=now + DAY)
    for page in (sophie.see(KEYS), sophie.see(f"{TENANTS}{owner.tenant.pk}/change/?tab=keys")):
        for words in ("Replaced, active until", "Active, expires"):
            assert f"{words} {now + DAY:%Y-%m-%d}" in page


@pytest.mark.parametrize("address", [KEYS, PEOPLE, ACCOUNTS, TENANTS, "/admin/auth/group/"])
def test_no_list_has_a_bulk_delete(address: str, sophie: Person) -> None:
    assert "delete_selected" not in sophie.see(address)


def test_seeing_a_tenants_keys_needs_the_permission_to_view_keys(owner: Caller) -> None:
    assert owner.key is not None
    page = f"{TENANTS}{owner.tenant.pk}/change/?tab=keys"
    assert owner.key.prefix not in Person("tim", "view_tenant").see(page)
    tina = Person("tina", "view_tenant", "view_apikey").see(page)
    assert owner.key.prefix in tina
    assert "New key" not in tina


def test_invitations_are_listed_with_their_state(sophie: Person, owner: Caller) -> None:
    now = timezone.now()
    for email, fields in (
        ("open@example.com", {}),
        ("late@example.com", {"expires_at": now - DAY}),
        ("came@example.com", {"accepted_at": now}),
        ("gone@example.com", {"revoked_at": now}),
    ):
        given = {"tenant": owner.tenant, "email": email, "digest": email, "expires_at": now + DAY}
        Invitation.objects.create(**(given | fields))
    page = sophie.see(INVITATIONS)
    for word in ("Open", "Expired", "Accepted", "Withdrawn"):
        assert re.search(rf'<span class="chip \w*">{word}</span>', page), word
    assert rows(sophie.see(f"{INVITATIONS}?q=late")) == 1
    assert rows(sophie.see(f"{INVITATIONS}?tenant=nobody")) == 0


def test_tenants_are_filtered_by_state(sophie: Person, owner: Caller, stranger: Caller) -> None:
    stranger.tenant.suspend(NOW)
    for state, name in (("active", "Alice"), ("suspended", "Charlie")):
        page = sophie.see(f"{TENANTS}?state={state}")
        assert rows(page) == 1
        assert name in page


# --- permissions


@pytest.mark.parametrize(
    ("address", "permission"),
    [
        (TASKS, "view_task"),
        (EVENTS, "view_taskevent"),
        (LEDGER, "view_ledgerentry"),
        (JOBS, "view_procrastinatejob"),
        (CHANGES, "view_auditentry"),
        (KEYS, "view_apikey"),
        (TENANTS, "view_tenant"),
        (INVITATIONS, "view_invitation"),
        (PEOPLE, "view_user"),
        (PRICES, "view_price"),
        (ACCOUNTS, "view_upstreamaccount"),
    ],
)
def test_a_view_permission_shows_one_list_read_only(
    address: str, permission: str, owner: Caller, make_task: MakeTask
) -> None:
    make_task(Status.SUCCEEDED)
    tim = Person("tim", permission)
    tim.see(address)
    assert tim.get(f"{address}export/").status_code == 200
    assert tim.get(f"{address}add/").status_code == 403
    for other in {TASKS, EVENTS, LEDGER, KEYS, TENANTS, PEOPLE} - {address}:
        assert tim.get(other).status_code == 403
        assert tim.get(f"{other}export/").status_code == 403


def test_a_list_on_one_page_says_how_many_rows_it_has(sophie: Person, owner: Caller) -> None:
    page = sophie.see(KEYS)
    assert f"{rows(page)} API key" in page
    nothing = sophie.see(f"{KEYS}?q=nobody")
    assert "Nothing matches" in nothing
    assert "Nothing here yet" in sophie.see("/admin/auth/group/")
    assert "yielded" not in nothing


def test_the_sidebar_marks_one_entry(sophie: Person, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    for page, entry in {
        "/admin/": "Dashboard",
        f"{TASKS}add/": "New task",
        f"{TASKS}{task.pk}/change/": "Tasks",
        f"{PRICES}table/": "Prices",
        "/admin/videos/pricelist/": "Price lists",
    }.items():
        marked = re.findall(
            r'<a href="[^"]*" class="flex h-\[38px\][^"]* active">(.*?)</a>', sophie.see(page), re.S
        )
        assert [re.sub(r"<[^>]+>", " ", one).split()[1:] for one in marked] == [entry.split()], page


def test_what_is_not_so_is_no_alarm(sophie: Person) -> None:
    User.objects.create_user("dora")
    found = re.findall(r'field-is_staff [^>]*>\s*<span class="(\w+)"', sophie.see(PEOPLE))
    assert sorted(found) == ["no", "yes"]


def test_only_rows_that_change_lead_to_their_history(
    sophie: Person, owner: Caller, make_task: MakeTask
) -> None:
    event = TaskEvent.objects.create(
        task=make_task(Status.SUCCEEDED), at=NOW, verb="succeed", status="succeeded"
    )
    assert "/history/" not in sophie.see(f"{EVENTS}{event.pk}/change/")
    assert "/history/" in sophie.see(f"{TENANTS}{owner.tenant.pk}/change/?tab=general")
