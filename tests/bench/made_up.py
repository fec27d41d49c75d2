"""Many plausible tasks in the database for benchmarks: `python -m tests.bench.seed` is its command line."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import APIKey, Scope, Standing, Tenant
from config.amounts import ZERO
from videos import catalogue
from videos.billing import statements
from videos.billing.prices import PriceBook, Prices
from videos.errors import NoPrice
from videos.listing import prompts
from videos.metrics import hourly
from videos.models import DailyUsage, EntryKind, LedgerEntry, Task, TaskEvent, UpstreamAccount
from videos.products import Product
from videos.requests import VideoRequest, parse
from videos.states import Status, Verb
from videos.tasks.failures import FailureCode
from videos.upstream import translate
from videos.upstream.base import Submission

MOST_TASKS, MOST_TENANTS, MOST_DAYS = 100_000_000, 999, 36_500
KEYS = 3
"""Keys per tenant."""
TIME_ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata")
"""Time zones of the tenants, in turn."""
FEW_KINDS = 40
"""Kinds of videos one tenant uses; the biggest uses all."""
EVERY = 9
"""One of so many open tasks needs attention."""
# None waits in a tenant's queue: the sweep would start it, and a worker would submit it.
_OPEN = (Status.QUEUED, Status.RUNNING, Status.STORING)
"""States of the latest tasks."""
_ENGLISH = (
    "a cat, a girl in a red coat, an old fisherman, two foxes, a paper boat, a street musician, a robot, "
    "a white horse, a chef, a lighthouse keeper, a dragonfly, a tram, a clockmaker, a zeppelin",
    "runs, dances, waits, looks up, turns slowly, waves, disappears, jumps, sings, crosses the bridge, "
    "drifts by, laughs, hesitates, pirouettes",
    "on the beach, in the rain, at night, in a market, under neon lights, in the snow, on a rooftop, "
    "in a bamboo forest, by the harbour, in an orchard, on Mars, in a greenhouse, at the opera, in a quarry",
)
_CHINESE = (
    "猫, 一个女孩, 老渔夫, 两只狐狸, 纸船, 街头歌手, 机器人, 白马, 厨师, 看守人, 蜻蜓, 电车, 钟表匠, 飞艇",
    "奔跑, 跳舞, 等待, 抬头看, 慢慢转身, 挥手, 消失, 跳跃, 唱歌, 过桥, 漂过, 大笑, 犹豫, 旋转",
    "在海滩上, 在雨中, 在夜里, 在集市, 在灯下, 在雪地里, 在屋顶上, 在竹林里, "
    "在港口, 在果园, 在火星上, 在温室里, 在歌剧院, 在采石场",
)
WORDS = [[part.split(", ") for part in language] for language in (_ENGLISH, _CHINESE)]
"""Parts of prompts by language (who, does what, where), the most frequent first, equally many of each."""


class NotFilled(Exception):
    """The reason why no tasks were written, in one line."""


@dataclass(frozen=True)
class MadeUp:
    """A tenant, the ids of its keys and the text of the first key."""

    tenant: Tenant
    key_ids: list[int]
    key: str


def fill(
    tasks: int = 1_000_000,
    *,
    share: float = 0.3,
    tenants: int = 50,
    days: int = 120,
    force: bool = False,
) -> MadeUp:
    """Write tasks of new tenants, and return the biggest tenant, which has that share of the tasks.

    The tasks are spread over the days up to now. Most are completed, without media; each has one event, its
    ledger entries and its part in the totals. Raises `NotFilled` if a figure is out of range, or if there are
    tasks and `force` is not set.
    """
    _check(share, tasks=(tasks, MOST_TASKS), tenants=(tenants, MOST_TENANTS), days=(days, MOST_DAYS))
    if not force and Task.objects.exists():
        raise NotFilled("There are tasks in this database; only --force adds made-up ones to them.")
    until = timezone.now()
    with transaction.atomic():
        made = _make_tenants(tenants)
        _make_tasks(made, tasks, share, until - timedelta(days=days), until)
        statements.update_daily_sums()
    _refresh_statistics()
    hourly.roll_up_anew(until)
    prompts.rebuild(until)
    return made[0]


def _check(share: float, **figures: tuple[int, int]) -> None:
    """Each figure is given with its maximum."""
    for name, (number, most) in figures.items():
        if not 1 <= number <= most:
            raise NotFilled(f"--{name} is {number}: at least 1 and at most {most} is allowed.")
    if not 0 <= share <= 1:
        raise NotFilled(f"--share is {share}: at least 0 and at most 1 is allowed.")


def _make_tenants(number: int) -> list[MadeUp]:
    mark = secrets.token_hex(3)  # names are unique, also among those of earlier runs
    zones = islice(cycle(TIME_ZONES), number)
    return [_make_tenant(f"Seed {mark} {position:03}", zone) for position, zone in enumerate(zones, 1)]


def _make_tenant(name: str, time_zone: str) -> MadeUp:
    tenant = Tenant.objects.create(name=name, time_zone=time_zone)
    keys = [APIKey.objects.mint(tenant, f"key {position}", Scope.values) for position in range(1, KEYS + 1)]
    return MadeUp(tenant, [key.pk for key, _ in keys], keys[0][1])


def _make_tasks(tenants: list[MadeUp], tasks: int, share: float, start: datetime, until: datetime) -> None:
    kinds = _kinds(until)
    values: dict[str, Any] = {
        "kind_rows": json.dumps(kinds),
        "tenant_rows": json.dumps(_rows_of(tenants, len(kinds))),
        "account": _account().pk,
        "tasks": tasks,
        "share": share if len(tenants) > 1 else 1,
        "tenants": len(tenants),
        "kinds": len(kinds),
        "start": start,
        "until": until,
        "span": until - start,
        "open": max(10, tasks // 2000),
        "kept": timedelta(days=settings.RESULT_RETENTION_DAYS),
        "words": json.dumps(WORDS),
        "choices": len(WORDS[0][0]),
    }
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, values)


def _account() -> UpstreamAccount:
    """An account that gets no new tasks."""
    secret = {"endpoint": "http://127.0.0.1:9", "secret_id": "none", "secret_key": "none"}
    account, _ = UpstreamAccount.objects.get_or_create(
        name="seeded", defaults={**secret, "is_enabled": False}
    )
    return account


def _kinds(now: datetime) -> list[dict[str, Any]]:
    """Each model with each of its lengths and its current price."""
    prices = PriceBook.load().default
    requests = (
        parse({"model": spec.name, "seconds": seconds, "prompt": "A cat runs along the beach"})
        for spec in catalogue.MODELS
        for seconds in spec.seconds.allowed
    )
    return [
        {
            "number": number,
            "model": request.model.name,
            "seconds": request.seconds,
            "price": str(_price(request, prices, now)),
            "request": request.as_body(),
            "payload": translate(request, Product.MPS, Submission()).payload,
        }
        for number, request in enumerate(requests)
    ]


def _price(request: VideoRequest, prices: Prices, now: datetime) -> Decimal:
    try:
        return prices.quote(request, now).amount
    except NoPrice:
        return ZERO


def _rows_of(tenants: Iterable[MadeUp], kinds: int) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "id": str(made.tenant.pk),
            "time_zone": made.tenant.time_zone,
            "keys": made.key_ids,
            "kinds": min(FEW_KINDS, kinds) if number else kinds,
        }
        for number, made in enumerate(tenants)
    ]


def _refresh_statistics() -> None:
    """Vacuum and analyse, as autovacuum would within minutes."""
    verb = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    tables = ", ".join(model._meta.db_table for model in (Task, TaskEvent, LedgerEntry, DailyUsage, Standing))
    with connection.cursor() as cursor:
        cursor.execute(f"{verb} {tables}")


_KINDS = """
CREATE TEMPORARY TABLE seed_kind AS SELECT * FROM jsonb_to_recordset(%(kind_rows)s)
    AS kind (number int, model text, seconds int, price numeric, request jsonb, payload jsonb)
"""

_TENANTS = """
CREATE TEMPORARY TABLE seed_tenant AS SELECT * FROM jsonb_to_recordset(%(tenant_rows)s)
    AS tenant (number int, id uuid, time_zone text, keys bigint[], kinds int)
"""

_TASKS = f"""
INSERT INTO videos_task (id, tenant_id, api_key_id, account_id, status, model, seconds, request, payload,
    not_forwarded, price, usage_day, fingerprint, turn, attempts, due_at, looked_at, upstream_task_id,
    upstream_status, result_link, created_at, submitted_at, accepted_at, expected_seconds, done_at,
    finished_at, media_name, media_bytes, frame_size, expires_at, media_removed_at, failure_code,
    failure_message, attention)
WITH drawn AS (
    SELECT number, number > %(tasks)s - %(open)s AS is_open, gen_random_uuid() AS bits,
        %(start)s + %(span)s * ((number - random()) / %(tasks)s) AS created_at,
        random() AS whose, random() AS which_key, random() AS what, random() AS outcome, random() AS luck,
        %(words)s::jsonb -> (random() < 0.15)::int AS words
    FROM generate_series(1, %(tasks)s) AS number
), asked AS (
    SELECT drawn.*, kind.model, kind.seconds, kind.price, kind.request, kind.payload, tenant.id AS tenant_id,
        tenant.keys[1 + floor(which_key * cardinality(tenant.keys))::int] AS api_key_id,
        (created_at AT TIME ZONE tenant.time_zone)::date AS usage_day,
        -- Few words are frequent and many are rare, and each tenant has its own favourites.
        (SELECT string_agg(part ->> mod(
                floor(%(choices)s * power(random(), 6))::int + 3 * tenant.number, %(choices)s), ' ')
            FROM jsonb_array_elements(drawn.words) AS part)
            || ', project ' || floor(20000 * power(random(), 3)) || ', take ' || drawn.number AS prompt,
        lpad(to_hex(floor(extract(epoch FROM created_at) * 1000)::bigint), 12, '0') AS milliseconds,
        CASE WHEN is_open THEN (ARRAY['{"', '".join(_OPEN)}'])[1 + mod(drawn.number, {len(_OPEN)})]
            WHEN outcome < 0.93 THEN '{Status.SUCCEEDED}'
            WHEN outcome < 0.98 THEN '{Status.FAILED}' ELSE '{Status.CANCELLED}' END AS status
    FROM drawn
    JOIN seed_tenant tenant ON tenant.number = CASE WHEN whose < %(share)s THEN 0
        ELSE 1 + floor((whose - %(share)s) / (1 - %(share)s) * (%(tenants)s - 1)) END
    JOIN seed_kind kind ON kind.number = mod(tenant.number * 17 + floor(what * tenant.kinds)::int, %(kinds)s)
), lived AS (
    SELECT asked.*, status = '{Status.SUCCEEDED}' AS is_stored,
        -- As config.ids.uuid7: the first 48 bits of a random UUID become the milliseconds, its version 7.
        overlay(bits::text PLACING substr(milliseconds, 1, 8) || '-' || substr(milliseconds, 9) || '-7'
            FROM 1)::uuid AS id,
        CASE WHEN status NOT IN ('{Status.QUEUED}', '{Status.CANCELLED}')
            THEN least(%(until)s, created_at + interval '2 s') END AS accepted_at,
        CASE WHEN status IN ('{Status.STORING}', '{Status.SUCCEEDED}', '{Status.FAILED}')
            THEN least(%(until)s, created_at + luck * interval '160 s' + interval '40 s') END AS done_at,
        CASE WHEN NOT is_open
            THEN least(%(until)s, created_at + luck * interval '160 s' + interval '43 s') END AS finished_at
    FROM asked
)
SELECT id, tenant_id, api_key_id, CASE WHEN accepted_at IS NOT NULL THEN %(account)s::bigint END,
    status, model, seconds,
    jsonb_set(request, '{{prompt}}', to_jsonb(prompt)), jsonb_set(payload, '{{Prompt}}', to_jsonb(prompt)),
    ARRAY[]::text[], price, usage_day, sha256(uuid_send(bits)), 0, num_nonnulls(accepted_at),
    CASE WHEN is_open THEN %(until)s + interval '100 years' ELSE created_at END, done_at,
    CASE WHEN accepted_at IS NOT NULL THEN 'seeded-' || id END,
    '', '', created_at, accepted_at, accepted_at, 120, done_at, finished_at,
    CASE WHEN is_stored THEN 'seeded/' || id || '.mp4' ELSE '' END, CASE WHEN is_stored THEN 5000000 END,
    CASE WHEN is_stored THEN '1280x720' ELSE '' END, CASE WHEN is_stored THEN finished_at + %(kept)s END,
    CASE WHEN is_stored AND finished_at + %(kept)s <= %(until)s THEN finished_at + %(kept)s END,
    CASE status WHEN '{Status.FAILED}' THEN '{FailureCode.GENERATION_FAILED}'
        WHEN '{Status.CANCELLED}' THEN '{FailureCode.CANCELLED}' ELSE '' END,
    CASE WHEN status IN ('{Status.FAILED}', '{Status.CANCELLED}') THEN 'It was made up.' ELSE '' END,
    CASE WHEN status = '{Status.RUNNING}' AND mod(number, {EVERY}) = 1 THEN 'it was made up to be looked at'
        ELSE '' END
FROM lived ORDER BY number
"""

_EVENTS = f"""
INSERT INTO videos_taskevent (task_id, at, verb, status, detail)
SELECT task.id, task.created_at, '{Verb.CREATE}', '{Status.QUEUED}', '{{}}'
FROM videos_task task JOIN seed_tenant tenant ON tenant.id = task.tenant_id ORDER BY task.id
"""

_LEDGER = f"""
INSERT INTO videos_ledgerentry (tenant_id, task_id, kind, amount, held, at, actor_name, reason)
WITH task AS (
    SELECT task.*, CASE status WHEN '{Status.SUCCEEDED}' THEN 0 ELSE price END AS returned
    FROM videos_task task JOIN seed_tenant tenant ON tenant.id = task.tenant_id
)
SELECT entry.* FROM (
    SELECT tenant_id, id, '{EntryKind.HOLD}', -price, price, created_at AS at, '', '' FROM task
    UNION ALL
    SELECT tenant_id, id, CASE status WHEN '{Status.SUCCEEDED}' THEN '{EntryKind.CAPTURE}'
        ELSE '{EntryKind.RELEASE}' END, returned, -price, finished_at, '', ''
    FROM task WHERE finished_at IS NOT NULL
    UNION ALL
    SELECT id, NULL, '{EntryKind.TOP_UP}', 1000000, 0, %(start)s, 'seed', 'money to make videos with'
    FROM seed_tenant
) AS entry ORDER BY at
"""

_USAGE = f"""
INSERT INTO videos_dailyusage (tenant_id, day, model, api_key_id, tasks, completed, failed, seconds, spend)
SELECT task.tenant_id, usage_day, model, api_key_id, count(*),
    count(*) FILTER (WHERE status = '{Status.SUCCEEDED}'), count(*) FILTER (WHERE is_lost),
    coalesce(sum(seconds) FILTER (WHERE NOT is_lost), 0), coalesce(sum(price) FILTER (WHERE NOT is_lost), 0)
FROM videos_task task
JOIN seed_tenant tenant ON tenant.id = task.tenant_id
CROSS JOIN LATERAL (SELECT status IN ('{Status.FAILED}', '{Status.CANCELLED}') AS is_lost) AS outcome
GROUP BY task.tenant_id, usage_day, model, api_key_id ORDER BY usage_day, task.tenant_id
"""

_STANDINGS = """
WITH period AS (
    SELECT id, (%(until)s AT TIME ZONE time_zone)::date AS day,
        date_trunc('month', %(until)s AT TIME ZONE time_zone)::date AS month FROM seed_tenant
), unfinished AS (
    SELECT tenant_id, count(*) AS open
    FROM videos_task WHERE finished_at IS NULL GROUP BY tenant_id
), money AS (
    SELECT tenant_id, sum(amount) AS balance, sum(held) AS held FROM videos_ledgerentry GROUP BY tenant_id
), used AS (
    SELECT period.id, sum(seconds) FILTER (WHERE usage.day = period.day) AS day_seconds,
        sum(spend) FILTER (WHERE usage.day = period.day) AS day_spend,
        sum(seconds) AS month_seconds, sum(spend) AS month_spend
    FROM period JOIN videos_dailyusage usage ON usage.tenant_id = period.id AND usage.day >= period.month
    GROUP BY period.id
)
UPDATE accounts_standing standing SET version = standing.version + 1,
    open_tasks = coalesce(unfinished.open, 0), waiting_tasks = 0,
    balance = money.balance, held = money.held, day = period.day, month = period.month,
    day_seconds = coalesce(used.day_seconds, 0), day_spend = coalesce(used.day_spend, 0),
    month_seconds = coalesce(used.month_seconds, 0), month_spend = coalesce(used.month_spend, 0)
FROM period
JOIN money ON money.tenant_id = period.id
LEFT JOIN unfinished ON unfinished.tenant_id = period.id
LEFT JOIN used ON used.id = period.id
WHERE standing.tenant_id = period.id
"""

_STATEMENTS = (
    "SELECT setseed(0.5)",  # the same tasks each time except for their ids
    _KINDS,
    _TENANTS,
    _TASKS,
    _EVENTS,
    _LEDGER,
    _USAGE,
    _STANDINGS,
    "DROP TABLE seed_kind, seed_tenant",
)
