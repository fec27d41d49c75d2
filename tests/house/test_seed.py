"""`tests.bench.seed` fills an empty database with consistent tasks."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import Tenant
from config.ids import made_at
from tests.bench import made_up
from tests.conftest import Caller, MakeTask
from tests.support.rows import each
from tests.support.worker_process import child_environment
from videos import catalogue
from videos.billing import reconciliation
from videos.billing.prices import PriceBook
from videos.models import ModelHour, Task, TaskEvent
from videos.requests import parse
from videos.states import ACTIVE, Status, Verb

ROOT = Path(__file__).resolve().parents[2]
TASKS = 2000
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.usefixtures("db")
def test_seeded_tasks_are_as_those_of_a_gateway_in_use() -> None:
    made_up.fill(TASKS)
    _the_books_agree()
    _most_are_completed_and_a_few_are_open()
    _the_hours_are_counted()
    assert 0 < Task.objects.exclude(attention="").count() < 10


def _the_books_agree() -> None:
    assert Task.objects.count() == TaskEvent.objects.filter(verb=Verb.CREATE).count() == TASKS
    assert reconciliation.differences() == []


def _most_are_completed_and_a_few_are_open() -> None:
    tasks = {row["status"]: row["of"] for row in Task.objects.values("status").annotate(of=Count("id"))}
    assert tasks[Status.SUCCEEDED] > 1700
    assert tasks[Status.FAILED] > tasks[Status.CANCELLED] > 10
    open_tasks = Task.objects.filter(status__in=ACTIVE)
    assert set(open_tasks.values_list("status", flat=True)) == {"queued", "running", "storing"}
    assert open_tasks.count() == 10
    assert not open_tasks.filter(due_at__lte=timezone.now()).exists()


def _the_hours_are_counted() -> None:
    sums = ModelHour.objects.aggregate(made=Sum("made"), completed=Sum("completed"), failed=Sum("failed"))
    ended = Task.objects.filter(status__in=[Status.SUCCEEDED, Status.FAILED])
    assert sums["made"] == TASKS
    assert sums["completed"] + sums["failed"] == ended.count()


@pytest.mark.usefixtures("db")
def test_the_biggest_tenant_has_its_share_and_a_working_key() -> None:
    biggest = made_up.fill(TASKS, share=0.6, tenants=5)
    assert Tenant.objects.count() == 5
    assert 0.5 < Task.objects.filter(tenant=biggest.tenant).count() / TASKS < 0.7
    newest = Task.objects.filter(tenant=biggest.tenant).latest("id")
    answer = Caller(biggest.key).get(f"/v1/videos/{newest.public_id}")
    assert answer.json()["id"] == newest.public_id


@pytest.mark.usefixtures("db")
def test_ids_contain_the_creation_time() -> None:
    made_up.fill(TASKS, days=10)
    now = datetime.now(UTC)
    for task in Task.objects.select_related("tenant").order_by("id"):
        assert (task.id.version, task.id.variant) == (7, "specified in RFC 4122")
        assert made_at(task.id) <= task.created_at < made_at(task.id) + MILLISECOND
        assert now - timedelta(days=11) < task.created_at <= now
        assert task.usage_day == task.tenant.day_of(task.created_at)
    assert len({task.id.bytes[7:] for task in Task.objects.all()}) == TASKS


@pytest.mark.usefixtures("db")
def test_tasks_have_all_models_and_lengths_at_their_prices() -> None:
    made_up.fill(TASKS, share=1)
    prices, now = PriceBook.load().default, timezone.now()
    for task in Task.objects.all():
        request = parse(task.request)
        assert (request.model.name, request.seconds) == (task.model, task.seconds)
        assert task.price == prices.quote(request, now).amount
    assert set(Task.objects.values_list("model", flat=True)) == {spec.name for spec in catalogue.MODELS}


@pytest.mark.usefixtures("db")
def test_a_single_tenant_can_have_all_tasks() -> None:
    biggest = made_up.fill(20, tenants=1, days=1)
    assert Task.objects.filter(tenant=biggest.tenant).count() == 20
    assert reconciliation.differences() == []


def test_a_database_with_tasks_is_not_changed_unless_forced(make_task: MakeTask) -> None:
    make_task()
    with pytest.raises(made_up.NotFilled, match="only --force"):
        made_up.fill(TASKS)
    assert Task.objects.count() == 1
    for _ in range(2):
        made_up.fill(10, tenants=2, force=True)
    assert Task.objects.count() == 21
    assert reconciliation.differences() == []


@each("figures, expected", [
    ({"tasks": 0}, "--tasks is 0: at least 1 and at most 100000000 is allowed."),
    ({"tasks": 1_000_000_001}, "--tasks is 1000000001: at least 1 and at most 100000000 is allowed."),
    ({"tenants": 0}, "--tenants is 0: at least 1 and at most 999 is allowed."),
    ({"tenants": 1000}, "--tenants is 1000: at least 1 and at most 999 is allowed."),
    ({"days": 0}, "--days is 0: at least 1 and at most 36500 is allowed."),
    ({"days": 9_999_999_999}, "--days is 9999999999: at least 1 and at most 36500 is allowed."),
    ({"share": -0.1}, "--share is -0.1: at least 0 and at most 1 is allowed."),
    ({"share": 1.1}, "--share is 1.1: at least 0 and at most 1 is allowed."),
    ({"share": float("nan")}, "--share is nan: at least 0 and at most 1 is allowed."),
])  # fmt: skip
def test_invalid_figures_are_refused(figures: dict[str, Any], expected: str, db: None) -> None:
    with pytest.raises(made_up.NotFilled) as refused:
        made_up.fill(**figures)
    assert str(refused.value) == expected
    assert not Tenant.objects.exists()


@pytest.mark.processes
def test_the_program_prints_the_biggest_tenant_and_its_key(transactional_db: None) -> None:
    done = _run("--tasks", "20", "--tenants", "2")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert Task.objects.count() == 20
    assert Caller(printed["key"]).get("/v1/account").status_code == 200
    assert Tenant.objects.filter(pk=printed["tenant"]).exists()
    done = _run("--tasks", "20")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "There are tasks in this database; only --force adds made-up ones to them."
    ]


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.seed", *arguments],
        cwd=ROOT,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_vacuumed_and_analysed() -> None:
    made_up.fill(100)
    seen = "SELECT last_vacuum IS NOT NULL, last_analyze IS NOT NULL FROM pg_stat_user_tables"
    with connection.cursor() as cursor:
        cursor.execute(f"{seen} WHERE relname = 'videos_task'")
        assert cursor.fetchone() == (True, True)


@pytest.mark.usefixtures("db")
def test_no_worker_works_on_seeded_tasks() -> None:
    made_up.fill(20)
    assert not Task.objects.filter(account__is_enabled=True).exists()
    assert not Task.objects.filter(media_removed_at=None, expires_at__lte=timezone.now()).exists()
