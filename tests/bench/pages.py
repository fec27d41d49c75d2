"""How fast is each page with a million tasks? One web process, one browser with a kept connection.

    python -m tests.bench.pages [--tasks 1000000] [--requests 40] [--only NAME] [--keep]

Prints for each page of the portal and the console, and for queries of the lists, the latencies and the number
of queries. Ends with 1 if a page is not answered with 200, takes more than 15 queries, or if one request in
twenty takes longer than 300 ms. `--keep` leaves the tasks in the database.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from uuid import UUID

from tests.bench import stage
from tests.bench.million import seed
from tests.bench.stage import percentile, report

if TYPE_CHECKING:
    from accounts.models import Tenant, User
    from tests.support.pages import Page

MOST_QUERIES, MOST_SECONDS = 15, 0.3
WORDS = ("cat", "project 1999", "absentword", "zq", "海滩", "鲸", "dragonfly")
"""Frequent and rare words, some too short for an index, some without a match."""
LEFT_OUT = (
    "not-found",
    "invitation-unknown",
    "people-confirm-email",
    "portal-made-key",
    "console-made-key",
)
"""Pages that are not there, and those that show a key for some minutes only."""
WARM_UP = 3
"""Requests before measuring: a new process has empty caches."""


@dataclass(frozen=True)
class Person:
    """A logged-in person: the cookie of the session."""

    cookie: str


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--only", default="", help="pages with this in their name")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with stage.empty_gateway() as family:
        tenant_id, _ = seed(options.tasks)
        people, found = _people_and_pages(tenant_id)
        pages = [page for page in found if options.only in page.name]
        url = stage.start_web(family)
        problems = [
            problem for page in pages for problem in _try(page, url, people[page.viewer], options.requests)
        ]
        if not options.keep:
            stage.empty()
    report(f"\n{len(pages)} pages, {len(problems)} problems")
    for problem in problems:
        report(problem)
    sys.exit(1 if problems else 0)


def _people_and_pages(tenant_id: UUID) -> "tuple[dict[str, Person], list[Page]]":
    from accounts.models import Membership, Role, Tenant, User
    from tests.support.pages import MEMBER, NOBODY, STAFF, pages

    tenant = Tenant.objects.get(pk=tenant_id)
    member, staff = User.objects.create_user("member"), User.objects.create_superuser("staff")
    Membership.objects.create(tenant=tenant, user=member, role=Role.OWNER)
    people = {NOBODY: Person(""), MEMBER: _logged_in(member), STAFF: _logged_in(staff)}
    plain = [page for page in pages(tenant, staff) if page.name not in LEFT_OUT]
    return people, [*plain, *_asked_for(tenant)]


def _logged_in(user: "User") -> Person:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return Person(f"sessionid={client.cookies['sessionid'].value}")


def _asked_for(tenant: "Tenant") -> "Iterator[Page]":
    """Queries of the lists: filters, words, pages far back."""
    from django.urls import reverse

    from tests.support.pages import MEMBER, STAFF, Page

    history = reverse("portal:videos", args=[tenant.pk])
    for query in _queries_of_the_history(tenant):
        yield Page(f"history {query}", MEMBER, f"{history}?{query}")
    for name in ("usage", "statement"):
        address = reverse(f"portal:{name}", args=[tenant.pk])
        for period in ("this-month", "last-month", "7-days", "30-days"):
            yield Page(f"{name} {period}", MEMBER, f"{address}?period={period}")
    for query in _searched(tenant):
        yield Page(f"search {query}", STAFF, f"{reverse('admin:search')}?q={quote(query)}")
    for span in ("day", "week", "month"):
        yield Page(f"dashboard {span}", STAFF, f"/admin/?span={span}")
    for name, queries in _queries_of_lists(tenant).items():
        address = reverse(f"admin:{name}_changelist")
        for query in queries:
            yield Page(f"{name} {query}", STAFF, f"{address}?{query}")


def _queries_of_the_history(tenant: "Tenant") -> Iterator[str]:
    from videos.models import Task

    tasks = Task.objects.filter(tenant=tenant)
    middle = tasks.order_by("-id")[tasks.count() // 2]
    yield from (f"status={status}" for status in ("at_work", "completed", "failed"))
    yield f"model={middle.model}"
    yield f"model={middle.model}&status=failed"
    yield f"before={middle.public_id}"
    yield f"start={middle.created_at:%Y-%m-%d}&end={middle.created_at:%Y-%m-%d}"
    yield from (f"q={quote(word)}" for word in WORDS)


def _searched(tenant: "Tenant") -> Iterator[str]:
    """What staff search for: a tenant, the ends and the middle of an id, an upstream id, a key, words."""
    from accounts.models import APIKey
    from videos.models import Task

    tasks = Task.objects.filter(tenant=tenant, status="succeeded").order_by("id")
    task = tasks[tasks.count() // 2]
    digits = task.id.hex
    yield from (tenant.name, task.public_id, digits[:8], digits[12:20], digits[-8:], "0" * 8)
    yield from (task.upstream_task_id or "", "1300000000-none", APIKey.objects.of_programs()[0].prefix[:7])
    yield from WORDS


def _queries_of_lists(tenant: "Tenant") -> dict[str, list[str]]:
    from videos.models import Task

    task = Task.objects.filter(tenant=tenant, status="succeeded").order_by("id")[1000]
    day = f"{task.created_at:%Y-%m-%d}"
    words = [f"q={quote(word)}" for word in (task.public_id, tenant.name, *WORDS)]
    days = f"day_from={day}&day_to={day}"
    return {
        "videos_task": [
            *(f"status={status}" for status in ("queued", "running", "failed", "cancelled", "in_doubt")),
            *(
                f"model={task.model}",
                "attention=needed",
                "failure_code=result_lost",
                f"tenant={quote(tenant.name)}",
            ),
            *(f"day_from={first}&day_to={day}" for first in (day, f"{day[:7]}-01", f"{day[:4]}-01-01")),
            *words,
            f"p=50&model={task.model}",
        ],
        "videos_taskevent": [days, "verb=create", "verb=flag", f"q={task.public_id}"],
        "videos_ledgerentry": [days, "kind=top_up", f"tenant={quote(tenant.name)}"],
        "accounts_tenant": ["q=Seed"],
        "accounts_apikey": ["q=key", "used_by=anybody"],
    }


def _try(page: "Page", url: str, person: Person, requests: int) -> Iterator[str]:
    """Measure and print; returns the faults."""
    latencies, statuses = _measure(page.path, url, person, requests)
    queries, late = _queries(page.path, person), percentile(latencies, 95)
    times = "  ".join(f"p{percent} {percentile(latencies, percent) * 1000:6.1f} ms" for percent in (50, 95))
    report(f"{page.name[:58]:<58} {times}  {queries:3d} queries")
    yield from (f"{page.name}: answered {status}" for status in sorted(statuses - {http.client.OK}))
    if queries > MOST_QUERIES:
        yield f"{page.name}: takes {queries} queries"
    if late > MOST_SECONDS:
        yield f"{page.name}: one in twenty takes {late * 1000:.0f} ms"


def _measure(path: str, url: str, person: Person, requests: int) -> tuple[list[float], set[int]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    latencies, statuses = [], set()
    for _ in repeat(None, requests + WARM_UP):
        started = time.monotonic()
        connection.request("GET", path, headers={"Cookie": person.cookie, "Accept": "text/html"})
        answer = connection.getresponse()
        answer.read()
        latencies.append(time.monotonic() - started)
        statuses.add(answer.status)
    connection.close()
    return latencies[WARM_UP:], statuses


def _queries(path: str, person: Person) -> int:
    """The number of database queries, counted in this process."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    if person.cookie:
        client.cookies["sessionid"] = person.cookie.partition("=")[2]
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len(captured)


if __name__ == "__main__":
    main()
