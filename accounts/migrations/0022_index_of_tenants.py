from django.db import migrations, models

from config.repeatable import AddIndexConcurrently


class Migration(migrations.Migration):
    """Built beside the traffic, see 0012."""

    atomic = False

    dependencies = [("accounts", "0021_recovery_codes")]

    operations = [
        AddIndexConcurrently("auditentry", models.Index(fields=["tenant", "-id"], name="audit_entry_of_tenant")),
    ]
