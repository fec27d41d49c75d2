"""Write the search table of prompts anew."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from videos.listing import prompts
from videos.models import PromptText


class Command(BaseCommand):
    help = (
        "Write the search table of prompts anew, which the worker keeps up to date by itself. It is safe to "
        "run at any time, and to interrupt: the worker continues."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        prompts.rebuild(timezone.now())
        self.stdout.write(f"{PromptText.objects.count():,} prompts can be searched")
