"""Make a tenant and its first key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.db.models import EmailField
from django.utils import timezone

from accounts import audit
from accounts.members import invitations
from accounts.models import APIKey, Invitation, Role, Tenant
from accounts.models.tenant import default_time_zone
from accounts.pages import key_changes
from config.texts import is_one_line
from config.web.links import absolute


class Command(BaseCommand):
    help = (
        'Make a tenant with one API key and print {"tenant": …, "key": "…"}, and with --owner'
        ' "invitation": "…", a link for its first owner; key and link are shown only here.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the tenant's name, which must be unique")
        parser.add_argument(
            "--time-zone",
            default=default_time_zone(),
            help="the time zone of its days and months, such as Asia/Shanghai (%(default)s)",
        )
        parser.add_argument("--owner", metavar="EMAIL", help="whom to invite as the first owner")

    def handle(self, *_: Any, name: str, time_zone: str, owner: str | None, **__: Any) -> None:
        tenant = Tenant(name=_one_line(name), time_zone=_one_line(time_zone))
        try:
            tenant.clean_fields()
            address = None if owner is None else _EMAIL.clean(_one_line(owner), None)
            made = _create(tenant, address)
        except ValidationError as error:
            raise CommandError(_joined(error)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a tenant named {tenant.name!r} already.") from error
        self.stdout.write(json.dumps(made))


_EMAIL: EmailField[str, str] = Invitation._meta.get_field("email")


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise CommandError(f"{text!r} must not hold control characters.")
    return text.strip()


def _joined(error: ValidationError) -> str:
    fields = error.message_dict if hasattr(error, "error_dict") else {"owner": error.messages}
    return " ".join(f"{name}: {message}" for name, messages in fields.items() for message in messages)


@transaction.atomic
def _create(tenant: Tenant, owner: str | None) -> dict[str, str]:
    tenant.save(force_insert=True)
    key, text = APIKey.objects.mint(tenant, "first key")
    made = {"tenant": str(tenant.id), "key": text}
    by, now = audit.at_command_line(), timezone.now()
    audit.record_row(by, tenant, ({}, audit.values(tenant, ("name", "time_zone"))), now)
    key_changes.record(key, {}, by, now)
    if owner is not None:
        invitation, secret = invitations.invite(tenant, owner, Role.OWNER, None, now)
        audit.record_row(by, invitation, ({}, {"role": invitation.role}), now)
        made["invitation"] = absolute(invitations.path(secret))
    return made
