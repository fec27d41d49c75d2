"""The secrets of second factors move into a table that keeps them encrypted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.encryption
import accounts.models.authenticator

OLD = "otp_totp_totpdevice"
SAME = "user_id, name, confirmed, created_at, last_used_at, throttling_failure_timestamp, throttling_failure_count, drift, last_t, key"


def move(apps, schema_editor):
    """Encrypt each secret; nothing of it is left where it was."""
    connection = schema_editor.connection
    if OLD not in connection.introspection.table_names():
        return
    Authenticator = apps.get_model("accounts", "Authenticator")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SAME} FROM {OLD} ORDER BY id")
        names = SAME.split(", ")
        Authenticator._base_manager.bulk_create(
            Authenticator(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()
        )
        cursor.execute(f"DROP TABLE {OLD}")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'otp_totp'")


class Migration(migrations.Migration):

    dependencies = [("accounts", "0007_credentials")]

    operations = [
        migrations.CreateModel(
            name="Authenticator",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                ("throttling_failure_timestamp", models.DateTimeField(blank=True, default=None, help_text="A timestamp of the last failed verification attempt. Null if last attempt succeeded.", null=True)),
                ("throttling_failure_count", models.PositiveIntegerField(default=0, help_text="Number of successive failed attempts.")),
                ("created_at", models.DateTimeField(auto_now_add=True, help_text="The date and time when this device was initially created in the system.", null=True)),
                ("last_used_at", models.DateTimeField(blank=True, help_text="The most recent date and time this device was used.", null=True)),
                ("key", accounts.encryption.EncryptedTextField(default=accounts.models.authenticator.new_secret, editable=False, verbose_name="secret")),
                ("drift", models.SmallIntegerField(default=0, help_text="Codes that its clock is ahead of ours.")),
                ("last_t", models.BigIntegerField(default=-1, help_text="The step of the last right code: none works twice")),
                ("user", models.ForeignKey(help_text="The user that this device belongs to.", on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={"verbose_name": "second factor", "verbose_name_plural": "second factors"},
        ),
        migrations.RunPython(move),
    ]
