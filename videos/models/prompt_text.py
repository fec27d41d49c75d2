"""The prompts of tasks for the search, in a table of its own: its index costs more than a task's row."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Cast, Reverse, Upper
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from videos.models.progress import Progress
from videos.models.task import Task

BACKWARDS = Reverse(Cast("task", models.TextField()))
"""The id of a task as text, from its end."""


class PromptText(models.Model):
    """The prompts of a task, also those of its shots. Written by `listing.prompts`."""

    task = models.OneToOneField(
        Task, verbose_name=_("task"), on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    text = models.TextField(verbose_name=_("text"))

    class Meta:
        verbose_name = _("text of prompts")
        verbose_name_plural = _("texts of prompts")
        indexes = [
            # listing/search.py: prompts that contain certain words, of one tenant or of all.
            GinIndex("tenant", OpClass(Upper("text"), name="gin_trgm_ops"), name="prompt_text"),
            # console/search.py: tasks by the end of their id. Here, as creates need not wait for it.
            models.Index(OpClass(BACKWARDS, name="text_pattern_ops"), name="prompt_text_id_end"),
        ]

    def __str__(self) -> str:
        return self.text


class PromptsIndexed(Progress):
    """How far tasks are in `PromptText`."""
