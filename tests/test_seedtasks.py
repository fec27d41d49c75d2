"""`seedtasks` fills an empty database with tasks whose books are in order."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import Tenant
from config.ids import made_at
from tests.conftest import Caller, MakeTask
from videos import catalogue
from videos.billing import reconciliation
from videos.billing.prices import PriceList
from videos.models import ModelHour, Task, TaskEvent
from videos.requests import parse
from videos.states import ACTIVE, Status

MILLISECOND = timedelta(milliseconds=1)


def _seed(*arguments: str, tasks: int = 2000) -> tuple[UUID, str]:
    """What the command prints: the biggest tenant, and a key of it."""
    output = StringIO()
    call_command("seedtasks", "--tasks", str(tasks), *arguments, stdout=output)
    printed = json.loads(output.getvalue())
    return UUID(printed["tenant"]), printed["key"]


@pytest.mark.usefixtures("db")
def test_the_books_of_made_up_tasks_are_in_order() -> None:
    _seed()
    assert Task.objects.count() == TaskEvent.objects.count() == 2000
    assert reconciliation.differences() == []


@pytest.mark.usefixtures("db")
def test_the_biggest_tenant_has_its_share_and_a_key_that_works() -> None:
    tenant, key = _seed("--share", "0.6", "--tenants", "5")
    assert Tenant.objects.count() == 5
    assert 0.5 < Task.objects.filter(tenant=tenant).count() / 2000 < 0.7
    newest = Task.objects.filter(tenant=tenant).latest("id")
    answer = Caller(key).get(f"/v1/videos/{newest.public_id}")
    assert answer.json()["id"] == newest.public_id


@pytest.mark.usefixtures("db")
def test_ids_tell_when_tasks_were_made() -> None:
    _seed("--days", "10")
    now = datetime.now(UTC)
    for task in Task.objects.select_related("tenant").order_by("id"):
        assert (task.id.version, task.id.variant) == (7, "specified in RFC 4122")
        assert made_at(task.id) <= task.created_at < made_at(task.id) + MILLISECOND
        assert now - timedelta(days=11) < task.created_at <= now
        assert task.usage_day == task.tenant.day_of(task.created_at)
    assert len({task.id.bytes[7:] for task in Task.objects.all()}) == 2000


@pytest.mark.usefixtures("db")
def test_tasks_are_of_all_models_and_lengths_at_their_prices() -> None:
    _seed("--share", "1")
    prices, now = PriceList.load(), timezone.now()
    for task in Task.objects.all():
        request = parse(task.request)
        assert (request.model.name, request.seconds) == (task.model, task.seconds)
        assert task.price == prices.quote(request, now).amount
    assert set(Task.objects.values_list("model", flat=True)) == {spec.name for spec in catalogue.MODELS}


@pytest.mark.usefixtures("db")
def test_most_tasks_are_completed_and_a_few_are_open() -> None:
    _seed()
    tasks = {row["status"]: row["of"] for row in Task.objects.values("status").annotate(of=Count("id"))}
    assert tasks[Status.SUCCEEDED] > 1700
    assert tasks[Status.FAILED] > tasks[Status.CANCELLED] > 10
    open_tasks = Task.objects.filter(status__in=ACTIVE)
    assert set(open_tasks.values_list("status", flat=True)) == {"waiting", "queued", "running", "storing"}
    assert open_tasks.count() == 10
    assert not open_tasks.filter(due_at__lte=timezone.now()).exists()


@pytest.mark.usefixtures("db")
def test_the_hours_are_counted_and_some_tasks_are_to_be_looked_at() -> None:
    _seed()
    sums = ModelHour.objects.aggregate(made=Sum("made"), completed=Sum("completed"), failed=Sum("failed"))
    ended = Task.objects.filter(status__in=[Status.SUCCEEDED, Status.FAILED])
    assert sums["made"] == 2000
    assert sums["completed"] + sums["failed"] == ended.count()
    assert 0 < Task.objects.exclude(attention="").count() < 10


@pytest.mark.usefixtures("db")
def test_a_single_tenant_has_everything() -> None:
    tenant, _ = _seed("--tenants", "1", "--days", "1", tasks=20)
    assert Task.objects.filter(tenant=tenant).count() == 20
    assert reconciliation.differences() == []


def test_a_database_in_use_is_left_alone_unless_forced(make_task: MakeTask) -> None:
    make_task()
    with pytest.raises(CommandError, match="only --force"):
        _seed()
    assert Task.objects.count() == 1
    for _ in range(2):
        _seed("--force", "--tenants", "2", tasks=10)
    assert Task.objects.count() == 21
    assert reconciliation.differences() == []


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "arguments",
    [("--share", "1.5"), ("--share", "-0.1"), ("--tenants", "0"), ("--days", "0"), ("--tasks", "0")],
    ids=" ".join,
)
def test_senseless_figures_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="at least"):
        _seed(*arguments)
    assert not Tenant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_planner_knows_of_the_tasks() -> None:
    _seed(tasks=100)
    seen = "SELECT last_vacuum IS NOT NULL, last_analyze IS NOT NULL FROM pg_stat_user_tables"
    with connection.cursor() as cursor:
        cursor.execute(f"{seen} WHERE relname = 'videos_task'")
        assert cursor.fetchone() == (True, True)


@pytest.mark.usefixtures("db")
def test_nobody_is_to_work_on_made_up_tasks() -> None:
    _seed(tasks=20)
    assert not Task.objects.filter(account__is_enabled=True).exists()
    assert not Task.objects.filter(media_removed_at=None, expires_at__lte=timezone.now()).exists()
