from django.db import migrations

PLACES_OF_ANSWERS = """
UPDATE videos_idempotencykey
SET position = (answer::jsonb #>> '{metadata,queue,position}')::int,
    estimated_start = to_timestamp((answer::jsonb #>> '{metadata,queue,estimated_start}')::float)
WHERE answer LIKE '%"queue":{%'
"""
# Open tasks, none of which is hidden: said so, the index of open tasks finds them.
DESTINATIONS_OF_PAYLOADS = """
UPDATE videos_task
SET store_bucket = payload #>> '{StoreCosParam,CosBucketName}',
    store_region = payload #>> '{StoreCosParam,CosBucketRegion}',
    store_path = coalesce(payload #>> '{StoreCosParam,CosBucketPath}', '')
WHERE status IN ('waiting', 'queued', 'submitting', 'in_doubt', 'running', 'storing') 
    AND hidden_at IS NULL AND payload ? 'StoreCosParam'
"""


class Migration(migrations.Migration):
    """Apart from 0011, so that no lock on the tables is held while rows are updated."""

    dependencies = [
        ('videos', '0011_submissions_choose_accounts'),
    ]

    operations = [
        migrations.RunSQL(PLACES_OF_ANSWERS, migrations.RunSQL.noop),
        migrations.RunSQL(DESTINATIONS_OF_PAYLOADS, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name='idempotencykey',
            name='answer',
        ),
    ]
