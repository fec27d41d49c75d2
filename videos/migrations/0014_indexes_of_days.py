from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Built beside the traffic: on a full table each takes its time, and none may hold up a create."""

    atomic = False

    dependencies = [("videos", "0013_turns_over_all_accounts")]

    operations = [
        AddIndexConcurrently("ledgerentry", models.Index(fields=["at", "id"], name="ledger_at")),
        AddIndexConcurrently("taskevent", models.Index(fields=["at", "id"], name="task_event_at")),
    ]
