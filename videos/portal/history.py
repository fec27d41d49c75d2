"""The history: a tenant's videos, filtered, searched and paged, or as a CSV file."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role
from accounts.pages.key_states import key_name
from accounts.portal.base import TenantPage
from videos.labels import Badge, stage_badge
from videos.listing import history, prompts
from videos.listing.history import AT_WORK, PageCursor, Reading, TaskPage
from videos.models import Task
from videos.models.task import parse_public_id, public_id
from videos.portal.filtering import FilterForm
from videos.portal.history_file import history_file
from videos.portal.video import task_of
from videos.results import files
from videos.states import FINAL, LOST, Status

OLDER, NEWER = "before", "after"
"""Query parameters: the id of the task before or after which the page starts."""
TABS = {"": _("All"), AT_WORK: _("Unfinished"), "completed": _("Completed"), "failed": _("Failed")}
_SIGNS = {Status.SUCCEEDED: "play", Status.FAILED: "lost", Status.CANCELLED: "lost"}
_UNDER_WAY = "waiting"


class HistoryPage(TenantPage):
    """The tenant's videos that it has not deleted, newest first."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}
    section = "videos"
    template_name = "portal/history.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Render the page, or only its rows for an htmx request."""
        form = FilterForm(request.GET, self.tenant)
        page = history.page(self.tenant, form.filters(), turn_from(request.GET))
        context = {"form": form, **rows_of(page, request.GET)}
        if request.headers.get("hx-request"):
            self.template_name = "portal/history_rows.html"
            response = self.render_to_response(context | {"tenant": self.tenant})
        else:
            response = self.render_to_response(self.get_context_data(**context))
        patch_vary_headers(response, ["hx-request"])
        return response


class HistoryFile(TenantPage):
    """The same videos, of all pages, as CSV."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Redirects to the page, which shows what is wrong, if a filter is invalid."""
        form = FilterForm(request.GET, self.tenant)
        if not form.is_valid():
            page = reverse("portal:videos", args=[self.tenant.pk])
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
        filters = form.filters()
        return history_file(Reading(self.tenant, filters), filters.zone)


class PosterPage(TenantPage):
    """The poster frame of a video, as JPEG."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}

    def get(self, request: HttpRequest, task_id: str) -> HttpResponseBase:
        return files.poster_response(task_of(self.tenant, task_id), request)


class PreviewPage(TenantPage):
    """The short preview of a video, as animated WebP."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}

    def get(self, request: HttpRequest, task_id: str) -> HttpResponseBase:
        return files.preview_response(task_of(self.tenant, task_id), request)


def turn_from(query: QueryDict) -> PageCursor:
    """The page that the query names; the newest if it names none or is invalid."""
    newer, older = (parse_public_id(query.get(name, "")) for name in (NEWER, OLDER))
    return PageCursor(newer, is_older=False) if newer else PageCursor(older)


@dataclass(frozen=True)
class Row:
    """A task in the list."""

    task: Task

    @property
    def made_by(self) -> str:
        """Name of the API key the task was created with; empty if unknown."""
        return key_name(self.task.api_key) if self.task.api_key else ""

    @property
    def label(self) -> "str | Promise":
        return self._badge.label

    @property
    def look(self) -> str:
        return self._badge.chip

    @property
    def _badge(self) -> Badge:
        return stage_badge(self.task.status, was_accepted=self.task.accepted_at is not None)

    @property
    def sign(self) -> str:
        """The icon shown if there is no poster."""
        return _SIGNS.get(self.task.state, _UNDER_WAY)

    @property
    def poster(self) -> str:
        """URL of the poster; empty if there is none."""
        if not (self.task.has_poster and self.task.is_readable):
            return ""
        return reverse("portal:poster", args=[self.task.tenant_id, self.task.public_id])

    @property
    def preview(self) -> str:
        """URL of the preview; empty if there is none."""
        if not (self.task.has_preview and self.task.is_readable):
            return ""
        return reverse("portal:preview", args=[self.task.tenant_id, self.task.public_id])

    @property
    def charged(self) -> Decimal | None:
        """What is held or charged for it; None if it was refunded."""
        return None if self.task.state in LOST else self.task.charged


def rows_of(page: TaskPage, query: QueryDict) -> dict[str, Any]:
    """The template context of the list."""
    link = Link(query)
    return {
        "rows": [Row(task) for task in page.tasks],
        "is_live": not query.get("q") and any(task.state not in FINAL for task in page.tasks),
        "searched_to": page.searched_to,
        "search_lacks": prompts.lacking_since(timezone.now()) if query.get("q") else None,
        "older": page.older and link.to(**{OLDER: public_id(page.older)}),
        "newer": page.newer and link.to(**{NEWER: public_id(page.newer)}),
        "newest": link.to(),
        "is_filtered": link.is_filtered,
        "has_any": bool(page.tasks or page.newer or link.is_filtered),
        "tabs": [
            (link.to(status=word), label, word == query.get("status", "")) for word, label in TABS.items()
        ],
        "file_query": link.to(),
    }


class Link:
    """Builds query strings for the same list that keep the filters and drop the page."""

    def __init__(self, query: QueryDict) -> None:
        self._filters = {name: query[name] for name in FilterForm.base_fields if query.get(name)}

    @property
    def is_filtered(self) -> bool:
        return bool(self._filters)

    def to(self, **changes: str) -> str:
        """The query string with changes; empty parameters are left out."""
        parameters = {name: value for name, value in {**self._filters, **changes}.items() if value}
        return f"?{urlencode(parameters)}"
