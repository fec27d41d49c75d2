"""How fast are reads of a tenant with 300,000 of a million tasks? One web process, one client.

    python -m tests.bench.million [--tasks 1000000] [--requests 200] [--keep]

Prints the latencies of each kind of request and the indexes of its queries, by EXPLAIN of the queries of the
same request in this process. Ends with 1 if a request is not answered with 200, or if a query reads a whole
big table (with few tasks that may be the best plan). `--keep` leaves the tasks in the database.
"""

import argparse
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.core.management import call_command
from django.db.models import QuerySet

from tests.bench import stage
from tests.bench.stage import percentile, report

PAGE = 20
"""The default page size."""
DEEP = 50
"""Pages a client reads."""
MODEL = "Kling-3.0-720p"
BIG_TABLES = {"videos_task", "videos_taskevent", "videos_ledgerentry", "videos_dailyusage"}
PERCENTS = (50, 95, 99)
Statement = tuple[str, Any]
"""SQL and its values."""


@dataclass(frozen=True)
class Case:
    """A kind of request: its name and paths."""

    name: str
    paths: list[str]

    @classmethod
    def of(cls, name: str, path: str, **query: Any) -> "Case":
        return cls(name, [f"{path}?{urlencode(query)}" if query else path])


@dataclass(frozen=True)
class Reading:
    """The indexes that queries use, and the big tables they read completely."""

    indexes: list[str]
    whole_tables: list[str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with stage.empty_gateway() as family:
        tenant, key = seed(options.tasks)
        cases = list(_cases(tenant))
        url = stage.start_web(family)
        problems = [problem for case in cases for problem in _try(case, url, key, options.requests)]
        if not options.keep:
            stage.empty()
    report(f"\n{len(cases) * options.requests:,} requests, {len(problems)} problems")
    for problem in problems:
        report(problem)
    sys.exit(1 if problems else 0)


def seed(tasks: int) -> tuple[UUID, str]:
    from tests.bench import made_up

    started = time.monotonic()
    biggest = made_up.fill(tasks)
    report(f"{tasks:,} tasks made up in {time.monotonic() - started:.0f} s")
    started = time.monotonic()
    call_command("reconcile", stdout=sys.stdout)
    report(f"… reconciled in {time.monotonic() - started:.1f} s\n")
    return biggest.tenant.pk, biggest.key


def _cases(tenant: UUID) -> Iterator[Case]:
    from videos.models import Task

    tasks = Task.objects.filter(tenant=tenant)
    yield from _lists(tasks)
    yield from _filtered_lists(tasks)
    yield from _use(tasks)
    yield Case.of("account", "/v1/account")
    any_of_them = tasks.only("id").order_by("?")[:500]
    yield Case("one video", [f"/v1/videos/{task.public_id}" for task in any_of_them])


def _lists(tasks: QuerySet[Any]) -> Iterator[Case]:
    newest = [task.public_id for task in tasks.only("id").order_by("-id")[: DEEP * PAGE]]
    middle = tasks.only("id").order_by("-id")[tasks.count() // 2]
    turned = [f"/v1/videos?after={after}" for after in newest[PAGE - 1 :: PAGE]]
    yield Case.of("list, first page", "/v1/videos")
    yield Case.of("list, 100 on a page", "/v1/videos", limit=100)
    yield Case(f"list, {DEEP} pages after it", turned)
    yield Case.of("list, from the middle", "/v1/videos", after=middle.public_id)
    yield Case.of("list, oldest first", "/v1/videos", order="asc")
    yield Case.of("list, the middle upwards", "/v1/videos", order="asc", after=middle.public_id)


def _filtered_lists(tasks: QuerySet[Any]) -> Iterator[Case]:
    middle = tasks.only("id", "created_at").order_by("-id")[tasks.count() // 2]
    moment = int(middle.created_at.timestamp())
    day = {"created_after": moment, "created_before": moment + 24 * 3600}
    yield Case.of("list, one model", "/v1/videos", model=MODEL)
    yield Case.of("list, one day", "/v1/videos", **day)
    yield Case.of("list, one model on one day", "/v1/videos", model=MODEL, **day)
    for status in ("queued", "in_progress", "completed", "failed"):
        yield Case.of(f"list, {status}", "/v1/videos", status=status)
        yield Case.of(f"list, {status}, oldest first", "/v1/videos", status=status, order="asc")
        yield Case.of(f"list, {status}, from the middle", "/v1/videos", status=status, after=middle.public_id)
        yield Case.of(f"list, {status}, one model", "/v1/videos", status=status, model=MODEL)
        yield Case.of(f"list, {status}, one day", "/v1/videos", status=status, **day)


def _use(tasks: QuerySet[Any]) -> Iterator[Case]:
    first, last = (tasks.order_by(order).values_list("usage_day", flat=True)[0] for order in ("id", "-id"))
    everything = {"start_date": first, "end_date": last, "group_by": "day,model,api_key"}
    week = {"start_date": last - timedelta(days=6), "end_date": last}
    yield Case.of("usage, this month", "/v1/usage")
    yield Case.of("usage, one week by model", "/v1/usage", group_by="model", **week)
    yield Case.of("usage, all by day, model, key", "/v1/usage", **everything)
    yield Case.of("usage, the same as CSV", "/v1/usage", format="csv", **everything)


def _try(case: Case, url: str, key: str, requests: int) -> Iterator[str]:
    """Measure and print; returns the faults."""
    latencies, statuses = _measure(case, url, key, requests)
    reading = _reading(case.paths[0], key)
    times = "  ".join(f"p{percent} {percentile(latencies, percent) * 1000:6.1f} ms" for percent in PERCENTS)
    report(f"{case.name:<34} {len(latencies):5d} requests  {times}")
    report(f"    {', '.join(reading.indexes)}")
    yield from (f"{case.name}: answered {status}" for status in sorted(statuses - {http.client.OK}))
    if not reading.indexes:
        yield f"{case.name}: no query was seen that an index serves"
    yield from (f"{case.name}: reads {table} from end to end" for table in reading.whole_tables)


def _measure(case: Case, url: str, key: str, requests: int) -> tuple[list[float], set[int]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    latencies, statuses = [], set()
    for path in islice(cycle(case.paths), requests):
        started = time.monotonic()
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        latencies.append(time.monotonic() - started)
        statuses.add(answer.status)
    connection.close()
    return latencies, statuses


def _reading(path: str, key: str) -> Reading:
    nodes = [node for statement in _statements(path, key) for node in _nodes(_plan(*statement))]
    indexes = dict.fromkeys(node["Index Name"] for node in nodes if "Index Name" in node)
    whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    return Reading(list(indexes), sorted(whole & BIG_TABLES))


def _statements(path: str, key: str) -> list[Statement]:
    """The queries of a request, without its writes."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    sent: list[Statement] = []

    def keep(execute: Callable[..., Any], sql: str, values: Any, *others: Any) -> Any:
        sent.append((sql, values))
        return execute(sql, values, *others)

    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    # Prepared statements are recorded only if queries are logged.
    with CaptureQueriesContext(connection), connection.execute_wrapper(keep):
        client.get(path, headers={"authorization": f"Bearer {key}"})
    return [(sql, values) for sql, values in sent if sql.lstrip("( \n").startswith(("SELECT", "WITH"))]


def _plan(sql: str, values: Any) -> dict[str, Any]:
    """The plan for these values; the server may keep a generic one."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF, FORMAT JSON) {sql}", values)
        [(plans,)] = cursor.fetchall()
    plan: dict[str, Any] = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and its children."""
    yield plan
    for step in plan.get("Plans", ()):
        yield from _nodes(step)


if __name__ == "__main__":
    main()
