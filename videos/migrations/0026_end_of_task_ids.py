import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Beside the traffic: the table is written by workers only, and is not locked meanwhile."""

    atomic = False

    dependencies = [
        ('videos', '0025_ledger_words'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='prompttext',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Reverse(django.db.models.functions.comparison.Cast('task', models.TextField())), name='text_pattern_ops'), name='prompt_text_id_end'),
        ),
    ]
