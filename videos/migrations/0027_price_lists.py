"""Prices may belong to a price list, and tenants to one; a change of either is a change of the offers."""

import django.db.models.deletion
from django.db import migrations, models


FORWARD = """
CREATE TRIGGER videos_tenantpricelist_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON videos_tenantpricelist FOR EACH STATEMENT EXECUTE FUNCTION videos_offers_changed();
"""
BACKWARD = "DROP TRIGGER videos_tenantpricelist_changed ON videos_tenantpricelist"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0021_recovery_codes'),
        ('videos', '0026_end_of_task_ids'),
    ]

    operations = [
        migrations.CreateModel(
            name='PriceList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('note', models.TextField(blank=True, default='', help_text='For staff: whom it is for, and why.', verbose_name='note')),
            ],
            options={
                'verbose_name': 'price list',
                'verbose_name_plural': 'price lists',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='TenantPriceList',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='price_list', serialize=False, to='accounts.tenant', verbose_name='tenant')),
            ],
            options={
                'verbose_name': 'price list of a tenant',
                'verbose_name_plural': 'price lists of tenants',
            },
        ),
        migrations.AlterModelOptions(
            name='price',
            options={'ordering': ['model', 'price_list', 'on_own_account', 'with_audio', 'with_reference', 'off_peak', '-valid_from'], 'verbose_name': 'price', 'verbose_name_plural': 'prices'},
        ),
        migrations.RemoveConstraint(
            model_name='price',
            name='price_of_options_once_per_moment',
        ),
        migrations.AddField(
            model_name='price',
            name='price_list',
            field=models.ForeignKey(blank=True, help_text='Empty: the default list, for all tenants whose own list has no such price in force.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='prices', to='videos.pricelist', verbose_name='price list'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(condition=models.Q(('price_list__isnull', True)), fields=('model', 'with_audio', 'with_reference', 'off_peak', 'on_own_account', 'valid_from'), name='price_of_options_once_per_moment', violation_error_message="A price of the same list with these options and this start already exists."),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(fields=('price_list', 'model', 'with_audio', 'with_reference', 'off_peak', 'on_own_account', 'valid_from'), name='price_of_list_once_per_moment', violation_error_message="A price of the same list with these options and this start already exists."),
        ),
        migrations.AddField(
            model_name='tenantpricelist',
            name='price_list',
            field=models.ForeignKey(blank=True, help_text='Empty: the default list. It applies to videos created from now on.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tenants', to='videos.pricelist', verbose_name='price list'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
