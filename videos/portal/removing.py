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
from videos.portal.video import task_of
from videos.tasks import deletion


class RemovePage(TenantPage):
    """Asks for confirmation, then cancels or deletes the video."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    section = "videos"
    template_name = "portal/remove.html"

    def get(self, request: HttpRequest, task_id: str) -> HttpResponse:
        task = task_of(self.tenant, task_id)
        waits = task.state in deletion.CANCELLABLE
        return self.render_to_response(self.get_context_data(task=task, waits=waits))

    def post(self, request: HttpRequest, task_id: str) -> HttpResponse:
        find = partial(task_of, self.tenant, task_id)
        try:
            task = deletion.remove(find, timezone.now(), by=self.person.get_username())
        except VideoInProgress:
            messages.error(request, _("The video is in progress; it can be deleted after it ends."))
            return HttpResponseRedirect(reverse("portal:video", args=[self.tenant.pk, task_id]))
        if task.hidden_at is None:
            messages.success(request, _("Cancelled. The held amount was refunded."))
            return HttpResponseRedirect(reverse("portal:video", args=[self.tenant.pk, task_id]))
        messages.success(request, _("Deleted."))
        return HttpResponseRedirect(reverse("portal:videos", args=[self.tenant.pk]))
