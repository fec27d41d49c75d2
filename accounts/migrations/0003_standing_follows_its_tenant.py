"""Every tenant has its running totals, and a change of what admission depends on shows in their version."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION accounts_open_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_standing (tenant_id, version, open_tasks, waiting_tasks, balance, held,
                                   day_seconds, day_spend, month_seconds, month_spend)
    VALUES (NEW.id, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_tenant_opens_standing AFTER INSERT ON accounts_tenant
    FOR EACH ROW EXECUTE FUNCTION accounts_open_standing();
INSERT INTO accounts_standing (tenant_id, version, open_tasks, waiting_tasks, balance, held,
                               day_seconds, day_spend, month_seconds, month_spend)
    SELECT id, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM accounts_tenant;

-- Admission reads the limits before it holds the lock; a version that moved on tells it to read them again.
CREATE FUNCTION accounts_limits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_standing SET version = version + 1
    WHERE tenant_id = CASE WHEN TG_TABLE_NAME = 'accounts_tenant'
                           THEN (to_jsonb(NEW) ->> 'id')::uuid
                           ELSE (coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> 'tenant_id')::uuid END;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_tenant_changed AFTER UPDATE OF suspended_at, time_zone ON accounts_tenant
    FOR EACH ROW EXECUTE FUNCTION accounts_limits_changed();
CREATE TRIGGER accounts_quota_changed AFTER INSERT OR UPDATE OR DELETE ON accounts_quota
    FOR EACH ROW EXECUTE FUNCTION accounts_limits_changed();

CREATE FUNCTION accounts_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A person's account may go, with the reference to it; their name stays.
    IF TG_OP = 'UPDATE' AND OLD.actor_id IS NOT NULL AND NEW.actor_id IS NULL
        AND to_jsonb(NEW) - 'actor_id' = to_jsonb(OLD) - 'actor_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER accounts_staffchange_append_only BEFORE DELETE OR UPDATE ON accounts_staffchange
    FOR EACH ROW EXECUTE FUNCTION accounts_append_only();
"""

BACKWARD = """
DROP TRIGGER accounts_staffchange_append_only ON accounts_staffchange;
DROP FUNCTION accounts_append_only;
DROP TRIGGER accounts_quota_changed ON accounts_quota;
DROP TRIGGER accounts_tenant_changed ON accounts_tenant;
DROP FUNCTION accounts_limits_changed;
DROP TRIGGER accounts_tenant_opens_standing ON accounts_tenant;
DROP FUNCTION accounts_open_standing;
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0002_tenants_and_money")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
