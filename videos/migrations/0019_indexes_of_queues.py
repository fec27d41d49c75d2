import videos.states
from django.db import migrations, models

from config.repeatable import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    """Beside the traffic: no table is rewritten, and none is locked while it is read."""

    atomic = False

    dependencies = [
        ('videos', '0018_several_accounts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('on_own_account', False), ('status', videos.states.Status['QUEUED'])), fields=['model', 'turn', 'id'], name='task_shared_queue'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('on_own_account', False), ('status', videos.states.Status['QUEUED'])), fields=['tenant', 'turn'], name='task_shared_turn'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('on_own_account', False), ('status', videos.states.Status['QUEUED'])), fields=['prefers', 'model', 'turn', 'id'], name='task_to_submit'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('on_own_account', True), ('status', videos.states.Status['QUEUED'])), fields=['tenant', 'prefers', 'model', 'id'], name='task_to_submit_own'),
        ),
        RemoveIndexConcurrently(
            model_name='task',
            name='task_queue',
        ),
        RemoveIndexConcurrently(
            model_name='task',
            name='task_tenant_turn',
        ),
    ]
