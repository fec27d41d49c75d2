"""`GET /v1/videos`: the tenant's videos, newest first."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Quota, Scope
from config import proportion
from config.envelope import encode
from videos.api.base import View
from videos.api.paging import Page
from videos.api.parameters import Parameters
from videos.estimates.queue_position import UNLIMITED, Place
from videos.listing import order
from videos.models import GenerationStat, Task
from videos.models.task import WITH_PROMPT
from videos.states import Status
from videos.tasks import representation, sql


class ListVideos(View):
    """The videos that were not deleted, a page at a time."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        """Answer with a page of video objects. Raises `InvalidRequestError`."""
        parameters = Parameters(request.query_params)
        page, wanted = Page.asked_for(parameters), _wanted(parameters)
        parameters.check()
        owned = _with_queue(order.of_tenant(self.key.tenant_id), self.key.tenant_id)
        found, now = page.of(owned.filter(wanted, hidden_at=None), owned), timezone.now()
        places = ((task, _place(task, now)) for task in found.tasks)
        videos = [representation.video(task, request._request, now, place) for task, place in places]
        fit = proportion.fitting(len(encode(video)) for video in videos)
        return Response(found.first(fit).as_dict(videos[:fit]))


def _wanted(parameters: Parameters) -> Q:
    """What passes the filters `status`, `model`, `created_after` (inclusive) and `created_before` (not)."""
    wanted = Q()
    if status := parameters.one_of("status", order.STATUSES):
        wanted &= Q(status__in=order.STATUSES[status])
    if model := parameters.model():
        wanted &= Q(model=model)
    if (after := parameters.second("created_after")) is not None:
        wanted &= order.made_from(_moment(after))
    if (before := parameters.second("created_before")) is not None:
        wanted &= order.made_before(_moment(before))
    return wanted


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _with_queue(tasks: QuerySet[Task], tenant_id: UUID) -> QuerySet[Task]:
    """With what the place of each waiting task depends on, and without what is never shown.

    The queue is read once for all tasks of a page, and not at all where none of them waits.
    """
    waiting = Task.objects.filter(tenant=tenant_id, status=Status.WAITING).order_by("id").values("id")
    limit = Quota.objects.filter(tenant=tenant_id).values(most=Coalesce("concurrent_tasks", UNLIMITED))
    usual = GenerationStat.objects.filter(model=OuterRef("model")).values("usual")
    position = Func(ArraySubquery(waiting), F("id"), function="array_position", output_field=IntegerField())
    depends_on = JSONObject(position=position, limit=Subquery(limit), usual=Subquery(usual))
    queue = Case(When(status=Status.WAITING, then=depends_on))
    return tasks.only(*sql.READ_COLUMNS).annotate(queue=queue, **WITH_PROMPT)


def _place(task: Task, now: datetime) -> Place | None:
    queue: dict[str, Any] | None = vars(task)["queue"]
    if queue is None:
        return None
    return Place.of(task.model, queue["position"], queue["limit"], queue["usual"], now)
