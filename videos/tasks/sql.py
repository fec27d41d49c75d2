"""Hand-written SQL for two hot paths: creating tasks and reading the status of one; `page` has that of lists.

The statements are prepared once per connection (`config.db.prepared`), so each value is cast to its type.
"""

from accounts.api.lookup import LookUp
from accounts.quotas.escrow import COUNTED, LIMITED
from accounts.quotas.in_force import FIELDS
from accounts.quotas.standing import COLUMNS
from config.db.columns import Columns, unnested
from videos.estimates import queue_position
from videos.queueing import DEFER_SUBMIT, NO_SUBMIT_WAITS
from videos.states import Status, Verb

_SNAPSHOT = Columns(
    {
        "totals": [f"standing.{name}" for name in COLUMNS],
        "limits_version": ["standing.limits_version"],
        "has_quota": ["quota.tenant_id IS NOT NULL"],
        "quota": [f"quota.{name}" for name in FIELDS],
        "minute": ["minute.tasks", "minute.since"],
        "earlier": ["earlier.fingerprint", "earlier.task_id", "earlier.position", "earlier.estimated_start"],
        "bucket": ["bucket.bucket", "bucket.region", "bucket.path_prefix"],
        "offers": ["(SELECT revision FROM videos_offerrevision)"],
    }
)
_EARLIER = """LEFT JOIN videos_idempotencykey earlier ON earlier.tenant_id = tenant.id
    AND earlier.key = asked.idempotency_key AND earlier.created_at > %(replayable_since)s::timestamptz"""
_BESIDE = """JOIN accounts_standing standing ON standing.tenant_id = tenant.id
LEFT JOIN accounts_quota quota ON quota.tenant_id = tenant.id
CROSS JOIN LATERAL (SELECT CASE WHEN quota.tenant_id IS NULL THEN %(default_rate)s::bigint
    ELSE quota.requests_per_minute END AS per_minute) rate
CROSS JOIN LATERAL (SELECT count(*) AS tasks, min(created_at) AS since FROM (
    SELECT created_at FROM videos_task WHERE rate.per_minute > 0 AND tenant_id = tenant.id
        AND id >= %(minute_ago)s::uuid ORDER BY id DESC LIMIT rate.per_minute) latest) minute
LEFT JOIN accounts_cosbucket bucket ON bucket.tenant_id = tenant.id"""

SNAPSHOT = LookUp(_SNAPSHOT, f"{_BESIDE} {_EARLIER}", {"idempotency_key": "text"})
"""The key and what a create is decided by, in one snapshot: the tenant's totals and limits, its tasks of the
last minute, the task created under the idempotency key, its bucket, and the revision of the offers.
"""

_FURTHER = {
    "use": {
        "day_seconds": "day.seconds",
        "day_spend": "day.spend",
        "month_seconds": "month.seconds",
        "month_spend": "month.spend",
    },
    "key_minute": {"key_tasks": "minute.tasks", "key_since": "minute.since"},
    "key_spend": {
        "key_spend": """(SELECT coalesce(sum(spend), 0) FROM videos_dailyusage
        WHERE tenant_id = asked.tenant AND day >= asked.month
            AND day < asked.month + interval '1 month' AND api_key_id IN (SELECT id FROM key))"""
    },
    "retried": {
        "twins": """ARRAY(SELECT id FROM videos_task WHERE api_key_id = asked.key
        AND id >= asked.retried_since AND fingerprint = asked.fingerprint LIMIT 2)""",
        "refused_at": """(SELECT at FROM videos_refusedcreate
        WHERE api_key_id = asked.key AND fingerprint = asked.fingerprint)""",
    },
    "earlier": {
        "asked": "earlier.fingerprint",
        "made": "earlier.task_id",
        "position": "earlier.position",
        "estimated_start": "earlier.estimated_start",
    },
}
_FURTHER_OWN = {
    "idempotency_key": "text",
    "tenant": "uuid",
    "key": "bigint",
    "key_rate": "bigint",
    "day": "date",
    "month": "date",
    "retried_since": "uuid",
    "fingerprint": "bytea",
}
_FURTHER_COLUMNS = Columns(
    {group: [f"further.{name}" for name in columns] for group, columns in _FURTHER.items()}
)
_FURTHER_ROW = f"""CROSS JOIN LATERAL (
WITH RECURSIVE key AS (
    SELECT id, replaced_by_id FROM accounts_apikey WHERE id = asked.key
    UNION SELECT other.id, other.replaced_by_id FROM key JOIN accounts_apikey other
        ON other.replaced_by_id = key.id OR other.id = key.replaced_by_id
)
SELECT {", ".join(f"{column} AS {name}" for columns in _FURTHER.values() for name, column in columns.items())}
FROM
    (SELECT coalesce(sum(seconds), 0)::bigint AS seconds, coalesce(sum(spend), 0) AS spend
        FROM videos_dailyusage WHERE tenant_id = asked.tenant AND day = asked.day) day,
    (SELECT coalesce(sum(seconds), 0)::bigint AS seconds, coalesce(sum(spend), 0) AS spend
        FROM videos_dailyusage WHERE tenant_id = asked.tenant
            AND day >= asked.month AND day < asked.month + interval '1 month') month,
    (SELECT count(*) AS tasks, min(created_at) AS since FROM (
        SELECT latest.created_at FROM key CROSS JOIN LATERAL (SELECT id, created_at FROM videos_task
            WHERE api_key_id = key.id AND id >= %(minute_ago)s::uuid
            ORDER BY id DESC LIMIT asked.key_rate) latest
        ORDER BY latest.id DESC LIMIT asked.key_rate) lately) minute
LEFT JOIN videos_idempotencykey earlier ON earlier.tenant_id = asked.tenant
    AND earlier.key = asked.idempotency_key AND earlier.created_at > %(replayable_since)s::timestamptz
) further"""  # noqa: S608 - made of the constants above

FURTHER_COLUMNS = Columns({"nth": ["asked.nth"]}) | _FURTHER_COLUMNS
FURTHER = f"SELECT {FURTHER_COLUMNS.sql} FROM {unnested(_FURTHER_OWN)} {_FURTHER_ROW}"  # noqa: S608 - likewise
"""What only some creates need: the totals of a day or month that has just begun, the use of a key with limits
(with the keys it replaced or was replaced by), and the tasks that an SDK's retry may refer to.
"""

FULL_SNAPSHOT = LookUp(_SNAPSHOT | _FURTHER_COLUMNS, f"{_BESIDE} {_FURTHER_ROW}", _FURTHER_OWN)
"""Both in one statement, for the check under the lock: a create takes at most six statements.

The columns `earlier` of FURTHER replace those of the snapshot, whose join is left out here.
"""


SHARED = f"status = '{Status.QUEUED}' AND NOT on_own_account"
"""SQL condition: queued for the platform's accounts."""
OWN = f"status = '{Status.QUEUED}' AND on_own_account"
"""SQL condition: queued for the tenant's own accounts."""


def first_turn(models: str) -> str:
    """SQL for the round being served among the tasks of these models; null if none is queued.

    It is read from the head of each model's queue.
    """
    return f"""(SELECT min(head.turn) FROM unnest({models}) AS served (model) CROSS JOIN LATERAL (
        SELECT turn FROM videos_task WHERE model = served.model AND {SHARED}
            AND due_at <= %(now)s::timestamptz ORDER BY turn, id LIMIT 1) AS head)"""  # noqa: S608 - made of constants


def next_turn(tenant: str, models: str, first: str) -> str:
    """SQL for the next turn of a tenant; `first` is the one of a tenant without queued tasks.

    Tenants take turns (round robin): a tenant's next task is one round after its last queued one. A tenant
    without queued tasks joins the round being served. `models` are those that compete for the same accounts:
    tasks of other accounts must neither delay nor favour a task. Creates of two processes at the same moment
    may get the same turn.
    """
    return f"""coalesce((SELECT turn + 1 FROM videos_task WHERE tenant_id = {tenant}
        AND {SHARED} AND model = ANY ({models}) ORDER BY turn DESC LIMIT 1), {first}, 0)"""  # noqa: S608 - likewise


_MODELS = "%(models)s::text[]"
FIRST_TURN = first_turn(_MODELS)
NEXT_TURN = next_turn("%(tenant)s::uuid", _MODELS, FIRST_TURN)

_STANDING = {
    "tenant_id": "uuid",
    "limits_version": "bigint",
    "exact": "bigint",
    "count": "int",
    "day": "date",
    "month": "date",
    "least": "numeric",
    **dict.fromkeys(COUNTED, "numeric"),
    **{f"most_{name}": "numeric" for name in LIMITED},
}
_HAS_ROOM = " AND ".join(f"standing.{name} <= coalesce(most_{name}, standing.{name})" for name in LIMITED)
_MOVED = ", ".join(f"{name} = standing.{name} + wanted.{name}" for name in COUNTED)
_LOCKING = "FOR NO KEY UPDATE OF standing"
_FIRST_OF_GROUP = "(SELECT turn FROM first WHERE number = due.of_group)"
CREATE = f"""
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(standings)s::jsonb)
        AS wanted ({", ".join(f"{name} {kind}" for name, kind in _STANDING.items())})
), locked AS MATERIALIZED (
    SELECT tenant_id FROM wanted JOIN accounts_standing standing USING (tenant_id)
    WHERE standing.limits_version = wanted.limits_version AND CASE WHEN exact IS NULL
        THEN standing.day = wanted.day AND standing.month = wanted.month AND {_HAS_ROOM}
            AND standing.balance >= coalesce(least, standing.balance)
        ELSE standing.version = exact END
    ORDER BY tenant_id {_LOCKING}
), standing AS (
    UPDATE accounts_standing standing SET version = version + count, day = wanted.day, month = wanted.month,
        {_MOVED}
    FROM locked JOIN wanted USING (tenant_id) WHERE standing.tenant_id = locked.tenant_id
        AND %(offers)s::uuid IS NOT DISTINCT FROM
            (SELECT videos_offers_now() FROM (SELECT count(*) FROM locked) all_locked)
    RETURNING standing.tenant_id
), asked AS MATERIALIZED (
    SELECT * FROM standing JOIN jsonb_to_recordset(%(tasks)s::jsonb) AS asked (
        id uuid, tenant_id uuid, nth int, key bigint, of_group int, prefers text, own bool, status text,
        model text, seconds int,
        request jsonb, not_forwarded text[], bucket text, region text, path text, price numeric, day date,
        fingerprint text, told jsonb, used_tasks int, used_seconds int, used_money numeric,
        idempotency_key text, asked text, position int, estimated_start timestamptz) USING (tenant_id)
), competing AS (
    SELECT * FROM jsonb_to_recordset(%(competing)s::jsonb) AS competing (number int, models text[])
), first AS MATERIALIZED (
    SELECT number, {first_turn("models")} AS turn FROM competing
), turns AS (
    SELECT tenant_id, of_group, {next_turn("due.tenant_id", "models", _FIRST_OF_GROUP)} AS turn
    FROM (SELECT DISTINCT tenant_id, of_group FROM asked WHERE NOT own) AS due
    JOIN competing ON number = of_group
), task AS (
    INSERT INTO videos_task (id, tenant_id, api_key_id, status, model, seconds, request, not_forwarded,
        store_bucket, store_region, store_path, price, usage_day, fingerprint, created_at, due_at, turn,
        prefers, on_own_account,
        payload, attempts, upstream_status, result_link, media_name, frame_size, failure_code,
        failure_message, attention)
    SELECT id, tenant_id, key, status, model, seconds, request, not_forwarded, bucket, region, path, price,
        day, decode(fingerprint, 'hex'), %(now)s::timestamptz, %(now)s::timestamptz,
        CASE WHEN own THEN 0 ELSE nth + turn END,
        prefers, own, '{{}}', 0, '','', '', '', '', '', ''
    FROM asked LEFT JOIN turns USING (tenant_id, of_group)
), event AS (
    INSERT INTO videos_taskevent (task_id, at, verb, status, detail)
    SELECT id, %(now)s::timestamptz, '{Verb.CREATE}', status, told FROM asked
), hold AS (
    INSERT INTO videos_ledgerentry (tenant_id, task_id, kind, amount, held, at, actor_name, reason)
    SELECT tenant_id, id, 'hold', -price, price, %(now)s::timestamptz, '', '' FROM asked
), usage AS (
    INSERT INTO videos_dailyusage AS known
        (tenant_id, day, model, api_key_id, tasks, completed, failed, seconds, spend)
    SELECT tenant_id, day, model, key, used_tasks, 0, 0, used_seconds, used_money FROM asked
    WHERE used_tasks > 0
    ON CONFLICT (tenant_id, day, model, api_key_id) DO UPDATE SET tasks = known.tasks + excluded.tasks,
        seconds = known.seconds + excluded.seconds, spend = known.spend + excluded.spend
), replay AS (
    INSERT INTO videos_idempotencykey
        (tenant_id, key, fingerprint, task_id, position, estimated_start, created_at)
    SELECT tenant_id, idempotency_key, decode(asked, 'hex'), id, position, estimated_start,
        %(now)s::timestamptz
    FROM asked WHERE idempotency_key IS NOT NULL
    ON CONFLICT (tenant_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
        task_id = excluded.task_id, position = excluded.position,
        estimated_start = excluded.estimated_start, created_at = excluded.created_at
), job AS (
    SELECT {DEFER_SUBMIT}
    WHERE {NO_SUBMIT_WAITS} AND EXISTS (SELECT FROM asked WHERE status = '{Status.QUEUED}')
)
SELECT ARRAY(SELECT tenant_id FROM standing), (SELECT count(*) FROM job)
"""  # noqa: S608 - made of constants
"""Writes tasks, each with its event, hold, use, idempotency key and submit job, and moves the totals of their
tenants. Returns the tenants whose tasks were written: of the others, the limits or offers changed since the
snapshot, or the totals leave no room (see `accounts.quotas.escrow`).

`tasks` is a JSON array of records with the columns of `asked`; the first task of each model and key has the
use of all, `used_…`, which PostgreSQL would take longer to add up. `standings` has a record of each tenant,
`competing` the groups of models whose tasks wait for the same accounts. The totals are locked in the order
of their tenants, so that batches do not deadlock. Then `videos_offers_now` waits for a change of the offers
under way, and later changes wait for it. `job` is counted because PostgreSQL does not run a SELECT
in a WITH that nothing reads.
"""

CREATE_UNLOCKED = CREATE.replace(_LOCKING, f"{_LOCKING} SKIP LOCKED")
"""As CREATE, without the tenants whose totals are locked."""

READ_COLUMNS = (
    "id",
    "tenant_id",
    "status",
    "model",
    "seconds",
    "not_forwarded",
    "created_at",
    "accepted_at",
    "expected_seconds",
    "done_at",
    "finished_at",
    "frame_size",
    "expires_at",
    "media_removed_at",
    "media_bytes",
    "store_bucket",
    "store_region",
    "bucket_key",
    "failure_code",
    "failure_message",
)
"""The columns of the video object, except the prompt, which is all it shows of the request."""

READ = LookUp(
    Columns(
        {
            "task": [f"task.{name}" for name in READ_COLUMNS],
            "prompt": ["task.request ->> 'prompt'"],
            "queue": queue_position.COLUMNS,
        }
    ),
    """LEFT JOIN videos_task task
    ON task.id = asked.task AND task.tenant_id = tenant.id AND task.hidden_at IS NULL""",
    {"task": "uuid"},
)
"""The keys, each with a task of its tenant that is not deleted, with its queue position if it waits."""
