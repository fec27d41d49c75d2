"""Make a tenant and its first key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from accounts.models import APIKey, Tenant


class Command(BaseCommand):
    help = 'Make a tenant with one API key and print {"tenant": …, "key": "…"}; the key is shown only here.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how staff see the tenant; no other may have it")

    def handle(self, *_: Any, name: str, **__: Any) -> None:
        try:
            with transaction.atomic():
                tenant = Tenant.objects.create(name=name)
                text = APIKey.objects.mint(tenant, "first key")[1]
        except IntegrityError as error:
            raise CommandError(f"There is a tenant named {name!r} already.") from error
        self.stdout.write(json.dumps({"tenant": str(tenant.id), "key": text}))
