"""Tasks made before there were prices cost nothing; each gets its entries, its day and its place in the totals."""

from django.db import migrations

FORWARD = """
UPDATE videos_task SET usage_day = (videos_task.created_at AT TIME ZONE tenant.time_zone)::date
    FROM accounts_tenant tenant WHERE tenant.id = tenant_id;
INSERT INTO videos_ledgerentry (tenant_id, task_id, kind, amount, held, at, actor_name, reason)
    SELECT tenant_id, id, 'hold', 0, 0, created_at, '', '' FROM videos_task;
INSERT INTO videos_ledgerentry (tenant_id, task_id, kind, amount, held, at, actor_name, reason)
    SELECT tenant_id, id, CASE status WHEN 'succeeded' THEN 'capture' ELSE 'release' END, 0, 0, finished_at, '', ''
    FROM videos_task WHERE finished_at IS NOT NULL;
INSERT INTO videos_dailyusage (tenant_id, day, model, api_key_id, tasks, completed, failed, seconds, spend)
    SELECT tenant_id, usage_day, model, api_key_id, count(*), count(*) FILTER (WHERE status = 'succeeded'),
           count(*) FILTER (WHERE status IN ('failed', 'cancelled')),
           coalesce(sum(seconds) FILTER (WHERE status NOT IN ('failed', 'cancelled')), 0), 0
    FROM videos_task GROUP BY 1, 2, 3, 4;
UPDATE accounts_standing standing SET open_tasks = open.tasks
    FROM (SELECT tenant_id, count(*) AS tasks FROM videos_task WHERE finished_at IS NULL GROUP BY 1) open
    WHERE open.tenant_id = standing.tenant_id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_standing_follows_its_tenant"),
        ("videos", "0002_money_and_replays"),
    ]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
