"""The workers' jobs in the staff console."""

import json
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from accounts.console.lists import ReadOnlyAdmin, ReadOnlyInline
from config.console.filters import ChoiceFilter, DayRangeFilter
from config.web.badges import BAD, BUSY, GOOD, NEUTRAL, chip, clipped
from videos.labels import Badge
from videos.queueing import Job

STATES: dict[str, Badge] = {
    "todo": Badge(_("Waiting"), NEUTRAL),
    "doing": Badge(_("Running"), BUSY),
    "succeeded": Badge(_("Done"), GOOD),
    "failed": Badge(_("Failed"), BAD),
    "cancelled": Badge(_("Cancelled"), NEUTRAL),
    "aborted": Badge(_("Aborted"), BAD),
}
"""Procrastinate's job statuses. Jobs that succeeded are deleted."""
EVENTS = {
    "deferred": _("Queued"),
    "started": _("Started"),
    "deferred_for_retry": _("Queued again"),
    "failed": _("Failed"),
    "succeeded": _("Done"),
    "cancelled": _("Cancelled"),
    "abort_requested": _("Abort requested"),
    "aborted": _("Aborted"),
    "scheduled": _("Scheduled"),
    "retried": _("Queued again by hand"),
}
"""Procrastinate's job event types."""

admin.site.unregister(ProcrastinateJob)  # its own admin does not use the theme and counts all rows

# Translated names. `makemigrations` does not see them, as it reads `_meta.original_attrs`.
ProcrastinateJob._meta.verbose_name = _("job")
ProcrastinateJob._meta.verbose_name_plural = _("jobs")
ProcrastinateEvent._meta.verbose_name = _("event of a job")
for _field, _label in (("id", _("ID")), ("priority", _("priority")), ("lock", _("lock"))):
    ProcrastinateJob._meta.get_field(_field).verbose_name = _label  # type: ignore[union-attr]  # no relation
ProcrastinateEvent._meta.get_field("at").verbose_name = _("at")
apps.get_app_config("procrastinate").verbose_name = _("Operation")


class QueueFilter(ChoiceFilter):
    """Filters by queue."""

    title = _("queue")
    parameter_name, column = "queue", "queue_name"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(job.value, job.value) for job in Job]


class JobStateFilter(ChoiceFilter):
    """Filters by status."""

    title = _("status")
    parameter_name = column = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(name, look.label) for name, look in STATES.items()]


class JobEventInline(ReadOnlyInline[ProcrastinateEvent, ProcrastinateJob]):
    """The events of a job."""

    model = ProcrastinateEvent
    verbose_name = verbose_name_plural = _("events")
    fields = ("at", "what")
    readonly_fields = fields
    ordering = ["pk"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("procrastinate.view_procrastinatejob")

    @admin.display(description=_("what happened"))
    def what(self, event: ProcrastinateEvent) -> str:
        return str(EVENTS.get(event.type, event.type))


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin[ProcrastinateJob]):
    """Jobs, read-only. Staff need not retry any: workers find due tasks again even if a job failed."""

    list_display = ("id", "task", "state", "queue", "arguments", "tries", "queued_at", "due")
    # The date filter needs a datetime field of the model, but filters by the annotation `at`, the time of
    # queueing. No index is needed: jobs that succeeded are deleted, so there are few.
    list_filter = [("scheduled_at", DayRangeFilter), QueueFilter, JobStateFilter]
    fields = ("id", "task", "state", "queue", "arguments", "tries", "queued_at", "due", "priority", "lock")
    inlines = [JobEventInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcrastinateJob]:
        events = ProcrastinateEvent.objects.filter(job=OuterRef("pk")).order_by("pk")
        return super().get_queryset(request).annotate(at=Subquery(events.values("at")[:1]))

    @admin.display(description=_("job"))
    def task(self, job: ProcrastinateJob) -> str:
        return job.task_name

    @admin.display(description=_("status"))
    def state(self, job: ProcrastinateJob) -> SafeString:
        return chip(*STATES.get(job.status, Badge(job.status, NEUTRAL)))

    @admin.display(description=_("queue"))
    def queue(self, job: ProcrastinateJob) -> str:
        return job.queue_name

    @admin.display(description=_("arguments"))
    def arguments(self, job: ProcrastinateJob) -> SafeString | None:
        return clipped(json.dumps(job.args))

    @admin.display(description=_("attempts"))
    def tries(self, job: ProcrastinateJob) -> int:
        return job.attempts

    @admin.display(description=_("queued at"))
    def queued_at(self, job: Any) -> str | None:
        return _moment(job.at)

    @admin.display(description=_("scheduled at"))
    def due(self, job: ProcrastinateJob) -> str | None:
        """When it is scheduled to run; None means at once."""
        return _moment(job.scheduled_at)


def _moment(moment: datetime | None) -> str | None:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else None
