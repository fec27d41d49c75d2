"""Make a tenant and its first key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, invitations
from accounts.links import absolute
from accounts.models import APIKey, Role, Tenant
from accounts.models.api_key import RECORDED
from accounts.models.tenant import default_time_zone, validate_time_zone


class Command(BaseCommand):
    help = (
        'Make a tenant with one API key and print {"tenant": …, "key": "…"}, and with --owner'
        ' "invitation": "…", a link for its first owner; key and link are shown only here.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how staff see the tenant; no other may have it")
        parser.add_argument(
            "--time-zone",
            default=default_time_zone(),
            help="whose days and months its limits are counted in, such as Asia/Shanghai (%(default)s)",
        )

        parser.add_argument("--owner", metavar="EMAIL", help="whom to invite as the first owner")

    def handle(self, *_: Any, name: str, time_zone: str, owner: str | None, **__: Any) -> None:
        try:
            validate_time_zone(time_zone)
            if owner is not None:
                validate_email(owner)
            made = _made(name, time_zone, owner)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a tenant named {name!r} already.") from error
        self.stdout.write(json.dumps(made))


@transaction.atomic
def _made(name: str, time_zone: str, owner: str | None) -> dict[str, str]:
    tenant = Tenant.objects.create(name=name, time_zone=time_zone)
    key, text = APIKey.objects.mint(tenant, "first key")
    made = {"tenant": str(tenant.id), "key": text}
    by, now = audit.at_command_line(), timezone.now()
    audit.record_row(by, tenant, ({}, audit.values(tenant, ("name", "time_zone"))), now)
    audit.record_row(by, key, ({}, audit.values(key, RECORDED)), now)
    if owner is not None:
        invitation, secret = invitations.invite(tenant, owner, Role.OWNER, None, now)
        audit.record_row(by, invitation, ({}, {"role": invitation.role}), now)
        made["invitation"] = absolute(invitations.path(secret))
    return made
