"""A check of a bucket holds until the bucket changes; its credentials are a key pair or a role."""

from django.db import migrations, models

# The secret key is encrypted anew by `reencrypt`, which says so: the key itself stays the same.
FORWARD = """
CREATE FUNCTION accounts_cosbucket_unmark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.checked_at := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_cosbucket_unmarked BEFORE UPDATE ON accounts_cosbucket FOR EACH ROW
    WHEN (OLD.checked_at IS NOT NULL
          AND ((OLD.bucket, OLD.region, OLD.path_prefix, OLD.secret_id, OLD.role_arn) IS DISTINCT FROM
               (NEW.bucket, NEW.region, NEW.path_prefix, NEW.secret_id, NEW.role_arn)
               OR (OLD.secret_key IS DISTINCT FROM NEW.secret_key
                   AND current_setting('reelay.reencrypts', true) IS DISTINCT FROM 'on')))
    EXECUTE FUNCTION accounts_cosbucket_unmark();
"""
BACKWARD = """
DROP TRIGGER accounts_cosbucket_unmarked ON accounts_cosbucket;
DROP FUNCTION accounts_cosbucket_unmark();
"""


class Migration(migrations.Migration):

    dependencies = [("accounts", "0016_custody")]

    operations = [
        migrations.AddConstraint(
            model_name="cosbucket",
            constraint=models.CheckConstraint(
                condition=models.Q(("secret_id", ""), ("role_arn", ""), _connector="OR"),
                name="cos_bucket_pair_or_role",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
