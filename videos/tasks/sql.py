"""The statements of the two hot paths, creating a task and reading its status, written by hand.

Everything else goes through the ORM. They are prepared once a connection (`config.db.prepared`), which is why
each value has its type beside it, and kept under psycopg's limits of 4,096 characters and 50 values, above
which it would read the text anew each time.
"""

from accounts.models.api_key import found_with
from accounts.quotas.in_force import FIELDS
from accounts.quotas.standing import COLUMNS
from videos.estimates.queue_position import UNLIMITED
from videos.queueing import DEFER_SUBMIT, NO_SUBMIT_WAITS
from videos.states import Status, Verb

_STANDING = ", ".join(f"standing.{name}" for name in COLUMNS)
_QUOTA = ", ".join(f"quota.{name}" for name in FIELDS)

_SEEN = f"""
    {_STANDING}, quota.tenant_id IS NOT NULL, {_QUOTA},
    minute.tasks, minute.since,
    replay.fingerprint, replay.answer,
    bucket.bucket, bucket.region, bucket.path_prefix,
    (SELECT revision FROM videos_offerrevision)"""  # noqa: S608 - made of the names of columns
_BESIDE = """JOIN accounts_standing standing ON standing.tenant_id = tenant.id
LEFT JOIN accounts_quota quota ON quota.tenant_id = tenant.id
CROSS JOIN LATERAL (SELECT CASE WHEN quota.tenant_id IS NULL THEN %(default_rate)s::bigint
    ELSE quota.requests_per_minute END AS per_minute) rate
CROSS JOIN LATERAL (SELECT count(*) AS tasks, min(created_at) AS since FROM (
    SELECT created_at FROM videos_task WHERE rate.per_minute > 0 AND tenant_id = tenant.id
        AND id >= %(minute_ago)s::uuid ORDER BY id DESC LIMIT rate.per_minute) latest) minute
LEFT JOIN videos_idempotencykey replay ON replay.tenant_id = tenant.id
    AND replay.key = %(idempotency_key)s::text AND replay.created_at > %(replayable_since)s::timestamptz
LEFT JOIN accounts_cosbucket bucket ON bucket.tenant_id = tenant.id"""

LOOK = found_with(_SEEN, _BESIDE)
"""The key, and all that is decided by, in one snapshot: totals and limits of the tenant, its tasks of the
last minute, the answer given under the idempotency key, its bucket, and the revision of what is on offer.
"""

FURTHER = """
WITH RECURSIVE key AS (
    SELECT id, replaced_by_id FROM accounts_apikey WHERE id = %(key)s::bigint
    UNION SELECT other.id, other.replaced_by_id FROM key JOIN accounts_apikey other
        ON other.replaced_by_id = key.id OR other.id = key.replaced_by_id
)
SELECT day.seconds, day.spend, month.seconds, month.spend,
    minute.tasks, minute.since,
    (SELECT coalesce(sum(spend), 0) FROM videos_dailyusage WHERE tenant_id = %(tenant)s::uuid
        AND day >= %(month)s::date AND day < %(month)s::date + interval '1 month'
        AND api_key_id IN (SELECT id FROM key)),
    ARRAY(SELECT id FROM videos_task WHERE api_key_id = %(key)s::bigint
        AND id >= %(retried_since)s::uuid AND fingerprint = %(fingerprint)s::bytea LIMIT 2),
    (SELECT at FROM videos_refusedcreate
        WHERE api_key_id = %(key)s::bigint AND fingerprint = %(fingerprint)s::bytea),
    replay.fingerprint, replay.answer
FROM
    (SELECT coalesce(sum(seconds), 0)::bigint AS seconds, coalesce(sum(spend), 0) AS spend
        FROM videos_dailyusage WHERE tenant_id = %(tenant)s::uuid AND day = %(day)s::date) day,
    (SELECT coalesce(sum(seconds), 0)::bigint AS seconds, coalesce(sum(spend), 0) AS spend
        FROM videos_dailyusage WHERE tenant_id = %(tenant)s::uuid
            AND day >= %(month)s::date AND day < %(month)s::date + interval '1 month') month,
    (SELECT count(*) AS tasks, min(created_at) AS since FROM (
        SELECT latest.created_at FROM key CROSS JOIN LATERAL (SELECT id, created_at FROM videos_task
            WHERE api_key_id = key.id AND id >= %(minute_ago)s::uuid
            ORDER BY id DESC LIMIT %(key_rate)s::bigint) latest
        ORDER BY latest.id DESC LIMIT %(key_rate)s::bigint) lately) minute
LEFT JOIN videos_idempotencykey replay ON replay.tenant_id = %(tenant)s::uuid
    AND replay.key = %(idempotency_key)s::text AND replay.created_at > %(replayable_since)s::timestamptz
"""
"""What only some creates need: the totals of a day and a month that have just begun, the use of a key with
limits (and of those it replaced, or was replaced by), and the tasks an SDK's retry may mean.
"""

LOOK_AGAIN = found_with(f"{_SEEN}, further.*", f"{_BESIDE}\nCROSS JOIN LATERAL ({FURTHER}) further")
"""Both at once, for the look under the lock: a create never takes more than six statements."""

NEXT_TURN = f"""coalesce(
            (SELECT turn + 1 FROM videos_task WHERE account_id = %(account)s::bigint
                AND tenant_id = %(tenant)s::uuid AND status = '{Status.QUEUED}' ORDER BY turn DESC LIMIT 1),
            (SELECT turn FROM videos_task WHERE account_id = %(account)s::bigint
                AND status = '{Status.QUEUED}' AND due_at <= %(now)s::timestamptz ORDER BY turn LIMIT 1), 0)
"""  # noqa: S608 - likewise
"""Tenants take turns: a tenant's next task comes a round after its last one that waits.

A tenant with none waiting joins the round being served, whatever others have queued.
"""

CREATE = f"""
WITH standing AS (
    UPDATE accounts_standing SET version = %(version)s::bigint,
        open_tasks = %(open_tasks)s::int, waiting_tasks = %(waiting_tasks)s::int,
        balance = %(balance)s::numeric, held = %(held)s::numeric,
        day = %(day)s::date, day_seconds = %(day_seconds)s::bigint, day_spend = %(day_spend)s::numeric,
        month = %(month)s::date, month_seconds = %(month_seconds)s::bigint,
        month_spend = %(month_spend)s::numeric
    WHERE tenant_id = %(tenant)s::uuid AND version = %(version)s::bigint - 1
    RETURNING tenant_id
), task AS (
    INSERT INTO videos_task (id, tenant_id, api_key_id, account_id, status, model, seconds, request, payload,
        not_forwarded, price, usage_day, fingerprint, created_at, due_at, turn, attempts, upstream_status,
        result_link, media_name, frame_size, failure_code, failure_message, attention)
    SELECT %(task)s::uuid, tenant_id, %(key)s::bigint, %(account)s::bigint, %(status)s::text, %(model)s::text,
        %(seconds)s::int, %(request)s::jsonb, %(payload)s::jsonb, %(not_forwarded)s::text[],
        %(price)s::numeric, %(day)s::date, %(fingerprint)s::bytea, %(now)s::timestamptz, %(now)s::timestamptz,
        {NEXT_TURN}, 0, '', '', '', '', '', '', ''
    FROM standing RETURNING id, tenant_id
), event AS (
    INSERT INTO videos_taskevent (task_id, at, verb, status, detail)
    SELECT id, %(now)s::timestamptz, '{Verb.CREATE}', %(status)s::text, %(told)s::jsonb FROM task
), hold AS (
    INSERT INTO videos_ledgerentry (tenant_id, task_id, kind, amount, held, at, actor_name, reason)
    SELECT tenant_id, id, 'hold', -%(price)s::numeric, %(price)s::numeric, %(now)s::timestamptz, '', ''
    FROM task
), usage AS (
    INSERT INTO videos_dailyusage AS known
        (tenant_id, day, model, api_key_id, tasks, completed, failed, seconds, spend)
    SELECT tenant_id, %(day)s::date, %(model)s::text, %(key)s::bigint, 1, 0, 0, %(seconds)s::bigint,
        %(price)s::numeric FROM task
    ON CONFLICT (tenant_id, day, model, api_key_id) DO UPDATE SET tasks = known.tasks + 1,
        seconds = known.seconds + excluded.seconds, spend = known.spend + excluded.spend
), replay AS (
    INSERT INTO videos_idempotencykey (tenant_id, key, fingerprint, task_id, answer, created_at)
    SELECT tenant_id, %(idempotency_key)s::text, %(asked)s::bytea, id, %(answer)s::text,
        %(now)s::timestamptz FROM task WHERE %(idempotency_key)s::text IS NOT NULL
    ON CONFLICT (tenant_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
        task_id = excluded.task_id, answer = excluded.answer, created_at = excluded.created_at
), job AS (
    SELECT {DEFER_SUBMIT} FROM task WHERE %(status)s::text = '{Status.QUEUED}' AND {NO_SUBMIT_WAITS}
)
SELECT (SELECT count(*) FROM task), (SELECT count(*) FROM job)
"""  # noqa: S608 - made of the constants above
"""A task with its event, its hold, its use, its idempotency key and a job, and the totals with them.

Nothing at all, and 0, where the totals are no longer those that were decided by. `job` is counted because a
query that nobody reads is not run.
"""

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
    "failure_code",
    "failure_message",
)
"""What the video object is made of, but for the prompt, which is all that it shows of the request."""

_WAITS = f"task.status = '{Status.WAITING}'"
READ = found_with(
    columns=f"""
    {", ".join(f"task.{name}" for name in READ_COLUMNS)}, task.request ->> 'prompt',
    CASE WHEN {_WAITS} THEN (SELECT count(*) FROM videos_task ahead WHERE ahead.tenant_id = tenant.id
        AND ahead.status = '{Status.WAITING}' AND ahead.id <= task.id) END,
    CASE WHEN {_WAITS} THEN
        (SELECT coalesce(concurrent_tasks, {UNLIMITED}) FROM accounts_quota quota
            WHERE quota.tenant_id = tenant.id) END,
    CASE WHEN {_WAITS} THEN
        (SELECT usual FROM videos_generationstat known WHERE known.model = task.model) END""",  # noqa: S608 - likewise
    joins="""LEFT JOIN videos_task task
    ON task.id = %(task)s::uuid AND task.tenant_id = tenant.id AND task.hidden_at IS NULL""",
)
"""The key, and a task of its tenant that was not deleted; one that waits, with its position and what tells
when it may start.
"""
