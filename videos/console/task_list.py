"""The list of tasks in the staff console."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import BigIntegerField, CharField, Q, QuerySet, UUIDField
from django.db.models.functions import Left
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin, UncountedChangeList
from accounts.models import Tenant
from accounts.templatetags.amounts import money
from config.console.filters import ChoiceFilter, DaysOfId
from config.db.any_of import OF_ONE_TENANT, is_any_of, of_one
from config.ids import made_at
from config.web.badges import WARN, chip, clipped
from videos import catalogue, labels
from videos.console.task_page import TaskPages
from videos.listing import prompts
from videos.listing.order import ListOrder
from videos.listing.search import LONGEST_SEARCH, PROMPTS, Search
from videos.metrics import buckets
from videos.metrics.buckets import Span
from videos.models import Task, UpstreamAccount
from videos.models.task import parse_public_id
from videos.states import LOST, Status
from videos.tasks.failures import FailureCode, label_for

LISTED = (
    "status",
    "model",
    "seconds",
    "price",
    "has_poster",
    "expires_at",
    "media_removed_at",
    "media_bytes",
    "bucket_key",
    "pruned_at",
    "created_at",
    "finished_at",
    "failure_code",
    "attention",
    "tenant__name",
    "account__name",
)
"""The columns of a task that the list reads."""
PROMPT_SHOWN = 100
"""Characters of a prompt in the list."""
ENDED_WITHIN: dict[Span, labels.Label] = {
    Span.DAY: _("in the last 24 hours"),
    Span.WEEK: _("in the last 7 days"),
    Span.MONTH: _("in the last 30 days"),
}
"""The spans of the dashboard's counts."""
MOST_FOUND = 200
"""Latest matches that a search in prompts shows; the date filter and other filters reach older ones."""


class StatusFilter(ChoiceFilter):
    """Filters by status."""

    title = _("status")
    parameter_name = column = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(status.value, labels.status_label(status)) for status in Status]


class ModelFilter(ChoiceFilter):
    """Filters by model."""

    title = _("model")
    parameter_name = column = "model"
    indexed_as = CharField()

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(spec.name, spec.name) for spec in catalogue.MODELS]


class AccountFilter(ChoiceFilter):
    """Filters by upstream account."""

    title = _("upstream account")
    parameter_name = "account"
    column = "account_id"
    indexed_as = BigIntegerField()

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return list(UpstreamAccount.objects.order_by("name").values_list("pk", "name"))


class FailureFilter(ChoiceFilter):
    """Filters by failure code."""

    title = _("failure code")
    parameter_name = column = "failure_code"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(code.value, label_for(code)) for code in FailureCode]


class AttentionFilter(ChoiceFilter):
    """Filters for tasks that need attention."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [("needed", _("Needs attention"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.exclude(attention="")


class EndedFilter(ChoiceFilter):
    """Filters for tasks that ended within a span of the dashboard, by the same whole hours as its counts."""

    title = _("end")
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [(span.value, label) for span, label in ENDED_WITHIN.items()]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        zone = timezone.get_current_timezone()
        return queryset.filter(finished_at__gte=buckets.counted_from(Span(value), timezone.now(), zone))


class TaskList(UncountedChangeList):
    """Reads only the columns that the list shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Task] = super().get_queryset(request, exclude_parameters)
        shown: QuerySet[Any] = rows.only(*LISTED).annotate(prompt_shown=Left(PROMPTS, PROMPT_SHOWN))
        return shown


@admin.register(Task)
class TaskAdmin(TaskPages, ReadOnlyAdmin[Task]):
    """The list of tasks, read-only; `TaskPages` creates and changes tasks through `videos.tasks`."""

    list_per_page = 25  # each with a picture and two lines
    list_display = ["summary", "outcome", "tenant_name", "cost", "age", "account_name"]
    file_columns = (
        "video",
        "state",
        "note",
        "tenant",
        "model",
        "prompt",
        "created_at",
        "finished_at",
        "account",
    )
    list_filter = [
        StatusFilter,
        ModelFilter,
        TenantFilter,
        AccountFilter,
        AttentionFilter,
        FailureFilter,
        EndedFilter,
        ("created_at", DaysOfId),
    ]
    search_fields = ["id"]
    search_help_text = _("Task ID, provider's task ID, exact tenant name, or words in the prompt")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """With tenant and account, without the account's secret key."""
        rows = super().get_queryset(request).select_related("tenant", "account")
        return rows.defer("account__secret_key", "account__proxy_url")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TaskList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        if not search_term.strip():
            return queryset, False
        tasks, vars(request)["searched_to"] = found(queryset, search_term.strip())
        vars(request)["search_lacks"] = prompts.lacking_since(timezone.now())
        return tasks, False

    @admin.display(description=_("task"))
    def summary(self, task: Task) -> SafeString:
        """Poster, prompt, model, length and id."""
        has_poster = task.has_poster and task.is_readable
        poster = reverse("admin:videos_task_poster", args=[task.pk]) if has_poster else ""
        return render_to_string(
            "console/task_cell.html", {"task": task, "poster": poster, "prompt": _told(task)}
        )

    @admin.display(description=_("status"))
    def outcome(self, task: Task) -> SafeString:
        """The state, and below it why the task needs attention or failed."""
        return format_html('<div class="outcome">{}{}</div>', self.state(task), self.note(task) or "")

    @admin.display(description=_("tenant"))
    def tenant_name(self, task: Task) -> SafeString | None:
        return clipped(task.tenant.name, is_brief=True)

    @admin.display(description=_("cost"))
    def cost(self, task: Task) -> SafeString | None:
        return None if task.state in LOST else money(task.price)

    @admin.display(description=_("age"))
    def age(self, task: Task) -> SafeString:
        """The time since the task was created, with the moment as a tooltip."""
        moment = timezone.localtime(task.created_at)
        ago = timesince(task.created_at, depth=1)
        return format_html(
            '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S}", ago
        )

    @admin.display(description=_("upstream account"))
    def account_name(self, task: Task) -> SafeString | None:
        return clipped(task.account.name, is_brief=True) if task.account else None

    @admin.display(description=_("task"))
    def video(self, task: Task) -> SafeString | None:
        return clipped(task.public_id)

    @admin.display(description=_("status"))
    def state(self, task: Task) -> SafeString:
        return labels.chip_of(task.status)

    @admin.display(description=_("prompt"))
    def prompt(self, task: Any) -> SafeString | None:
        return clipped(_told(task))

    @admin.display(description=_("note"))
    def note(self, task: Task) -> SafeString | None:
        """Why the task needs attention, or why it failed."""
        if task.attention:
            return format_html(
                "{} {}", chip(_("Needs attention"), WARN), clipped(task.attention_label, is_brief=True)
            )
        return clipped(str(label_for(task.failure_code)), is_brief=True)


def _told(task: Any) -> str:
    """The beginning of the prompt, or of the shots' prompts."""
    text = task.prompt_shown or ""
    return f"{text}…" if len(text) == PROMPT_SHOWN else text


_OF_ONE = (OF_ONE_TENANT, of_one(ModelFilter.column), of_one(AccountFilter.column))
"""The orders of the filters' indexes, in which words are searched, too."""
Reading = Callable[[QuerySet[Task], str], QuerySet[Task] | None]


def found(tasks: QuerySet[Task], text: str) -> tuple[QuerySet[Task], datetime | None]:
    """Tasks by public id, else by upstream id, exact tenant name, or words in the prompt.

    A search for words stops after `MOST_FOUND` matches or a bounded number of tasks. The second value is then
    the creation time of the oldest task it covers; None if the search is complete.
    """
    readings: tuple[Reading, ...] = (_of_public_id, _of_upstream_id, _of_tenant)
    for reading in readings:
        matching = reading(tasks, text)
        if matching is not None:
            return matching, None
    return _with_words(tasks, text)


def _of_public_id(tasks: QuerySet[Task], text: str) -> QuerySet[Task] | None:
    task_id = parse_public_id(text.lower())
    return None if task_id is None else tasks.filter(pk=task_id)


def _of_upstream_id(tasks: QuerySet[Task], text: str) -> QuerySet[Task] | None:
    """Constrains the account too, because the index on upstream ids starts with it."""
    accounts = UpstreamAccount.objects.values("pk")
    ids = list(Task.objects.filter(account__in=accounts, upstream_task_id=text).values_list("pk", flat=True))
    return tasks.filter(pk__in=ids) if ids else None


def _of_tenant(tasks: QuerySet[Task], text: str) -> QuerySet[Task] | None:
    tenant = Tenant.objects.filter(name__iexact=text).first()
    if tenant is None:
        return None
    return tasks.filter(is_any_of("tenant", [tenant.pk], UUIDField())).order_by(*OF_ONE_TENANT)


def _with_words(tasks: QuerySet[Task], text: str) -> tuple[QuerySet[Task], datetime | None]:
    order = tasks.query.order_by
    by = str(order[0]) if order in _OF_ONE else ""
    seen = Search(text[:LONGEST_SEARCH], None, tasks, Q(), ListOrder(None, newest_first=True, by=by)).first(
        MOST_FOUND + 1
    )
    latest = sorted(seen.ids, reverse=True)
    is_cut = len(latest) > MOST_FOUND
    ended_at = latest[MOST_FOUND - 1] if is_cut else seen.ended_at
    rows = tasks.filter(pk__in=latest[:MOST_FOUND])
    return rows, None if ended_at is None else made_at(ended_at)
