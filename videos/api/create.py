"""Creates a video, or only validates the request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import throttles
from accounts.models import Scope
from accounts.quotas.limits import AdmissionDecision
from config.envelope import encode
from videos import inputs
from videos.api import rate_limits
from videos.api.base import KeyWithSnapshot, View
from videos.api.bodies import mapping
from videos.api.errors import limit_reached
from videos.api.forms import files_taken
from videos.errors import NotAdmitted, NoUpstreamAccount
from videos.requests import check_bounds
from videos.tasks import admission, creation, idempotency, orders, representation
from videos.tasks.admission import Caller
from videos.tasks.batch import Created
from videos.tasks.idempotency import RETRY_COUNT, Fingerprint


class TakesFiles(View):
    """A view whose forms may hold files."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with files_taken(request):
            return super().dispatch(request, *args, **kwargs)


class CreateView(TakesFiles):
    """`POST /v1/videos` and its aliases."""

    authentication_classes = [KeyWithSnapshot]
    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request) -> HttpResponse:
        body = mapping(request)
        check_bounds(body)  # before any other use
        caller = Caller.of(self.key, timezone.now(), Fingerprint.of(request.headers, body))
        created = self._create(caller.seen(self.beside), body)
        return self._response(created, request, caller.now)

    def check_throttles(self, request: Request) -> None:
        """Also records a throttled create of OpenAI's SDK, which will retry it."""
        try:
            super().check_throttles(request)
        except Throttled:
            if request.method == "POST" and RETRY_COUNT in request.headers:
                self._note_refusal(Fingerprint.of(request.headers, mapping(request)))
            raise

    def _create(self, caller: Caller, body: Mapping[str, Any]) -> Created:
        try:
            return creation.create(caller, body, inputs.check)
        except (NotAdmitted, NoUpstreamAccount):
            self._note_refusal(caller.fingerprint)
            raise

    def _response(self, created: Created, request: Request, now: datetime) -> HttpResponse:
        headers = rate_limits.headers(created.allowance, now)
        if created.is_replay:
            headers["idempotent-replayed"] = "true"
        else:
            throttles.forgive(self.key)  # the limit of tasks per minute counted it
        body = encode(representation.video(created.task, request._request, now, created.place))
        return HttpResponse(body, content_type="application/json", headers=headers)

    def _note_refusal(self, fingerprint: Fingerprint) -> None:
        if fingerprint.may_be_retried:
            idempotency.note_refusal(self.key.pk, fingerprint.body, timezone.now())


class ValidateView(TakesFiles):
    """`POST /v1/videos/validate`: checks a request without creating a task."""

    authentication_classes = [KeyWithSnapshot]
    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request) -> Response:
        """Responds with the request, its price and the admission decision, or with every violation."""
        caller = Caller.of(self.key, timezone.now(), Fingerprint(body=b"")).seen(self.beside)
        snapshot = admission.snapshot_in(caller)
        checked = orders.check(mapping(request), caller, snapshot)
        inputs.check(checked.request)
        translation = checked.translated()
        [decision] = creation.decide([checked], snapshot)
        return Response(
            {
                "valid": True,
                "request": checked.request.as_body(),
                "upstream": {"action": translation.action, "payload": translation.payload},
                "not_forwarded": translation.not_forwarded,
                "price": checked.quote.as_dict(),
                "admission": _admission(decision),
            }
        )


def _admission(decision: AdmissionDecision) -> dict[str, Any]:
    refusals = [limit_reached(refusal) for refusal in decision.refusals]
    return {"admitted": not refusals, "queued": decision.waits and not refusals, "refusals": refusals}
