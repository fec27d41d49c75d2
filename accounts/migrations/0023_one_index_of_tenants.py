import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of 0022 also finds the entries of a tenant in no order, so that the column needs none alone."""

    dependencies = [("accounts", "0022_index_of_tenants")]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.tenant",
                verbose_name="tenant",
            ),
        ),
    ]
