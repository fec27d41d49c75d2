"""A tenant that moves keeps its days: its earlier time zones, and the day of a moment by all of them."""

import django.contrib.postgres.fields
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION accounts_day_of(moment timestamptz, time_zone text, earlier text[]) RETURNS date
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN cardinality(earlier) = 0 THEN (moment AT TIME ZONE time_zone)::date
    ELSE greatest(
        (moment AT TIME ZONE coalesce(
            (SELECT split_part(one, ' ', 2) FROM unnest(earlier) WITH ORDINALITY AS zones (one, place)
                WHERE moment < split_part(one, ' ', 1)::timestamptz ORDER BY place LIMIT 1),
            time_zone))::date,
        (SELECT max((split_part(one, ' ', 1)::timestamptz AT TIME ZONE split_part(one, ' ', 2))::date)
            FROM unnest(earlier) AS zones (one) WHERE split_part(one, ' ', 1)::timestamptz <= moment)
    ) END
$$;
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0010_made_by")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="earlier_time_zones",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=100),
                blank=True,
                default=list,
                editable=False,
                help_text="Each after the moment until which it counts.",
                size=None,
                verbose_name="earlier time zones",
            ),
        ),
        migrations.RunSQL(FORWARD, "DROP FUNCTION accounts_day_of"),
    ]
