from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models.functions import Upper

from config.repeatable import AddField, AddIndexConcurrently, RemoveIndexConcurrently, TrigramExtension


class Migration(migrations.Migration):
    """Built beside the traffic, see 0012. Entries that exist stay without a row: the log cannot be changed."""

    atomic = False

    dependencies = [("accounts", "0025_ids_in_capitals")]

    operations = [
        TrigramExtension(),
        AddField(
            "auditentry",
            "row_model",
            models.CharField(
                verbose_name="model of the row",
                max_length=60,
                db_default="",
                help_text="Of the row whose history the entry is in, such as accounts.tenant; empty if there is none.",
            ),
        ),
        AddField(
            "auditentry",
            "row_key",
            models.CharField(
                verbose_name="key of the row", max_length=40, db_default="", help_text="The primary key of that row."
            ),
        ),
        AddIndexConcurrently(
            "auditentry", models.Index(fields=["row_model", "row_key", "-id"], name="audit_entry_of_row")
        ),
        AddIndexConcurrently(
            "auditentry",
            models.Index(
                fields=["subject", "-id"], name="audit_entry_of_name", condition=models.Q(row_model="")
            ),
        ),
        AddIndexConcurrently(
            "auditentry", GinIndex(OpClass(Upper("subject"), name="gin_trgm_ops"), name="audit_entry_subject", fastupdate=False)
        ),
        AddIndexConcurrently(
            "auditentry",
            GinIndex(OpClass(Upper("actor_name"), name="gin_trgm_ops"), name="audit_entry_actor", fastupdate=False),
        ),
        RemoveIndexConcurrently("auditentry", "audit_entry_of_subject"),
    ]
