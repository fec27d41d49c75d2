"""Make a tenant and its first key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from accounts.models import APIKey, Tenant
from accounts.models.tenant import default_time_zone, validate_time_zone


class Command(BaseCommand):
    help = 'Make a tenant with one API key and print {"tenant": …, "key": "…"}; the key is shown only here.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how staff see the tenant; no other may have it")
        parser.add_argument(
            "--time-zone",
            default=default_time_zone(),
            help="whose days and months its limits are counted in, such as Asia/Shanghai (%(default)s)",
        )

    def handle(self, *_: Any, name: str, time_zone: str, **__: Any) -> None:
        try:
            validate_time_zone(time_zone)
            tenant, text = _created(name, time_zone)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a tenant named {name!r} already.") from error
        self.stdout.write(json.dumps({"tenant": str(tenant.id), "key": text}))


@transaction.atomic
def _created(name: str, time_zone: str) -> tuple[Tenant, str]:
    tenant = Tenant.objects.create(name=name, time_zone=time_zone)
    return tenant, APIKey.objects.mint(tenant, "first key")[1]
