"""The list of task events in the staff console."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet, TextField, UUIDField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin, UncountedChangeList
from config.console.filters import ChoiceFilter, DaysOfWriting, moments_asked_for
from config.db.any_of import OF_ONE_TENANT, is_any_of
from config.ids import first_uuid7
from config.web.badges import clipped
from videos import labels
from videos.console.task_links import task_link
from videos.models import Task, TaskEvent
from videos.models.task import parse_public_id, public_id
from videos.pages.timeline import IN_WORDS, why

LATEST_TASKS = 2000
"""For one tenant only events of its latest tasks are listed; an earlier last day reaches earlier tasks."""

DETAIL_SHOWN = 500
"""Characters of a part of an event's detail in the list and its CSV file; the event's page has all of it."""


class VerbFilter(ChoiceFilter):
    """Filters by verb."""

    title = _("what happened")
    parameter_name = column = "verb"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return list(labels.VERBS.items())


class TenantOfTaskFilter(TenantFilter):
    """Filters by tenant: events of its latest tasks created before the end of the date filter."""

    def rows_of(self, tenants: list[Any], queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Looks the tasks up first, because an event has no tenant column."""
        tasks = Task.objects.filter(is_any_of("tenant", tenants, UUIDField()), **self._made_before())
        latest = tasks.order_by(*(OF_ONE_TENANT if len(tenants) == 1 else ["-pk"])).values_list(
            "pk", flat=True
        )[:LATEST_TASKS]
        return queryset.filter(task__in=list(latest))

    def _made_before(self) -> dict[str, Any]:
        _, end = moments_asked_for(self.request)
        return {} if end is None else {"pk__lt": first_uuid7(end)}


class EventList(UncountedChangeList):
    """Reads only the columns that the list shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[TaskEvent] = super().get_queryset(request, exclude_parameters)
        parts = {f"detail_{name}": _begin_of(KeyTextTransform(name, "detail")) for name in IN_WORDS}
        shown: QuerySet[Any] = rows.defer("detail").annotate(detail_shown=_begin_of("detail"), **parts)
        return shown


def _begin_of(text: Any) -> Left:
    return Left(Cast(text, TextField()), DETAIL_SHOWN)


@admin.register(TaskEvent)
class TaskEventAdmin(ReadOnlyAdmin[TaskEvent]):
    """Task events, read-only; they are written with the changes that they record."""

    list_display = ["at", "what", "state", "video", "tenant", "told"]
    list_filter = [("at", DaysOfWriting), VerbFilter, TenantOfTaskFilter]
    exported: ClassVar = {"video": lambda event: public_id(event.task_id)}
    search_fields = ["task__id"]
    search_help_text = _("Task ID")
    fields = ["at", "what", "state", "video", "tenant", "detail"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskEvent]:
        events = super().get_queryset(request).select_related("task__tenant")
        return events.only("at", "verb", "status", "detail", "task__tenant__name")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TaskEvent], search_term: str
    ) -> tuple[QuerySet[TaskEvent], bool]:
        task_id = parse_public_id(search_term.strip().lower())
        found = queryset.none() if task_id is None else queryset.filter(task=task_id)
        return (found if search_term.strip() else queryset), False

    @admin.display(description=_("what happened"))
    def what(self, event: TaskEvent) -> str:
        return str(labels.verb_label(event.verb))

    @admin.display(description=_("status"))
    def state(self, event: TaskEvent) -> SafeString:
        return labels.chip_of(event.status)

    @admin.display(description=_("task"))
    def video(self, event: TaskEvent) -> SafeString:
        return task_link(event.task_id)

    @admin.display(description=_("tenant"))
    def tenant(self, event: TaskEvent) -> str:
        return event.task.tenant.name

    @admin.display(description=_("detail"))
    def told(self, event: Any) -> SafeString | None:
        """Why it happened, in words; without such words the beginning of the whole detail."""
        words = why({name: getattr(event, f"detail_{name}") for name in IN_WORDS})
        text = words or event.detail_shown
        return clipped("" if text == "{}" else f"{text}…" if len(text) == DETAIL_SHOWN else text)
