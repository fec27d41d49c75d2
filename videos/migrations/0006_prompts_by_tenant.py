import django.contrib.postgres.indexes
import django.db.models.fields.json
import django.db.models.functions.text
from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations


class Migration(migrations.Migration):
    """The index of prompts by tenant, too: or words that others use a lot are slow to find in one's own."""

    dependencies = [
        ('videos', '0005_pages'),
    ]

    operations = [
        BtreeGinExtension(),
        migrations.RemoveIndex(
            model_name='task',
            name='task_prompt',
        ),
        migrations.AddIndex(
            model_name='task',
            index=django.contrib.postgres.indexes.GinIndex('tenant', django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper(django.db.models.fields.json.KeyTextTransform('prompt', 'request')), name='gin_trgm_ops'), name='task_prompt'),
        ),
    ]
