"""Requests as the lane receives them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.test import RequestFactory
from django.utils import timezone

from accounts.models import APIKey
from config.edge.answers import Answer
from tests.conftest import GOOD_BODY, Caller
from tests.support.both_ways import scope_of
from videos.lane.asked import Asked, recognise
from videos.lane.lanes import Serve
from videos.lane.routes import Kind


@dataclass
class Lane:
    """Serves batches in the test's thread, as the threads of the lanes do."""

    serving: dict[Kind, Serve]

    def serve(self, *requests: Asked | None) -> list[Any]:
        """The outcomes of a batch of one kind."""
        known = [request for request in requests if request is not None]
        assert len(known) == len(requests), "not recognised"
        return list(self.serving[known[0].route.kind](known))


Request = Callable[..., Asked | None]


def request(caller: Caller, method: str, path: str, body: Any = None, **headers: str) -> Asked | None:
    """The request as the lane recognises it; None if it leaves it to the view."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"authorization": f"Bearer {caller.text}"} | {n.replace("_", "-"): v for n, v in headers.items()}
    kind = sent.pop("content-type", "application/json")
    made = RequestFactory().generic(method, path, content, kind, headers=sent)
    return recognise(scope_of(made.META), content)


def create(caller: Caller, body: Any = None, **headers: str) -> Asked | None:
    return request(caller, "POST", "/v1/videos", GOOD_BODY if body is None else body, **headers)


def used(*callers: Caller) -> None:
    """Record that the keys were just used; the lane leaves a first use to the view."""
    keys = [caller.key.pk for caller in callers if caller.key]
    APIKey.objects.filter(pk__in=keys).update(last_used_at=timezone.now())


def statuses(outcomes: list[Any]) -> list[int | None]:
    """Of each request: 200 if the lane served it, None if the view is to."""
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    return [outcome and outcome.status for outcome in outcomes]


def body_of(answer: Answer) -> Any:
    return json.loads(answer.body)
