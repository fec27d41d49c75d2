"""What happened to tasks, in the staff console."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet, TextField, UUIDField
from django.db.models.functions import Cast, Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin, UncountedChangeList
from config.console.filters import ChoiceFilter, DaysOfWriting, moments_asked_for
from config.db.any_of import OF_ONE_TENANT, is_any_of
from config.ids import first_uuid7
from config.web.badges import clipped
from videos import labels
from videos.models import Task, TaskEvent
from videos.models.task import parse_public_id, public_id

LATEST_TASKS = 2000
"""Of a tenant, the events of its latest tasks are listed; days before that bring those of earlier ones."""

DETAIL_SHOWN = 500
"""Characters of what else is known of an event, in the list and its file; its page has all of it."""


class VerbFilter(ChoiceFilter):
    """By what happened."""

    title = _("what happened")
    parameter_name = column = "verb"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        """All that can."""
        return list(labels.VERBS.items())


class TenantOfTaskFilter(TenantFilter):
    """By the tenant of the task: the events of its latest tasks, until the last day asked for."""

    def rows_of(self, tenants: list[Any], queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of tasks that are looked up first: an event does not know its tenant."""
        tasks = Task.objects.filter(is_any_of("tenant", tenants, UUIDField()), **self._made_before())
        latest = tasks.order_by(*(OF_ONE_TENANT if len(tenants) == 1 else ["-pk"])).values_list(
            "pk", flat=True
        )[:LATEST_TASKS]
        return queryset.filter(task__in=list(latest))

    def _made_before(self) -> dict[str, Any]:
        _, end = moments_asked_for(self.request)
        return {} if end is None else {"pk__lt": first_uuid7(end)}


class EventList(UncountedChangeList):
    """Reads what the list shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """The rows, with the start of what else is known."""
        rows: QuerySet[TaskEvent] = super().get_queryset(request, exclude_parameters)
        start = Left(Cast("detail", TextField()), DETAIL_SHOWN)
        shown: QuerySet[Any] = rows.defer("detail").annotate(detail_shown=start)
        return shown


@admin.register(TaskEvent)
class TaskEventAdmin(ReadOnlyAdmin[TaskEvent]):
    """Events, to look at; they are written with the changes they tell of."""

    list_display = ["at", "what", "state", "video", "tenant", "told"]
    list_filter = [("at", DaysOfWriting), VerbFilter, TenantOfTaskFilter]
    search_fields = ["task__id"]
    search_help_text = _("Task id")
    fields = ["at", "what", "state", "video", "tenant", "detail"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskEvent]:
        """With the tenant's name, and of the task no more."""
        events = super().get_queryset(request).select_related("task__tenant")
        return events.only("at", "verb", "status", "detail", "task__tenant__name")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """One that reads what it shows."""
        return EventList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TaskEvent], search_term: str
    ) -> tuple[QuerySet[TaskEvent], bool]:
        """The events of the task of that id."""
        task_id = parse_public_id(search_term.strip().lower())
        found = queryset.none() if task_id is None else queryset.filter(task=task_id)
        return (found if search_term.strip() else queryset), False

    @admin.display(description=_("what happened"))
    def what(self, event: TaskEvent) -> str:
        """What happened, in words."""
        return str(labels.verb_label(event.verb))

    @admin.display(description=_("status"))
    def state(self, event: TaskEvent) -> SafeString:
        """The status after it."""
        return labels.chip_of(event.status)

    @admin.display(description=_("task"))
    def video(self, event: TaskEvent) -> SafeString:
        """The task, which the link leads to."""
        page = reverse("admin:videos_task_change", args=[event.task_id])
        return format_html('<a class="accent clip" href="{}">{}</a>', page, public_id(event.task_id))

    @admin.display(description=_("tenant"))
    def tenant(self, event: TaskEvent) -> str:
        """Whose task it is."""
        return event.task.tenant.name

    @admin.display(description=_("detail"))
    def told(self, event: Any) -> SafeString | None:
        """What else is known of it, in short."""
        text = event.detail_shown
        return clipped("" if text == "{}" else f"{text}…" if len(text) == DETAIL_SHOWN else text)
