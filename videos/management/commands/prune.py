"""Remove the requests of tasks past their retention period, and of videos that tenants deleted."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.template.defaultfilters import pluralize
from django.utils import timezone

from videos.tasks import pruning
from videos.tasks.pruning import Pruned


class Command(BaseCommand):
    help = (
        "Remove request, payload and events of tasks that ended more than TASK_RETENTION_DAYS ago, and of "
        "videos that tenants deleted. It is safe to run at any time, and to interrupt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")

    def handle(self, *_: Any, dry_run: bool, **__: Any) -> None:
        now = timezone.now()
        outlived = pruning.past_retention(now, settings.TASK_RETENTION_DAYS)
        for name, tasks in {"deleted": pruning.deleted(), _ended(): outlived}.items():
            pruned = pruning.would_prune(tasks) if dry_run else pruning.total(pruning.prune(tasks, now))
            self.stdout.write(f"{name}: {_counts(pruned)}{' would be removed' if dry_run else ' removed'}")


def _ended() -> str:
    days = settings.TASK_RETENTION_DAYS
    return (
        f"ended {days:,} day{pluralize(days)} ago" if days > 0 else "ended (TASK_RETENTION_DAYS is not set)"
    )


def _counts(pruned: Pruned) -> str:
    counts = {"request": pruned.tasks, "event": pruned.events}
    return ", ".join(f"{number:,} {noun}{pluralize(number)}" for noun, number in counts.items())
