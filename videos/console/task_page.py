"""The pages of a task in the staff console: creating it, inspecting it, and staff actions."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.console.reasons import person
from accounts.models import AuditPlace
from videos.composer.form import form_id_from
from videos.composer.pages import Judged, Rendering, leads_to
from videos.console import composing, inspecting
from videos.console.decisions import DecisionForm
from videos.files.serving import picture_response
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS, WITH_PROMPT, parse_public_id
from videos.results import files
from videos.tasks import staff_actions
from videos.tasks.manual import NotCreated, Requester
from videos.tasks.staff_actions import ACTIONS, PLACE, NotDecided, StaffDecision

_for_forms = require_http_methods(["GET", "HEAD", "POST"])


class TaskPages:
    """Replaces Django's add and change forms: tasks are created and changed only through `videos.tasks`."""

    admin_site: Any
    opts: Any
    has_view_permission: Any

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("videos.add_task"))

    def get_urls(self) -> list[URLPattern]:
        views = (_for_forms(self.decide_view), self.poster_view, self.preview_view, self.picture_view)
        decide, poster, preview, picture = map(self.admin_site.admin_view, views)
        own = [
            path("<uuid:object_id>/decide/<str:name>/", decide, name="videos_task_decide"),
            path("<uuid:object_id>/poster.jpg", poster, name="videos_task_poster"),
            path("<uuid:object_id>/preview.webp", preview, name="videos_task_preview"),
            path("add/pictures/<uuid:tenant_id>/<str:file_id>/", picture, name="videos_task_picture"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the ModelAdmin this is mixed into

    def add_view(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Render the form or a part of it, or create the task."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.GET.get("part") == "tenants":
            names = composing.names_like(request.GET.get("tenant", ""))
            return TemplateResponse(request, "console/tenant_names.html", {"names": names})
        if request.method != "POST":
            return self._form(request, composing.Request.fresh(request), Rendering(judged=Judged.NONE))
        return self._sent(request, composing.Request.sent(request))

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Render the task; with `part=live`, only the part that changes while it is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        is_part, now = request.GET.get("part") == "live", timezone.now()
        task = task_of(object_id, as_asked=not is_part)
        context = inspecting.live(task, request, now)
        if is_part:
            is_news = request.GET.get("seen") != context["seen"]
            return TemplateResponse(request, "console/live.html", context | {"is_news": is_news})
        context |= inspecting.request_of(task, request)
        return self._page(request, "console/task.html", context["headline"] or task.public_id, context)

    def poster_view(self, request: HttpRequest, object_id: UUID) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return files.poster_response(task_of(str(object_id)), request)

    def picture_view(self, request: HttpRequest, tenant_id: UUID, file_id: str) -> HttpResponseBase:
        """A picture that was uploaded for a task of that tenant."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return picture_response(tenant_id, file_id)

    def preview_view(self, request: HttpRequest, object_id: UUID) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return files.preview_response(task_of(str(object_id)), request)

    def decide_view(self, request: HttpRequest, object_id: UUID, name: str) -> HttpResponse:
        """Ask for a reason, or perform a staff action if the task is unchanged since the page was shown."""
        if name not in ACTIONS:
            raise Http404
        if not person(request).has_perms(ACTIONS[name].permissions):
            raise PermissionDenied
        task = task_of(str(object_id))
        try:
            if request.method != "POST":
                return self._asked(request, task, name)
            task = self._decided(request, task, name)
        except NotDecided as refusal:
            messages.error(request, str(refusal))
        except NotCreated as refusal:
            told = refusal.messages(tells_limits=composing.may_see_limits(request))
            messages.error(request, " ".join(told))
        return HttpResponseRedirect(reverse("admin:videos_task_change", args=[task.pk]))

    def _asked(self, request: HttpRequest, task: Task, name: str) -> HttpResponse:
        """The form of the action on its own page. Raises `NotDecided` if it is not possible any more."""
        action = staff_actions.available_actions(task, person(request)).get(name)
        if action is None:
            raise NotDecided(_("The task's status no longer allows this."))
        context = {"task": task, "name": name, "action": action, **inspecting.decision_on(task)}
        return self._page(request, "console/decide.html", str(action.label), context)

    def _decided(self, request: HttpRequest, task: Task, name: str) -> Task:
        form = DecisionForm(request.POST)
        if not form.is_valid():
            raise NotDecided(form.problem)
        sent = form.cleaned_data
        if sent["mark"] != staff_actions.state_token(task):
            raise NotDecided(_("The task has changed since the page was loaded."))
        decision = StaffDecision(
            task,
            person(request),
            sent["reason"],
            timezone.now(),
            upstream_task_id=sent["upstream_task_id"],
            form_id=form_id_from(request.POST),
            address=audit.author(request, AuditPlace.CONSOLE).address,
        )
        affected = staff_actions.perform(name, decision)
        messages.success(request, _("Done: %(action)s.") % {"action": ACTIONS[name].label})
        return affected

    def _sent(self, request: HttpRequest, form: composing.Request) -> HttpResponse:
        outcome = form.composer.submitted(request, Requester(person(request), PLACE))
        if isinstance(outcome, Rendering):
            return self._form(request, form, outcome)
        return leads_to(reverse("admin:videos_task_change", args=[outcome.pk]), form.composer)

    def _form(self, request: HttpRequest, form: composing.Request, rendering: Rendering) -> HttpResponse:
        context = form.context(request, rendering.judged)
        if rendering.part:
            return TemplateResponse(request, f"composer/{rendering.part}.html", context)
        return self._page(request, "console/compose.html", _("New task"), context)

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, template, {**frame, **context})


def task_of(object_id: str, *, as_asked: bool = False) -> Task:
    """The task by primary key or public id. Raises `Http404` if there is none."""
    tasks = Task.objects.select_related("tenant", "account", "api_key").annotate(**WITH_PROMPT)
    secrets = ("account__secret_key", "account__proxy_url", "api_key__digest")
    tasks = tasks.defer(*(() if as_asked else REQUEST_COLUMNS), *secrets)
    parsed = _parsed(object_id)
    task = tasks.filter(pk=parsed).first() if parsed else None
    if task is None:
        raise Http404
    return task


def _parsed(object_id: str) -> UUID | None:
    try:
        return parse_public_id(object_id) or UUID(object_id)
    except ValueError:
        return None
