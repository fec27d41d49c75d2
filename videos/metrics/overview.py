"""The figures of the staff dashboard, in few queries that scan no big table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, Count, DecimalField, F, Min, QuerySet, Sum, Value, When

from accounts.models import Standing, Tenant
from accounts.quotas.totals import Period
from config.amounts import ZERO
from config.clock import Clock
from videos.metrics import buckets
from videos.models import ModelHour, Task, UpstreamAccount, UpstreamBudget
from videos.routing import rate_limits
from videos.routing.choice import Queue, candidates
from videos.routing.offers import Offers
from videos.routing.rate_limits import UpstreamCall
from videos.states import ACTIVE, UNSENT, Status

MOST_STUCK = 20
MOST_TENANTS = 20
LATEST = 200
"""Videos of each model that its generation times are computed from."""
GRACE = timedelta(minutes=2)
"""Tasks that are due for longer without progress are stuck."""
WORKER_SILENCE = timedelta(seconds=30)
"""Workers send a heartbeat every ten seconds; one that is silent for longer is gone."""


@dataclass(frozen=True)
class Counts:
    """Tasks created, and tasks that ended, within a period."""

    made: int = 0
    completed: int = 0
    failed: int = 0
    spend: Decimal = ZERO

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.made + other.made,
            self.completed + other.completed,
            self.failed + other.failed,
            self.spend + other.spend,
        )

    @property
    def success_rate(self) -> float | None:
        """Percent of the tasks that ended; None if none did."""
        ended = self.completed + self.failed
        return 100 * self.completed / ended if ended else None


@dataclass(frozen=True)
class ModelFigures:
    """Figures of one model. Times are seconds from acceptance to the end, over its latest videos."""

    model: str
    counts: Counts
    median: float | None
    slow: float | None
    """The 95th percentile."""
    videos: int
    """Number of videos that the times are of."""


@dataclass(frozen=True)
class OpenTasks:
    """Tasks in one state of one account; tasks not yet submitted have all accounts that may take them."""

    accounts: tuple[int, ...]
    """Empty if no account may take them."""
    status: Status
    tasks: int
    oldest: datetime
    due: datetime
    """The earliest due time."""

    def __add__(self, other: "OpenTasks") -> "OpenTasks":
        oldest, due = min(self.oldest, other.oldest), min(self.due, other.due)
        return OpenTasks(self.accounts, self.status, self.tasks + other.tasks, oldest, due)


@dataclass(frozen=True)
class BudgetUse:
    """Rate limit slots handed out in this minute and the last, and the maximum per minute."""

    so_far: int
    last_minute: int
    most: int


@dataclass(frozen=True)
class AccountFigures:
    """Figures of one upstream account."""

    account: UpstreamAccount
    open: dict[Status, OpenTasks]
    uses: dict[UpstreamCall, BudgetUse]


@dataclass(frozen=True)
class StuckTasks:
    """Tasks in one state and of the same accounts that are due but not processed."""

    accounts: list[UpstreamAccount]
    """Those that have them, or may take them."""
    status: Status
    tasks: int
    since: datetime


@dataclass(frozen=True)
class Spending:
    """What a tenant spent on its current day and month, and its balance."""

    tenant: Tenant
    today: Decimal
    this_month: Decimal
    balance: Decimal


def plotted(starts: Sequence[datetime], now: datetime) -> list[Counts]:
    """The counts of each bucket, given their starts."""
    counted = [Counts()] * len(starts)
    hours = _hours(starts[0], now).values_list("hour").annotate(*_SUMS)
    for hour, *sums in hours:
        position = buckets.place(starts, hour)
        counted[position] += Counts(*sums)
    return counted


_SUMS = [Sum(name) for name in ("made", "completed", "failed", "spend")]


def _hours(start: datetime, now: datetime) -> QuerySet[ModelHour]:
    return ModelHour.objects.filter(hour__gte=start, hour__lte=now)


def by_model(start: datetime, now: datetime) -> list[ModelFigures]:
    """Figures of the models with activity since `start`, busiest first."""
    succeeded = Status.SUCCEEDED.value
    values: dict[str, Any] = {"start": start, "now": now, "succeeded": succeeded, "latest": LATEST}
    with connection.cursor() as cursor:
        cursor.execute(_BY_MODEL, values)
        return [ModelFigures(model, Counts(*row[:4]), *row[4:]) for model, *row in cursor.fetchall()]


_BY_MODEL = """
SELECT counted.*, times.* FROM (
    SELECT model, sum(made) AS made, sum(completed), sum(failed), sum(spend) FROM videos_modelhour
    WHERE hour >= %(start)s AND hour <= %(now)s GROUP BY model
) AS counted CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY took), count(*)
    FROM (
        SELECT extract(epoch FROM done_at - accepted_at)::float AS took FROM videos_task
        WHERE model = counted.model AND done_at >= %(start)s AND done_at <= %(now)s
            AND accepted_at IS NOT NULL AND status = %(succeeded)s
        ORDER BY done_at DESC LIMIT %(latest)s
    ) AS video
) AS times
ORDER BY counted.made DESC, counted.model
"""


def open_tasks() -> list[OpenTasks]:
    """All unfinished tasks, by account and state."""
    # None of them is hidden, but this condition lets the index of open tasks serve the query.
    unfinished = Task.objects.filter(status__in=sorted(ACTIVE), hidden_at=None)
    owner = Case(When(on_own_account=True, then=F("tenant")), default=None)
    rows = unfinished.values_list("account", "status", "model", "prefers", owner).annotate(
        tasks=Count("*"), oldest=Min("created_at"), due=Min("due_at")
    )
    found: dict[tuple[tuple[int, ...], Status], OpenTasks] = {}
    everyone = Offers.current().accounts
    for account, status, *queue, tasks, oldest, due in rows:
        able = candidates(Queue(*queue), everyone) if status in UNSENT else ()
        accounts = tuple(one.pk for one in able) if status in UNSENT else (account,)
        row = OpenTasks(accounts, Status(status), tasks, oldest, due)
        known = found.get((row.accounts, row.status))
        found[row.accounts, row.status] = known + row if known else row
    return list(found.values())


def stuck() -> list[Task]:
    """Tasks flagged for staff, oldest first: one more than are shown, to tell whether there are more."""
    shown = Task.objects.exclude(attention="").select_related("tenant")
    columns = shown.only("status", "attention", "created_at", "tenant__name")
    return list(columns.order_by("id")[: MOST_STUCK + 1])


def accounts(open_tasks: Sequence[OpenTasks], now: datetime) -> list[AccountFigures]:
    """Figures of all upstream accounts."""
    everyone = UpstreamAccount.objects.defer("secret_key", "proxy_url").select_related("state", "owner")
    everyone = everyone.prefetch_related("budgets").order_by("name")
    return [_figures(account, open_tasks, now) for account in everyone]


def _figures(account: UpstreamAccount, open_tasks: Sequence[OpenTasks], now: datetime) -> AccountFigures:
    minute = now.replace(second=0, microsecond=0)
    known = {UpstreamCall(budget.action): budget for budget in account.budgets.all()}
    return AccountFigures(
        account,
        _by_status(row for row in open_tasks if account.pk in row.accounts),
        {action: _use(account, action, known.get(action), minute) for action in UpstreamCall},
    )


def _by_status(rows: Iterable[OpenTasks]) -> dict[Status, OpenTasks]:
    found: dict[Status, OpenTasks] = {}
    for row in rows:
        found[row.status] = found[row.status] + row if row.status in found else row
    return found


def _use(
    account: UpstreamAccount, action: UpstreamCall, budget: UpstreamBudget | None, minute: datetime
) -> BudgetUse:
    most = round(rate_limits.per_minute(account, action))
    if budget is None:
        return BudgetUse(0, 0, most)
    return BudgetUse(
        rate_limits.given(budget, minute), rate_limits.given(budget, minute - rate_limits.MINUTE), most
    )


_CALL_OF = {Status.QUEUED: UpstreamCall.CREATE, Status.RUNNING: UpstreamCall.DESCRIBE}
_MOVED_BY_WORKERS = (Status.QUEUED, Status.SUBMITTING, Status.RUNNING, Status.STORING)
"""States out of which a worker moves tasks."""


def stuck_tasks(
    open_tasks: Sequence[OpenTasks], accounts: Sequence[AccountFigures], now: datetime
) -> list[StuckTasks]:
    """Tasks that are due but not processed, the longest first, without long queues that move."""
    by_id = {figures.account.pk: figures for figures in accounts}
    figured = [(row, [by_id[account] for account in row.accounts]) for row in open_tasks]
    found = [
        StuckTasks([one.account for one in figures], row.status, row.tasks, row.due)
        for row, figures in figured
        if _stands_still(row, figures, now)
    ]
    return sorted(found, key=lambda standstill: standstill.since)


def _stands_still(row: OpenTasks, figures: Sequence[AccountFigures], now: datetime) -> bool:
    if row.status not in _MOVED_BY_WORKERS or row.due > now - GRACE:
        return False
    call = _CALL_OF.get(row.status)
    uses = [one.uses[call] for one in figures] if call else []
    return not any(use.so_far or use.last_minute for use in uses)


def spending(now: datetime) -> list[Spending]:
    """The tenants that spent most this month; totals of an earlier day or month count as 0."""
    known = Tenant.objects.values_list("time_zone", "earlier_time_zones").distinct()
    clocks = {Clock.of(zone, earlier) for zone, earlier in known}
    periods = {clock: Period.of(now, clock) for clock in clocks}
    rows = Standing.objects.select_related("tenant").annotate(
        today=_of_now("day", periods), this_month=_of_now("month", periods)
    )
    top = rows.order_by("-this_month", "-today", "tenant__name")[:MOST_TENANTS]
    return [Spending(row.tenant, row.today, row.this_month, row.balance) for row in top]


def _of_now(unit: str, periods: Mapping[Clock, Period]) -> Case:
    """The spend of the tenant's day or month if that is the current one, else 0."""
    cases = [
        When(
            tenant__time_zone=clock.time_zone,
            tenant__earlier_time_zones=clock.written(),
            **{unit: getattr(period, unit)},
            then=f"{unit}_spend",
        )
        for clock, period in periods.items()
    ]
    return Case(*cases, default=Value(ZERO), output_field=DecimalField())


def freshness() -> tuple[datetime | None, datetime | None]:
    """Until when the hours are counted, and the last heartbeat of any worker; None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_FRESHNESS)
        counted_until, heard = cursor.fetchone()
    return counted_until, heard


_FRESHNESS = """
SELECT (SELECT max(until) FROM videos_hourscounted), (SELECT max(last_heartbeat) FROM procrastinate_workers)
"""
