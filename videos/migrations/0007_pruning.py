import videos.states
from django.db import migrations, models

from config.repeatable import AddConstraintNotValid, AddField, AddIndexConcurrently, ValidateConstraint


class Migration(migrations.Migration):
    """Beside the traffic: no table is rewritten, and none is locked while it is read."""

    atomic = False

    dependencies = [
        ('videos', '0006_indexes_of_pages'),
    ]

    operations = [
        AddField(
            model_name='task',
            name='pruned_at',
            field=models.DateTimeField(help_text='When its request and what happened to it were removed, by `manage.py prune`.', null=True, verbose_name='pruned at'),
        ),
        AddConstraintNotValid(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('pruned_at', None), ('status__in', [videos.states.Status['CANCELLED'], videos.states.Status['FAILED'], videos.states.Status['SUCCEEDED']]), _connector='OR'), name='task_pruned_is_final'),
        ),
        ValidateConstraint(model_name='task', name='task_pruned_is_final'),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('finished_at__isnull', False), ('pruned_at', None)), fields=['finished_at'], name='task_to_prune'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('hidden_at__isnull', False), ('pruned_at', None)), fields=['hidden_at'], name='task_deleted_to_prune'),
        ),
    ]
