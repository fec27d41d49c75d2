import videos.states
from django.db import migrations, models

from config.repeatable import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint


class Migration(migrations.Migration):
    """Beside the traffic: no table is rewritten, and none is locked while it is read."""

    atomic = False

    dependencies = [
        ('videos', '0012_keep_places_and_destinations'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('status', videos.states.Status['QUEUED'])), fields=['model', 'turn', 'id'], name='task_queue'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('status', videos.states.Status['QUEUED'])), fields=['tenant', 'turn'], name='task_tenant_turn'),
        ),
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(condition=models.Q(('account__isnull', False)), fields=['account', '-id'], name='task_of_account'),
        ),
        AddConstraintNotValid(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('account__isnull', False), ('status__in', [videos.states.Status['CANCELLED'], videos.states.Status['QUEUED'], videos.states.Status['WAITING']]), _connector='OR'), name='task_submitted_has_account'),
        ),
        ValidateConstraint(model_name='task', name='task_submitted_has_account'),
    ]
