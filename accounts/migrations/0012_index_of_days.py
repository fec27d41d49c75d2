from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Built beside the traffic: on a full table it takes its time, and it may not hold up what people change."""

    atomic = False

    dependencies = [("accounts", "0011_moving_days")]

    operations = [
        AddIndexConcurrently("auditentry", models.Index(fields=["at", "id"], name="audit_entry_at")),
    ]
