"""Changes by people become the audit log, which nothing in the database changes or empties."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
DROP TRIGGER accounts_staffchange_append_only ON accounts_auditentry;
CREATE FUNCTION accounts_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER accounts_auditentry_append_only BEFORE DELETE OR UPDATE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_never_changed();
CREATE TRIGGER accounts_auditentry_not_emptied BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_never_changed();
"""

BACKWARD = """
DROP TRIGGER accounts_auditentry_not_emptied ON accounts_auditentry;
DROP TRIGGER accounts_auditentry_append_only ON accounts_auditentry;
DROP FUNCTION accounts_never_changed;
CREATE TRIGGER accounts_staffchange_append_only BEFORE DELETE OR UPDATE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_append_only();
"""

# The columns change while the trigger is away, and what portal and command gave as a reason becomes the place.
PAUSE = "ALTER TABLE accounts_staffchange DISABLE TRIGGER accounts_staffchange_append_only"
MOVE = """
UPDATE accounts_auditentry SET place = 'portal', reason = '' WHERE reason = 'in the tenant portal';
UPDATE accounts_auditentry SET reason = '' WHERE reason = 'in the staff console';
"""


def rename_permissions(apps, schema_editor):
    """Who was granted to see the changes sees the log."""
    permissions = apps.get_model("auth", "Permission").objects
    for permission in permissions.filter(content_type__app_label="accounts", codename__endswith="_staffchange"):
        permission.codename = permission.codename.replace("staffchange", "auditentry")
        permission.save(update_fields=["codename"])


class Migration(migrations.Migration):

    dependencies = [("accounts", "0005_bounded_restrictions"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunSQL(PAUSE, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="staffchange", name="staff_change_has_reason"),
        migrations.RenameModel(old_name="StaffChange", new_name="AuditEntry"),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-id"], "verbose_name": "audit entry", "verbose_name_plural": "audit log"},
        ),
        migrations.AddField(
            model_name="auditentry",
            name="address",
            field=models.GenericIPAddressField(null=True, verbose_name="address"),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="place",
            field=models.CharField(
                choices=[
                    ("console", "staff console"),
                    ("portal", "tenant portal"),
                    ("own pages", "own account"),
                    ("command line", "command line"),
                ],
                default="console",
                max_length=20,
                verbose_name="place",
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="reason",
            field=models.TextField(help_text="Empty where none is asked for.", verbose_name="reason"),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["subject", "-id"], name="audit_entry_of_subject"),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("actor_name", ""), _negated=True), name="audit_entry_has_actor"
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("place__in", ["console", "portal", "own pages", "command line"])),
                name="audit_entry_place_known",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AlterModelOptions(
            name="membership",
            options={
                "permissions": [("appoint_owner", "Can make somebody an owner")],
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
            },
        ),
    ]
