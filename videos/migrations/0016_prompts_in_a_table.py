"""Moves the index of prompts from the tasks to a table of its own, which a worker fills."""

import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models.functions import Upper

FORWARD = r"""
CREATE FUNCTION videos_prompts(request jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$
DECLARE
    parameters jsonb := request #> '{metadata,ext_info,AdditionalParameters}';
    shots text;
BEGIN
    IF parameters IS NULL THEN
        RETURN coalesce(request ->> 'prompt', '');
    END IF;
    IF jsonb_typeof(parameters) = 'string' THEN
        BEGIN
            parameters := (parameters #>> '{}')::jsonb;
        EXCEPTION WHEN others THEN  -- such as a number that jsonb cannot hold
            parameters := NULL;
        END;
    END IF;
    IF jsonb_typeof(parameters -> 'multi_prompt') = 'array' THEN
        SELECT string_agg(shot ->> 'prompt', E'\n') INTO shots
        FROM jsonb_array_elements(parameters -> 'multi_prompt') AS shot;
    END IF;
    RETURN concat_ws(E'\n', request ->> 'prompt', shots);
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0014_limits_version"), ("videos", "0015_plain_words")]

    operations = [
        migrations.CreateModel(
            name="PromptsIndexed",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PromptText",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="videos.task",
                        verbose_name="task",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tenant",
                        verbose_name="tenant",
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
            ],
            options={"verbose_name": "text of prompts", "verbose_name_plural": "texts of prompts"},
        ),
        migrations.AddIndex(
            model_name="prompttext",
            index=GinIndex("tenant", OpClass(Upper("text"), name="gin_trgm_ops"), name="prompt_text"),
        ),
        migrations.RunSQL(FORWARD, "DROP FUNCTION videos_prompts(jsonb)"),
        migrations.RemoveIndex(model_name="task", name="task_prompt"),
    ]
