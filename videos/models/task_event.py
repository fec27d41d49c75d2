"""The events of tasks."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from videos.labels import verb_label
from videos.models.task import Task
from videos.states import Verb

COMMON_VERBS = (Verb.CREATE, Verb.CLAIM, Verb.ACCEPTED, Verb.PROGRESSED, Verb.PRODUCED, Verb.SUCCEED)
"""Events that nearly every task has."""


class TaskEvent(models.Model):
    """An event of a task, written in the transaction of the change it records; never changed."""

    task = models.ForeignKey(Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(verbose_name=_("at"))
    verb = models.CharField(
        verbose_name=_("what happened"),
        max_length=30,
        help_text=_("What happened: the name of the verb in `lifecycle`."),
    )
    status = models.CharField(verbose_name=_("status"), max_length=12, help_text=_("The status after it."))
    detail: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        verbose_name=_("detail"),
        default=dict,
        help_text=_("Details for staff, without secrets or keys."),
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]
        indexes = [
            # console: events in a range of days, newest first.
            models.Index(fields=["at", "id"], name="task_event_at"),
            # console: latest events of the rare kinds, which a scan from the newest could take long to find.
            models.Index(fields=["verb", "-id"], condition=~Q(verb__in=COMMON_VERBS), name="task_event_rare"),
        ]

    def __str__(self) -> str:
        return f"{verb_label(self.verb)} {timezone.localtime(self.at):%Y-%m-%d %H:%M:%S}"
