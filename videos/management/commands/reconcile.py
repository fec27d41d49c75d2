"""Check that running totals, ledger and usage agree with the tasks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from accounts.models import Tenant
from config.texts import is_one_line
from videos.billing import reconciliation


class Command(BaseCommand):
    help = "Check that running totals, ledger and daily usage agree with the tasks; exit with 1 if not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="NAME", help="check only this tenant")

    def handle(self, *_: Any, tenant: str | None, **__: Any) -> None:
        proof = reconciliation.prove(None if tenant is None else _find_tenant(tenant))
        for difference in proof.differences:
            self.stdout.write(str(difference))
        checked = f"{_counted(proof.entries, 'entr', 'y,ies')}, {_counted(proof.tenants, 'tenant')}"
        if proof.differences:
            raise CommandError(f"{checked}: {_counted(len(proof.differences), 'difference')}")
        self.stdout.write(f"{checked}: everything agrees")


def _find_tenant(name: str) -> Tenant:
    tenant = Tenant.objects.filter(name=name).first() if is_one_line(name) else None
    if tenant is None:
        raise CommandError(f"There is no tenant named {name!r}.")
    return tenant


def _counted(number: int, noun: str, endings: str = "s") -> str:
    return f"{number:,} {noun}{pluralize(number, endings)}"
