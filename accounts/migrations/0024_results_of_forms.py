"""What forms made, for all kinds of forms; keys no longer remember theirs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.encryption


class Migration(migrations.Migration):

    dependencies = [("accounts", "0023_one_index_of_tenants")]

    operations = [
        migrations.CreateModel(
            name="FormResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("form_id", models.UUIDField(editable=False, verbose_name="form")),
                ("kind", models.CharField(editable=False, max_length=50, verbose_name="kind")),
                (
                    "digest",
                    models.CharField(
                        editable=False, help_text="Of what was sent.", max_length=64, verbose_name="digest"
                    ),
                ),
                (
                    "result",
                    accounts.encryption.EncryptedTextField(
                        editable=False,
                        help_text="JSON; empty once it is shown no more.",
                        null=True,
                        verbose_name="result",
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False, verbose_name="created at")),
                (
                    "person",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={"verbose_name": "result of a form", "verbose_name_plural": "results of forms"},
        ),
        migrations.AddConstraint(
            model_name="formresult",
            constraint=models.UniqueConstraint(fields=("person", "form_id"), name="form_result_once_per_form"),
        ),
        migrations.RemoveConstraint(model_name="apikey", name="api_key_once_per_form"),
        migrations.RemoveField(model_name="apikey", name="form_id"),
    ]
