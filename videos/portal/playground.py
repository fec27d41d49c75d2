"""The playground: creating a video with a form."""

from contextlib import suppress
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from accounts.models import APIKey, Purpose, Role
from accounts.portal.base import TenantPage
from videos.composer.pages import Composer, Judged, Rendering, leads_to
from videos.composer.rerun import body_again
from videos.files.serving import picture_response
from videos.models import Task
from videos.tasks.manual import Requester


class PlaygroundPage(TenantPage):
    """The video form and its submission."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    section = "playground"
    template_name = "portal/playground.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a new form; `from` fills it in from one of the tenant's tasks."""
        composer = Composer.fresh(self._start(request), self.tenant, timezone.now())
        return self._render(composer, Rendering(judged=Judged.NONE))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redraw a part of the form, or create the task."""
        composer = Composer.sent(request, self._key, timezone.now())
        outcome = composer.submitted(request, Requester(self.person, "portal"))
        if isinstance(outcome, Rendering):
            return self._render(composer, outcome)
        return leads_to(reverse("portal:video", args=[self.tenant.pk, outcome.public_id]), composer)

    @property
    def _key(self) -> APIKey:
        return APIKey.objects.of_people(self.tenant, Purpose.PORTAL)

    def _start(self, request: HttpRequest) -> dict[str, Any]:
        """The request of the task in `from`, or only a model: the one in the query or the last one used."""
        mine = Task.objects.visible_to(self.tenant.pk)
        with suppress(Task.DoesNotExist):
            return body_again(mine.only("request", "model").by_public_id(request.GET.get("from", "")))
        latest = mine.order_by("-id").values_list("model", flat=True).first()
        return {"model": request.GET.get("model") or latest or ""}

    def _render(self, composer: Composer, rendering: Rendering) -> HttpResponse:
        context = composer.context(self.request, rendering.judged)
        if rendering.part:
            self.template_name = f"composer/{rendering.part}.html"
            return self.render_to_response(context)
        return self.render_to_response(self.get_context_data(**context))


class PicturePage(TenantPage):
    """A picture that was uploaded for the form."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER}

    def get(self, request: HttpRequest, file_id: str) -> HttpResponseBase:
        return picture_response(self.tenant.pk, file_id)
