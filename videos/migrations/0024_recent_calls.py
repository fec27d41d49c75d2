"""The calls of the last second, in a table without a log, as they are worth nothing after it."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("accounts", "0019_key_pairs"), ("videos", "0023_files")]

    operations = [
        migrations.CreateModel(
            name="RecentCalls",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("action", models.CharField(max_length=40)),
                (
                    "moments",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="recentcalls",
            constraint=models.UniqueConstraint(
                fields=("tenant", "action"), name="recent_calls_of_an_action"
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE videos_recentcalls SET UNLOGGED", "ALTER TABLE videos_recentcalls SET LOGGED"
        ),
    ]
