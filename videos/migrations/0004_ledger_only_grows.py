"""The ledger only grows, and every change of what is on offer shows in its revision."""

from django.db import migrations, models

FORWARD = """
CREATE TRIGGER videos_ledgerentry_append_only BEFORE DELETE OR UPDATE ON videos_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION accounts_append_only();

CREATE FUNCTION videos_offers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO videos_offerrevision (id, revision) VALUES (1, gen_random_uuid())
        ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;
INSERT INTO videos_offerrevision (id, revision) VALUES (1, gen_random_uuid());
CREATE TRIGGER videos_price_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON videos_price
    FOR EACH STATEMENT EXECUTE FUNCTION videos_offers_changed();
CREATE TRIGGER videos_upstreamaccount_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON videos_upstreamaccount FOR EACH STATEMENT EXECUTE FUNCTION videos_offers_changed();
"""

BACKWARD = """
DROP TRIGGER videos_upstreamaccount_changed ON videos_upstreamaccount;
DROP TRIGGER videos_price_changed ON videos_price;
DROP FUNCTION videos_offers_changed;
DELETE FROM videos_offerrevision;
DROP TRIGGER videos_ledgerentry_append_only ON videos_ledgerentry;
"""


class Migration(migrations.Migration):

    dependencies = [("videos", "0003_ledger_of_old_tasks")]

    operations = [
        migrations.AlterField(
            model_name="task",
            name="usage_day",
            field=models.DateField(help_text="The tenant's own date when it was made; its use counts there."),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
