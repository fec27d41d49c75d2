"""A version of what a tenant's creates are decided by, so that none outlives the limits it was decided by."""

from django.db import migrations, models

FORWARD = """
CREATE OR REPLACE FUNCTION accounts_limits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_standing SET version = version + 1, limits_version = limits_version + 1
    WHERE tenant_id = CASE WHEN TG_TABLE_NAME = 'accounts_tenant'
                           THEN (to_jsonb(NEW) ->> 'id')::uuid
                           ELSE (coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> 'tenant_id')::uuid END;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_apikey_changed AFTER UPDATE ON accounts_apikey FOR EACH ROW
    WHEN ((OLD.revoked_at, OLD.expires_at, OLD.scopes, OLD.allowed_models, OLD.allowed_networks,
           OLD.requests_per_minute, OLD.spend_per_month, OLD.replaced_by_id) IS DISTINCT FROM
          (NEW.revoked_at, NEW.expires_at, NEW.scopes, NEW.allowed_models, NEW.allowed_networks,
           NEW.requests_per_minute, NEW.spend_per_month, NEW.replaced_by_id))
    EXECUTE FUNCTION accounts_limits_changed();
CREATE TRIGGER accounts_cosbucket_changed AFTER INSERT OR UPDATE OR DELETE ON accounts_cosbucket
    FOR EACH ROW EXECUTE FUNCTION accounts_limits_changed();
"""

BACKWARD = """
DROP TRIGGER accounts_cosbucket_changed ON accounts_cosbucket;
DROP TRIGGER accounts_apikey_changed ON accounts_apikey;
CREATE OR REPLACE FUNCTION accounts_limits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_standing SET version = version + 1
    WHERE tenant_id = CASE WHEN TG_TABLE_NAME = 'accounts_tenant'
                           THEN (to_jsonb(NEW) ->> 'id')::uuid
                           ELSE (coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> 'tenant_id')::uuid END;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0013_plain_words")]

    operations = [
        migrations.AddField(
            model_name="standing",
            name="limits_version",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="Incremented when the quota, a key, the bucket, the time zone or a suspension changes.",
                verbose_name="limits version",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
