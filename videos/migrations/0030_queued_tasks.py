from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Beside the traffic: tasks are created and submitted meanwhile."""

    atomic = False

    dependencies = [
        ('accounts', '0025_ids_in_capitals'),
        ('videos', '0029_ids_in_capitals'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='task',
            index=models.Index(fields=['-id'], condition=models.Q(('status', 'queued')), name='task_queued'),
        ),
    ]
