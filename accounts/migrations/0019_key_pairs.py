"""Key pairs, which sign requests."""

import django.db.models.deletion
from django.db import migrations, models

import accounts.encryption


class Migration(migrations.Migration):

    dependencies = [("accounts", "0018_checks_by_programs")]

    operations = [
        migrations.CreateModel(
            name="SigningSecret",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="signing_secret",
                        serialize=False,
                        to="accounts.apikey",
                        verbose_name="API key",
                    ),
                ),
                ("secret", accounts.encryption.EncryptedTextField(editable=False, verbose_name="secret key")),
            ],
            options={
                "verbose_name": "secret of a key pair",
                "verbose_name_plural": "secrets of key pairs",
            },
        ),
    ]
