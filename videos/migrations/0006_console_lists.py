from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('videos', '0005_pages'),
    ]

    operations = [
        # A day is found by halving, which needs no index of moments.
        migrations.RemoveIndex(model_name='ledgerentry', name='ledger_day'),
        migrations.RemoveIndex(model_name='taskevent', name='task_event_day'),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('kind__in', ['hold', 'capture']), _negated=True), fields=['kind', '-id'], name='ledger_rare'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['account', '-id'], name='task_of_account'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status__in', ['failed', 'cancelled'])), fields=['status', '-id'], name='task_ended_badly'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('failure_code', ''), _negated=True), fields=['failure_code', '-id'], name='task_failed_for'),
        ),
    ]
