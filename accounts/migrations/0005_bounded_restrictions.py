import accounts.networks
import django.contrib.postgres.fields
import django.contrib.postgres.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_people'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apikey',
            name='allowed_models',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, default=list, help_text='Names of models, such as Kling-3.0-720p, separated by commas; empty: every model.', size=None, validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(100)], verbose_name='allowed models'),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='allowed_networks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50, validators=[accounts.networks.validate_network]), blank=True, default=list, help_text='Networks it may be used from, such as 203.0.113.0/24, separated by commas; empty: any.', size=None, validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(100)], verbose_name='allowed networks'),
        ),
    ]
