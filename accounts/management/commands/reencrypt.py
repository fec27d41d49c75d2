"""Encrypt all secrets with the first of the encryption keys, so that the others can be removed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import audit
from accounts.encryption import encrypted_columns, reencrypt


class Command(BaseCommand):
    help = (
        "Encrypt every secret in the database with the first of ENCRYPTION_KEYS. It is safe beside running"
        " processes, and can be run again after an interruption; docs/keys.md says when."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        turned = [reencrypt(model, name) for model, name in encrypted_columns()]
        for column in turned:
            counts = f"{column.anew} encrypted anew, {column.already} already, {column.unreadable} unreadable"
            self.stdout.write(f"{column.column}: {counts}")
        after = {column.column: column.anew for column in turned if column.anew}
        if after:
            by, secrets = audit.at_command_line(), audit.Subject(audit.About.SECRETS)
            audit.record(by, secrets, "", {}, after, timezone.now())
        if any(column.unreadable for column in turned):
            raise CommandError("Some secrets were encrypted with a key that ENCRYPTION_KEYS does not hold.")
