"""Checks that running totals, ledger and daily use agree with the tasks. It repairs nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from accounts.models import Tenant
from videos.models import EntryKind
from videos.models.ledger import CLOSINGS
from videos.states import ACTIVE, LOST, Status

NOTHING = "nothing"
"""Shown for a row that is missing, or that should not exist."""


@dataclass(frozen=True)
class Difference:
    """A rule that does not hold for a tenant, with the expected and the found value as text."""

    tenant: str
    rule: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.tenant}: {self.rule}: is {self.found}, should be {self.expected}"


@dataclass(frozen=True)
class Proof:
    """How many tenants and entries were checked, and all differences, as of one moment."""

    tenants: int
    entries: int
    differences: list[Difference]


def prove(tenant: Tenant | None = None) -> Proof:
    """Check every rule against all rows, or those of one tenant; about 8 s for a million tasks.

    Reads one snapshot of the database and blocks nobody. Inside a transaction it sees what that one does.
    """
    values = _VALUES | {"tenant": tenant and tenant.pk}
    with _snapshot():
        [(tenants, entries)] = _rows(_EXTENT, values)
        found = [row for statement in _RULES for row in _rows(statement, values)]
    return Proof(tenants, entries, [_difference(*row) for row in found])


def differences(tenant: Tenant | None = None) -> list[Difference]:
    """The differences that `prove` finds."""
    return prove(tenant).differences


def _difference(tenant: str, rule: str, expected: str | None, found: str | None) -> Difference:
    return Difference(tenant, rule, expected or NOTHING, found or NOTHING)


@contextmanager
def _snapshot() -> Iterator[None]:
    """Run all statements of the block on one snapshot."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Enough to join a million tasks with their entries in memory.
            cursor.execute("SET LOCAL work_mem = '64MB'")
        yield


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


_VALUES: dict[str, Any] = {
    "active": sorted(ACTIVE),
    "waiting": Status.WAITING,
    "succeeded": Status.SUCCEEDED,
    "lost": list(LOST),
    "hold": EntryKind.HOLD,
    "capture": EntryKind.CAPTURE,
    "release": EntryKind.RELEASE,
    "closings": [kind.value for kind in CLOSINGS],
    "count": "FM99999999999999999990",
    "money": "FM99999999999999999990.009999",  # as `config.amounts.shown`
}

_EXTENT = """
SELECT (SELECT count(*) FROM accounts_tenant WHERE id = %(tenant)s OR %(tenant)s IS NULL),
    (SELECT count(*) FROM videos_ledgerentry WHERE tenant_id = %(tenant)s OR %(tenant)s IS NULL)
"""

# The statements below return tenant, rule, expected and found value. Constraints on the ledger ensure that no
# task has two holds or two closing entries, and that amounts fit their kinds.

_TOTALS = """
WITH entries AS (
    SELECT tenant_id, sum(amount) AS amount, sum(held) AS held,
           -sum(amount) FILTER (WHERE kind IN (%(hold)s, %(release)s)) AS spend
    FROM videos_ledgerentry GROUP BY tenant_id
), unfinished AS (
    SELECT tenant_id, count(*) FILTER (WHERE status <> %(waiting)s) AS open,
           count(*) FILTER (WHERE status = %(waiting)s) AS waiting, sum(price) AS price
    FROM videos_task WHERE status = ANY(%(active)s) GROUP BY tenant_id
), used AS (
    SELECT tenant_id, sum(spend) AS spend,
           sum(seconds) FILTER (WHERE usage.day = standing.day) AS day_seconds,
           sum(spend) FILTER (WHERE usage.day = standing.day) AS day_spend,
           sum(seconds) FILTER (WHERE date_trunc('month', usage.day) = standing.month) AS month_seconds,
           sum(spend) FILTER (WHERE date_trunc('month', usage.day) = standing.month) AS month_spend
    FROM videos_dailyusage usage LEFT JOIN accounts_standing standing USING (tenant_id) GROUP BY tenant_id
)
SELECT tenant.name, rule, to_char(expected, unit), to_char(found, unit)
FROM accounts_tenant tenant
LEFT JOIN accounts_standing standing ON standing.tenant_id = tenant.id
LEFT JOIN entries ON entries.tenant_id = tenant.id
LEFT JOIN unfinished ON unfinished.tenant_id = tenant.id
LEFT JOIN used ON used.tenant_id = tenant.id
CROSS JOIN LATERAL (VALUES
    ('open_tasks is the number of its tasks neither final nor waiting',
        coalesce(unfinished.open, 0), standing.open_tasks, %(count)s),
    ('waiting_tasks is the number of its tasks that wait',
        coalesce(unfinished.waiting, 0), standing.waiting_tasks, %(count)s),
    ('balance is the sum of its ledger', coalesce(entries.amount, 0), standing.balance, %(money)s),
    ('held is what its ledger sets aside', coalesce(entries.held, 0), standing.held, %(money)s),
    ('held is the price of its tasks that are not final',
        coalesce(unfinished.price, 0), standing.held, %(money)s),
    ('day_seconds is its use of that day', coalesce(used.day_seconds, 0), standing.day_seconds, %(count)s),
    ('day_spend is its use of that day', coalesce(used.day_spend, 0), standing.day_spend, %(money)s),
    ('month_seconds is its use of that month',
        coalesce(used.month_seconds, 0), standing.month_seconds, %(count)s),
    ('month_spend is its use of that month', coalesce(used.month_spend, 0), standing.month_spend, %(money)s),
    ('the spend of its daily use is what its ledger took for tasks',
        coalesce(entries.spend, 0), coalesce(used.spend, 0), %(money)s)
) AS compared (rule, expected, found, unit)
WHERE (tenant.id = %(tenant)s OR %(tenant)s IS NULL) AND expected IS DISTINCT FROM found
ORDER BY tenant.name
"""

_HOLDS = """
SELECT tenant.name, concat('the hold of task_', replace(task.id::text, '-', ''), ' is its price'),
    to_char(task.price, %(money)s), to_char(hold.held, %(money)s)
FROM videos_task task
JOIN accounts_tenant tenant ON tenant.id = task.tenant_id
LEFT JOIN videos_ledgerentry hold ON hold.task_id = task.id AND hold.kind = %(hold)s
WHERE (task.tenant_id = %(tenant)s OR %(tenant)s IS NULL) AND hold.held IS DISTINCT FROM task.price
ORDER BY task.id
"""

_CLOSINGS = """
SELECT tenant.name,
    concat('task_', replace(task.id::text, '-', ''), ' (', task.status, ') is closed accordingly'),
    due.kind || ' of ' || to_char(-due.held, %(money)s),
    closing.kind || ' of ' || to_char(-closing.held, %(money)s)
FROM videos_task task
JOIN accounts_tenant tenant ON tenant.id = task.tenant_id
LEFT JOIN videos_ledgerentry closing ON closing.task_id = task.id AND closing.kind = ANY(%(closings)s)
CROSS JOIN LATERAL (SELECT
    CASE WHEN task.status = %(succeeded)s THEN %(capture)s
         WHEN task.status = ANY(%(lost)s) THEN %(release)s END AS kind,
    CASE WHEN task.status <> ALL(%(active)s) THEN -task.price END AS held
) AS due
WHERE (task.tenant_id = %(tenant)s OR %(tenant)s IS NULL)
  AND (closing.kind IS DISTINCT FROM due.kind OR closing.held IS DISTINCT FROM due.held)
ORDER BY task.id
"""

_OWNERS = """
SELECT owner.name, concat('entry ', entry.id, ' is of the tenant of its task'), owner.name, other.name
FROM videos_ledgerentry entry
JOIN videos_task task ON task.id = entry.task_id AND task.tenant_id <> entry.tenant_id
JOIN accounts_tenant owner ON owner.id = task.tenant_id
JOIN accounts_tenant other ON other.id = entry.tenant_id
WHERE %(tenant)s IN (owner.id, other.id) OR %(tenant)s IS NULL
"""

_USAGE = """
WITH counted AS (
    SELECT tenant_id, usage_day AS day, model, coalesce(api_key_id, 0) AS key, count(*) AS tasks,
           count(*) FILTER (WHERE status = %(succeeded)s) AS completed,
           count(*) FILTER (WHERE status = ANY(%(lost)s)) AS failed,
           sum(seconds) FILTER (WHERE status <> ALL(%(lost)s)) AS seconds,
           sum(price) FILTER (WHERE status <> ALL(%(lost)s)) AS spend
    FROM videos_task WHERE tenant_id = %(tenant)s OR %(tenant)s IS NULL GROUP BY 1, 2, 3, 4
), kept AS (
    SELECT tenant_id, day, model, coalesce(api_key_id, 0) AS key, tasks, completed, failed, seconds, spend
    FROM videos_dailyusage WHERE tenant_id = %(tenant)s OR %(tenant)s IS NULL
)
SELECT tenant.name,
    concat_ws(' ', measure, 'of', model, 'on', day,
        CASE key WHEN 0 THEN 'without a key' ELSE 'with key ' || key END, 'are those of its tasks'),
    to_char(expected, unit), to_char(found, unit)
FROM counted FULL JOIN kept USING (tenant_id, day, model, key)
JOIN accounts_tenant tenant ON tenant.id = tenant_id
CROSS JOIN LATERAL (VALUES
    ('tasks', counted.tasks, kept.tasks, %(count)s),
    ('completed', counted.completed, kept.completed, %(count)s),
    ('failed', counted.failed, kept.failed, %(count)s),
    ('seconds', counted.seconds, kept.seconds, %(count)s),
    ('spend', counted.spend, kept.spend, %(money)s)
) AS compared (measure, expected, found, unit)
WHERE coalesce(expected, 0) <> coalesce(found, 0)
ORDER BY tenant.name, day, model, key
"""

_BOOKS = """
WITH booked AS (
    SELECT tenant_id, sum(entries) AS entries, sum(amount) AS amount, sum(held) AS held
    FROM videos_bookedday WHERE tenant_id = %(tenant)s OR %(tenant)s IS NULL GROUP BY 1
), counted AS (
    SELECT entry.tenant_id, count(*) AS entries, sum(entry.amount) AS amount, sum(entry.held) AS held
    FROM videos_ledgerentry entry
    JOIN videos_bookeduntil until ON until.tenant_id = entry.tenant_id AND entry.id <= until.entry
    WHERE entry.tenant_id = %(tenant)s OR %(tenant)s IS NULL GROUP BY 1
)
SELECT tenant.name, rule, to_char(expected, unit), to_char(found, unit)
FROM counted FULL JOIN booked USING (tenant_id)
JOIN accounts_tenant tenant ON tenant.id = tenant_id
CROSS JOIN LATERAL (VALUES
    ('its days have as many entries as its ledger', counted.entries, booked.entries, %(count)s),
    ('its days add up to its ledger', counted.amount, booked.amount, %(money)s),
    ('its days set aside what its ledger does', counted.held, booked.held, %(money)s)
) AS compared (rule, expected, found, unit)
WHERE expected IS DISTINCT FROM found
ORDER BY tenant.name
"""

_DAYS = """
SELECT tenant.name, concat('task_', replace(task.id::text, '-', ''), ' counts on the day it was made'),
    due.day::text, task.usage_day::text
FROM videos_task task
JOIN accounts_tenant tenant ON tenant.id = task.tenant_id
CROSS JOIN LATERAL (
    SELECT accounts_day_of(task.created_at, tenant.time_zone, tenant.earlier_time_zones) AS day
) AS due
WHERE (task.tenant_id = %(tenant)s OR %(tenant)s IS NULL) AND task.usage_day <> due.day
ORDER BY task.id
"""

_BOOKED_DAYS = """
WITH counted AS (
    SELECT entry.tenant_id, accounts_day_of(at, time_zone, earlier_time_zones) AS day, kind,
        count(*) AS entries
    FROM videos_ledgerentry entry
    JOIN videos_bookeduntil until ON until.tenant_id = entry.tenant_id AND entry.id <= until.entry
    JOIN accounts_tenant tenant ON tenant.id = entry.tenant_id
    WHERE entry.tenant_id = %(tenant)s OR %(tenant)s IS NULL GROUP BY 1, 2, 3
), booked AS (
    SELECT tenant_id, day, kind, entries FROM videos_bookedday
    WHERE tenant_id = %(tenant)s OR %(tenant)s IS NULL
)
SELECT tenant.name, concat('entries (', kind, ') on ', day, ' are those of its ledger'),
    to_char(counted.entries, %(count)s), to_char(booked.entries, %(count)s)
FROM counted FULL JOIN booked USING (tenant_id, day, kind)
JOIN accounts_tenant tenant ON tenant.id = tenant_id
WHERE counted.entries IS DISTINCT FROM booked.entries
ORDER BY tenant.name, day, kind
"""

_RULES = (_TOTALS, _HOLDS, _CLOSINGS, _OWNERS, _USAGE, _BOOKS, _DAYS, _BOOKED_DAYS)
