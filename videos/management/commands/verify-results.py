"""Compare the rows of finished videos with the objects in the store."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.stores.base import StoreError
from videos.results import verification
from videos.results.verification import Difference, Kind


class Command(BaseCommand):
    help = (
        "Compare the rows of finished videos with the objects in the store, and say what is missing,"
        " different or orphaned; exit with 1 if anything is. Deletes nothing unless told to."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="only videos made since (UTC)")
        parser.add_argument("--buckets", action="store_true", help="look into the tenants' buckets, too")
        parser.add_argument("--delete-orphans", action="store_true", help="delete the objects of no task")

    def handle(self, *_: Any, since: datetime | None, buckets: bool, delete_orphans: bool, **__: Any) -> None:
        left = 0
        try:
            for difference in verification.differences(since, timezone.now()):
                left += self._told(difference, is_deleted=delete_orphans)
            for difference in verification.in_buckets(since) if buckets else ():
                left += self._told(difference, is_deleted=False)
        except StoreError as error:
            raise CommandError(f"The store cannot be read: {error}") from error
        if left:
            raise CommandError(f"{left:,} of rows and objects do not agree")
        self.stdout.write("rows and objects agree")

    def _told(self, difference: Difference, *, is_deleted: bool) -> int:
        """Report it, and delete an orphan if told so; 1 if it is still there."""
        gone = verification.delete([difference]) if is_deleted and difference.kind is Kind.ORPHANED else 0
        self.stdout.write(f"{difference}{', deleted' if gone else ''}")
        return 1 - gone


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-11-28") from error
