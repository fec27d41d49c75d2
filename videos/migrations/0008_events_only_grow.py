"""Task events only grow until their task is pruned; neither they nor the ledger can be emptied."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION videos_events_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What clients said goes when its time is over, which only happens to tasks that have ended.
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM videos_task WHERE id = OLD.task_id AND pruned_at IS NOT NULL AND finished_at IS NOT NULL
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER videos_taskevent_append_only BEFORE DELETE OR UPDATE ON videos_taskevent
    FOR EACH ROW EXECUTE FUNCTION videos_events_only_grow();
CREATE TRIGGER videos_taskevent_not_emptied BEFORE TRUNCATE ON videos_taskevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_never_changed();
CREATE TRIGGER videos_ledgerentry_not_emptied BEFORE TRUNCATE ON videos_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_never_changed();
"""

BACKWARD = """
DROP TRIGGER videos_ledgerentry_not_emptied ON videos_ledgerentry;
DROP TRIGGER videos_taskevent_not_emptied ON videos_taskevent;
DROP TRIGGER videos_taskevent_append_only ON videos_taskevent;
DROP FUNCTION videos_events_only_grow;
"""


class Migration(migrations.Migration):

    dependencies = [("videos", "0007_pruning"), ("accounts", "0006_audit_log")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
