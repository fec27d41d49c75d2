"""Asking for a video: made, or only tried."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import BearerKeyAuthentication, LookUp
from accounts.api.throttles import PerKey
from accounts.models import Scope
from accounts.quotas.limits import Decision
from config.envelope import encode
from videos.api import rate_limits
from videos.api.base import View
from videos.api.bodies import mapping
from videos.api.errors import limit_reached
from videos.errors import NotAdmitted, NoUpstreamAccount
from videos.estimates.queue_position import Place
from videos.models import Task
from videos.requests import InvalidRequestError, Violation
from videos.tasks import admission, creation, idempotency, orders, representation, sql
from videos.tasks.admission import Asker
from videos.tasks.creation import Answer
from videos.tasks.idempotency import LONGEST_KEY, Repetition
from videos.tasks.orders import ANY_TASK

IDEMPOTENCY_KEY = "idempotency-key"
RETRY_COUNT = "x-stainless-retry-count"
"""How often OpenAI's SDK has sent this request before; its retries carry no idempotency key."""

TIMEOUT = "x-stainless-timeout"
"""How many seconds it waits for an answer."""
_COUNT, _SECONDS = re.compile("[0-9]{1,9}"), re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")

_TURNSTILES = tuple(Lock() for _ in range(256))
"""Of creates with one key that are decided at the same time all but one would be decided again. Here they
wait their turn, which costs nothing; what other processes do at the same time is settled in the database.
"""


class KeyWithLimits(BearerKeyAuthentication):
    """Finds all that admission depends on together with the key."""

    def looked_up(self, request: Request, now: datetime) -> LookUp | None:
        """The limits and totals of the tenant, if a task is to be made."""
        if request.method != "POST":
            return None
        key = _idempotency_key(request)
        return LookUp(sql.LOOK, admission.looked_up(now, key if key and _is_plain(key) else None))


class CreateView(View):
    """`POST /v1/videos` and its equivalents."""

    authentication_classes = [KeyWithLimits]
    scopes = {"POST": Scope.WRITE}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let creates with one key pass one by one."""
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        with _TURNSTILES[hash(request.headers.get("authorization")) % len(_TURNSTILES)]:
            return super().dispatch(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponse:
        """Make a task; answers with the video object."""
        body = mapping(request)
        asker = Asker.of(self.key, timezone.now(), _repetition(request, body))
        answer = self._answer(request, body, asker)
        if not answer.is_replay:
            PerKey.forgive(self.key)  # its limit of tasks has counted it
        headers = rate_limits.headers(answer.allowance, asker.now)
        if answer.is_replay:
            headers["idempotent-replayed"] = "true"
        return HttpResponse(answer.body, content_type="application/json", headers=headers)

    def _answer(self, request: Request, body: Mapping[str, Any], asker: Asker) -> Answer:
        def describe(task: Task, place: Place | None) -> str:
            return encode(representation.video(task, request._request, asker.now, place)).decode()

        seen = admission.seen_with_key(asker)
        try:
            return creation.answer_before(asker, seen, describe) or creation.create(
                orders.order(body, asker, seen), asker, seen, describe
            )
        except (NotAdmitted, NoUpstreamAccount):
            self._note_refusal(asker.repetition)
            raise

    def check_throttles(self, request: Request) -> None:
        """Raise `Throttled` where the key asks too often; its SDK will ask again."""
        try:
            super().check_throttles(request)
        except Throttled:
            if request.method == "POST" and RETRY_COUNT in request.headers:
                self._note_refusal(_repetition(request, mapping(request)))
            raise

    def _note_refusal(self, repetition: Repetition) -> None:
        if repetition.may_be_retried:
            idempotency.note_refusal(self.key.pk, repetition.fingerprint, timezone.now())


class ValidateView(View):
    """`POST /v1/videos/validate`: what would become of a request, without making it."""

    authentication_classes = [KeyWithLimits]
    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request) -> Response:
        """Answer with the request, its price and whether it would be admitted, or with every violation."""
        asker = Asker.of(self.key, timezone.now(), Repetition(fingerprint=b""))
        seen = admission.seen_with_key(asker)
        draft = orders.check(mapping(request), asker, seen)
        translation = orders.translated(draft.request, asker, seen, ANY_TASK)
        return Response(
            {
                "valid": True,
                "request": draft.request.as_body(),
                "upstream": {"action": translation.action, "payload": translation.payload},
                "not_forwarded": translation.not_forwarded,
                "price": draft.quote.as_dict(),
                "admission": _admission(creation.decide(draft.request, draft.quote.amount, asker, seen)),
            }
        )


def _repetition(request: Request, body: Mapping[str, Any]) -> Repetition:
    key = _idempotency_key(request)
    if key is not None and len(key) > LONGEST_KEY:
        message = f"The Idempotency-Key must not exceed {LONGEST_KEY} characters"
        raise InvalidRequestError([Violation(message, "Idempotency-Key")])
    if key is not None and not _is_plain(key):
        message = "The Idempotency-Key must consist of printable ASCII characters"
        raise InvalidRequestError([Violation(message, "Idempotency-Key")])
    if key is not None:
        return Repetition.under(key, body)
    told = request.headers.get(RETRY_COUNT, "")
    is_count = _COUNT.fullmatch(told) is not None
    retries = int(told) if is_count else 0
    return Repetition(
        fingerprint=idempotency.fingerprint(body),
        is_retry=retries > 0,
        may_be_retried=is_count,
        first_sent_within=idempotency.first_sent_within(retries, _timeout(request)),
    )


def _timeout(request: Request) -> timedelta | None:
    """How long the SDK waits for an answer, as it says itself."""
    told = request.headers.get(TIMEOUT, "")
    return timedelta(seconds=float(told)) if _SECONDS.fullmatch(told) else None


def _idempotency_key(request: Request) -> str | None:
    return request.headers.get(IDEMPOTENCY_KEY, "").strip() or None


def _is_plain(key: str) -> bool:
    """Whether it came as it was sent: the server hands out headers in ASCII alone."""
    return key.isascii() and key.isprintable()


def _admission(decision: Decision) -> dict[str, Any]:
    refusals = [limit_reached(refusal) for refusal in decision.refusals]
    return {"admitted": not refusals, "queued": decision.waits and not refusals, "refusals": refusals}
