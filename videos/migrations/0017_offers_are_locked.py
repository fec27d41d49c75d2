"""Lets a change of prices or upstream accounts wait for the creates under way, and creates for the change."""

from django.db import migrations

LOCK = 7_235_419_001
"""The advisory lock: shared by creates, exclusive for a change; the only one with this number."""

FORWARD = f"""
CREATE FUNCTION videos_offers_now() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCK});
    RETURN (SELECT revision FROM videos_offerrevision);
END $$;
CREATE OR REPLACE FUNCTION videos_offers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    INSERT INTO videos_offerrevision (id, revision) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;
"""
BACKWARD = """
CREATE OR REPLACE FUNCTION videos_offers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO videos_offerrevision (id, revision) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;
DROP FUNCTION videos_offers_now();
"""


class Migration(migrations.Migration):

    dependencies = [("videos", "0016_prompts_in_a_table")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
