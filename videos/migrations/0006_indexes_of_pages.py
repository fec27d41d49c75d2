import django.contrib.postgres.indexes
import django.db.models.fields.json
import django.db.models.functions.text
import videos.states
from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Built beside the traffic: on a full table each takes its time, and none may hold up a create."""

    atomic = False

    dependencies = [
        ('videos', '0005_pages'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('kind__in', ['hold', 'capture']), _negated=True), fields=['kind', '-id'], name='ledger_rare'),
        ),
        AddIndexConcurrently(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('task', None)), fields=['tenant', '-id'], name='ledger_by_people'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(fields=['model', '-id'], name='task_of_model'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('attention', ''), _negated=True), fields=['id'], name='task_attention'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(fields=['account', '-id'], name='task_of_account'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('status__in', [videos.states.Status['FAILED'], videos.states.Status['CANCELLED']])), fields=['status', '-id'], name='task_ended_badly'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('failure_code', ''), _negated=True), fields=['failure_code', '-id'], name='task_failed_for'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('finished_at__isnull', False)), fields=['finished_at'], name='task_ended'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=django.contrib.postgres.indexes.GinIndex(models.F('tenant'), django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper(django.db.models.fields.json.KeyTextTransform('prompt', 'request')), name='gin_trgm_ops'), name='task_prompt'),
        ),
        AddIndexConcurrently(
            model_name='taskevent',
            index=models.Index(condition=models.Q(('verb__in', ('create', 'claim', 'accepted', 'progressed', 'produced', 'succeed')), _negated=True), fields=['verb', '-id'], name='task_event_rare'),
        ),
    ]
