import django.db.models.deletion
from django.db import migrations, models

import accounts.money


class Migration(migrations.Migration):

    dependencies = [("accounts", "0019_key_pairs")]

    operations = [
        migrations.CreateModel(
            name="BalanceAlert",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="balance_alert",
                        serialize=False,
                        to="accounts.tenant",
                        verbose_name="tenant",
                    ),
                ),
                (
                    "level",
                    accounts.money.MoneyField(
                        help_text="The owners are told once the balance is below.", verbose_name="level"
                    ),
                ),
                (
                    "told_at",
                    models.DateTimeField(
                        help_text="When they were told; empty again once the balance is above the level.",
                        null=True,
                        verbose_name="told at",
                    ),
                ),
            ],
            options={
                "verbose_name": "balance alert",
                "verbose_name_plural": "balance alerts",
            },
        ),
    ]
