import accounts.encryption
import django.core.validators
import django.db.models.deletion
import videos.endpoints
import videos.states
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION videos_account_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO videos_accountstate (account_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER videos_upstreamaccount_made AFTER INSERT ON videos_upstreamaccount
    FOR EACH ROW EXECUTE FUNCTION videos_account_made();
INSERT INTO videos_accountstate (account_id) SELECT id FROM videos_upstreamaccount;

CREATE FUNCTION videos_account_mended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE videos_accountstate SET condition = 'working', reason = '', message = '', since = NULL,
        retry_at = NULL, failures = 0, recent = 0, recent_queries = 0, trouble_of = NULL, trial_at = NULL
    WHERE account_id = NEW.id AND condition <> 'working';
    RETURN NULL;
END $$;
CREATE TRIGGER videos_upstreamaccount_mended AFTER UPDATE ON videos_upstreamaccount FOR EACH ROW
    WHEN ((OLD.product, OLD.endpoint, OLD.region, OLD.sub_app_id, OLD.secret_id, OLD.secret_key, OLD.proxy_url)
        IS DISTINCT FROM
        (NEW.product, NEW.endpoint, NEW.region, NEW.sub_app_id, NEW.secret_id, NEW.secret_key, NEW.proxy_url))
    EXECUTE FUNCTION videos_account_mended();

CREATE TRIGGER videos_accountstate_offers AFTER UPDATE ON videos_accountstate FOR EACH ROW
    WHEN ((OLD.condition = 'open') IS DISTINCT FROM (NEW.condition = 'open'))
    EXECUTE FUNCTION videos_offers_changed();
"""
BACKWARD = """
DROP TRIGGER videos_accountstate_offers ON videos_accountstate;
DROP TRIGGER videos_upstreamaccount_mended ON videos_upstreamaccount;
DROP FUNCTION videos_account_mended;
DROP TRIGGER videos_upstreamaccount_made ON videos_upstreamaccount;
DROP FUNCTION videos_account_made;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_only_own_account'),
        ('videos', '0017_offers_are_locked'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountState',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='state', serialize=False, to='videos.upstreamaccount', verbose_name='account')),
                ('condition', models.CharField(choices=[('working', 'Working'), ('paused', 'Paused'), ('open', 'Out of service'), ('trial', 'On trial')], db_default='working', default='working', max_length=10, verbose_name='condition')),
                ('reason', models.CharField(db_default='', default='', help_text="The provider's error code, or the kind of fault.", max_length=100, verbose_name='reason')),
                ('message', models.TextField(db_default='', default='', verbose_name='message')),
                ('since', models.DateTimeField(null=True, verbose_name='since')),
                ('retry_at', models.DateTimeField(help_text='The end of a pause, or the next check.', null=True, verbose_name='next try')),
                ('failures', models.PositiveIntegerField(db_default=0, default=0, help_text='In a row; pauses grow with them.', verbose_name='failures')),
                ('recent', models.PositiveIntegerField(db_default=0, default=0, help_text='A bit for each of the latest creates, set if it got no proper answer.', verbose_name='recent creates')),
                ('recent_queries', models.PositiveIntegerField(db_default=0, default=0, help_text='The same of queries.', verbose_name='recent queries')),
                ('trouble_of', models.UUIDField(help_text='The tenant whose create was the last to fail in a way that the request may cause.', null=True, verbose_name='trouble of')),
                ('trial_at', models.DateTimeField(help_text='When the one task on trial was taken.', null=True, verbose_name='trial began at')),
                ('served', models.FloatField(db_default=0.0, default=0.0, help_text='Tasks taken, each divided by the weight; the account with the least is next.', verbose_name='served')),
                ('checked_at', models.DateTimeField(null=True, verbose_name='checked at')),
                ('check_code', models.CharField(db_default='', default='', help_text='Empty if the connection works; otherwise the error.', max_length=100, verbose_name='result of the check')),
                ('check_message', models.TextField(db_default='', default='', verbose_name='message of the check')),
            ],
            options={
                'verbose_name': 'state of an upstream account',
                'verbose_name_plural': 'states of upstream accounts',
            },
        ),
        migrations.AlterModelOptions(
            name='price',
            options={'ordering': ['model', 'on_own_account', 'with_audio', 'with_reference', 'off_peak', '-valid_from'], 'verbose_name': 'price', 'verbose_name_plural': 'prices'},
        ),
        migrations.RemoveConstraint(
            model_name='price',
            name='price_once_per_moment',
        ),
        migrations.AddField(
            model_name='price',
            name='on_own_account',
            field=models.BooleanField(db_default=False, default=False, help_text="Applies to videos made on the tenant's own upstream account; without one they are free.", verbose_name="on the tenant's own account"),
        ),
        migrations.AddField(
            model_name='task',
            name='on_own_account',
            field=models.BooleanField(db_default=False, default=False, help_text='It may be submitted only to accounts that the tenant owns.', verbose_name="on the tenant's own account"),
        ),
        migrations.AddField(
            model_name='task',
            name='prefers',
            field=models.CharField(db_default='', default='', help_text='The product that carries more of its options; empty if all carry the same.', max_length=10, verbose_name='prefers'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='most_open_tasks',
            field=models.PositiveIntegerField(blank=True, help_text='Tasks that upstream runs at once; empty: no limit. A new VOD account may run 1.', null=True, verbose_name='most tasks at a time'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='The tenant whose tasks alone it takes; empty: the platform, for all tenants.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_accounts', to='accounts.tenant', verbose_name='owner'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='product',
            field=models.CharField(choices=[('mps', 'MPS'), ('vod', 'VOD')], db_default='mps', default='mps', max_length=10, verbose_name='product'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='proxy_url',
            field=accounts.encryption.EncryptedTextField(blank=True, help_text='An HTTP proxy for all calls and downloads, such as http://user:password@proxy:3128.', null=True, validators=[videos.endpoints.validate_proxy], verbose_name='proxy'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='region',
            field=models.CharField(blank=True, db_default='', default='', help_text='Such as ap-guangzhou; usually not needed.', max_length=40, verbose_name='region'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='sub_app_id',
            field=models.BigIntegerField(blank=True, help_text='SubAppId, which VOD needs for accounts opened since December 2023.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='application id'),
        ),
        migrations.AddField(
            model_name='upstreamaccount',
            name='weight',
            field=models.PositiveSmallIntegerField(db_default=1, default=1, help_text='Accounts that can take the same task share such tasks in proportion to their weights.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='weight'),
        ),
        migrations.AlterField(
            model_name='task',
            name='turn',
            field=models.BigIntegerField(default=0, help_text='Its place among all queued tasks; tenants alternate.', verbose_name='turn'),
        ),
        migrations.AlterField(
            model_name='upstreamaccount',
            name='creates_per_second',
            field=models.FloatField(default=9.0, help_text='MPS refuses more than 10, VOD more than 20.', verbose_name='creates a second'),
        ),
        migrations.AlterField(
            model_name='upstreamaccount',
            name='describes_per_second',
            field=models.FloatField(default=36.0, help_text='MPS refuses more than 50, VOD more than 100.', verbose_name='queries a second'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(fields=('model', 'with_audio', 'with_reference', 'off_peak', 'on_own_account', 'valid_from'), name='price_of_options_once_per_moment'),
        ),
        migrations.AddConstraint(
            model_name='upstreamaccount',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='upstream_account_weight_positive'),
        ),
        migrations.AddConstraint(
            model_name='upstreamaccount',
            constraint=models.CheckConstraint(condition=models.Q(('most_open_tasks', None), ('most_open_tasks__gte', 1), _connector='OR'), name='upstream_account_takes_a_task'),
        ),
        migrations.AddConstraint(
            model_name='upstreamaccount',
            constraint=models.CheckConstraint(condition=models.Q(('product__in', ['mps', 'vod'])), name='upstream_account_product_known'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
