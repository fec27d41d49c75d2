"""Cancelling or deleting a video in the portal, after a confirmation."""

from functools import partial
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Role
from accounts.portal.base import TenantPage
from videos.errors import VideoInProgress
from videos.labels import stage_badge
from videos.models import Task
from videos.portal.video import task_of
from videos.tasks import deletion
from videos.tasks.deletion import OtherRemoval, Removal

WANTED = "wanted"
"""The field that says which removal the page was about."""


class RemovePage(TenantPage):
    """Asks for confirmation, then does what it asked about, or nothing if the video has changed meanwhile."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    section = "videos"
    template_name = "portal/remove.html"

    def get(self, request: HttpRequest, task_id: str) -> HttpResponse:
        task = task_of(self.tenant, task_id)
        removal = deletion.removal_of(task)
        if removal is None:
            return self._in_progress(task_id)
        shown = {"task": task, "removal": removal, "cancels": removal is Removal.CANCEL}
        return self.render_to_response(self.get_context_data(**shown))

    def post(self, request: HttpRequest, task_id: str) -> HttpResponse:
        try:
            task = self._removed(task_id)
        except VideoInProgress:
            return self._in_progress(task_id)
        except OtherRemoval as refusal:
            status = _stage(refusal.task)
            messages.info(request, _("Nothing was done: the video's status is “%s” by now.") % status)
            return self._video(task_id)
        if task.hidden_at is None:
            messages.success(request, _("Cancelled. The held amount was refunded."))
            return self._video(task_id)
        messages.success(request, _("Deleted."))
        return HttpResponseRedirect(reverse("portal:videos", args=[self.tenant.pk]))

    def _removed(self, task_id: str) -> Task:
        """The task, removed in the way that the form was about."""
        wanted = frozenset(one for one in Removal if one == self.request.POST.get(WANTED))
        find = partial(task_of, self.tenant, task_id)
        return deletion.remove(find, timezone.now(), self.person.get_username(), wanted)

    def _in_progress(self, task_id: str) -> HttpResponse:
        messages.error(self.request, _("The video is in progress; it can be deleted after it ends."))
        return self._video(task_id)

    def _video(self, task_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("portal:video", args=[self.tenant.pk, task_id]))


def _stage(task: Task) -> str:
    return str(stage_badge(task.status, was_accepted=task.accepted_at is not None).label)
