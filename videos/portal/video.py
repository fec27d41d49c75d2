"""The page of a video: player, cost, timeline, and the request to repeat it."""

import json
from datetime import datetime
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, Tenant
from accounts.portal.base import TenantPage
from videos.composer.summary import asked_for
from videos.labels import stage_badge
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS, WITH_PROMPT
from videos.pages import timeline
from videos.pages.commands import curl
from videos.pages.task_status import facts
from videos.tasks import deletion


class VideoPage(TenantPage):
    """A task as its tenant sees it."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}
    section = "videos"
    template_name = "portal/video.html"

    def get(self, request: HttpRequest, task_id: str) -> HttpResponse:
        """Render the page; with `part=live`, only the part that changes while the task is open."""
        is_part, now = request.GET.get("part") == "live", timezone.now()
        task = task_of(self.tenant, task_id, with_request=not is_part)
        context = live(task, now) | self._pictures(task)
        if is_part:
            self.template_name = "portal/live.html"
            is_news = request.GET.get("seen") != context["seen"]
            return self.render_to_response(context | {"is_news": is_news, "may_work": self.may(Role.MEMBER)})
        return self.render_to_response(self.get_context_data(**context, **self._rest(task)))

    def _pictures(self, task: Task) -> dict[str, str]:
        place = [self.tenant.pk, task.public_id]
        return {
            "poster": reverse("portal:poster", args=place) if task.has_poster else "",
            "preview": reverse("portal:preview", args=place) if task.has_preview else "",
        }

    def _rest(self, task: Task) -> dict[str, Any]:
        return {
            **asked_for(task.request),
            "body": json.dumps(task.request, ensure_ascii=False, indent=2),
            "curl": curl(task.request, self.request),
        }


def task_of(tenant: Tenant, public_id: str, *, with_request: bool = False) -> Task:
    """The tenant's task of that id. Raises `Http404` if it is deleted, unknown or another tenant's."""
    mine = Task.objects.visible_to(tenant.pk).select_related("api_key", "account")
    unread = {*REQUEST_COLUMNS, "account__secret_key", "account__proxy_url", "api_key__digest"} - (
        {"request"} if with_request else set()
    )
    try:
        return mine.defer(*unread).annotate(**WITH_PROMPT).by_public_id(public_id)
    except Task.DoesNotExist as error:
        raise Http404 from error


def live(task: Task, now: datetime) -> dict[str, Any]:
    """Template context of the part that changes while the task is open, for its tenant."""
    events = timeline.events_for_tenant(task)
    look = stage_badge(task.status, was_accepted=task.accepted_at is not None)
    return {
        **facts(task, events, now),
        "removal": deletion.removal_of(task),
        "stage_label": look.label,
        "stage_chip": look.chip,
        "timeline": timeline.timeline_for_tenant(events.rows),
    }
