"""`manage.py openapi`: writes the OpenAPI document, which web processes serve as it is."""

from typing import Any

from django.core.management.base import BaseCommand

from videos.api.description import DOCUMENT
from videos.openapi import document


class Command(BaseCommand):
    help = f"Write the OpenAPI document into {DOCUMENT.name}, from the routes and the catalogue."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        DOCUMENT.write_text(document.written())
        self.stdout.write(f"{DOCUMENT} is written")
