"""Turns a body into an order: checks it against the rules, the offers, the price and the API key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts import buckets
from accounts.buckets import Destination
from accounts.quotas.totals import Demand
from config.amounts import format_with_currency
from config.ids import uuid7
from videos.billing.prices import Quote
from videos.errors import MaxCostExceeded, ModelNotAllowed
from videos.estimates import generation_times
from videos.files import uses
from videos.models.task import public_id
from videos.products import Product
from videos.requests import VideoRequest, parse
from videos.requests.values import without_unstorable
from videos.routing.choice import Queue
from videos.routing.offers import Offers
from videos.tasks.admission import Caller, Snapshot
from videos.upstream import Translation, not_forwarded, prefers, translate
from videos.upstream.base import Submission

TASK_ID_PLACEHOLDER = "{task_id}"
"""Placeholder in a path for the id of a task that is not created."""
MAX_RECORDED_CHARACTERS = 64 * 1024
"""Maximum characters of a body that is recorded as sent; the normalised one is always stored whole."""


@dataclass(frozen=True)
class Checked:
    """A valid request and its price."""

    caller: Caller
    body: Mapping[str, Any]
    """As sent."""
    request: VideoRequest
    quote: Quote
    snapshot: Snapshot
    """What it was checked against."""
    demand: Demand
    """What it would use of the tenant's limits."""
    queue: Queue
    """Where the task would wait for an account."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """The ids of the files that came with the body, by what stands for each in it."""

    def with_files(self, stored: Mapping[str, str]) -> "Checked":
        """The same once the files that came with the body are stored."""
        return replace(self, request=self.request.with_files(stored), stored=stored) if stored else self

    @cached_property
    def expected_seconds(self) -> float:
        """Expected generation time; costs a query, so only read if the task has to wait."""
        return generation_times.expected(self.request.model.name)

    def destination(self, task_id: str) -> Destination | None:
        """The folder in the tenant's own bucket for that public task id; None without a bucket."""
        bucket = self.snapshot.bucket
        return buckets.destination(
            bucket.name,
            bucket.region,
            bucket.path_prefix,
            tenant_id=self.caller.key.tenant_id,
            task_id=task_id,
            model=self.request.model.name,
            day=self.caller.period.day,
        )

    @property
    def product(self) -> Product:
        """The product that would make the video now."""
        return Offers.at(self.snapshot.offers).product_for(self.queue)

    def translated(self) -> Translation:
        """What upstream would be sent now."""
        submission = Submission(self.destination(TASK_ID_PLACEHOLDER), TASK_ID_PLACEHOLDER)
        return translate(self.request, self.product, submission)


@dataclass(frozen=True)
class Order:
    """A task to create: a checked request, the task's id, and where its video is to be stored."""

    checked: Checked
    task_id: UUID
    group: int
    """The group of models with which its turn is counted."""
    destination: Destination | None
    not_forwarded: list[str]
    detail: dict[str, Any]
    """Detail of the create event: the body as sent, if it differs from the normalised one."""


def check(body: Mapping[str, Any], caller: Caller, snapshot: Snapshot) -> Checked:
    """Check a body. Raises `InvalidRequestError`, `ModelNotAllowed`, `NoPrice` or `MaxCostExceeded`."""
    offers = Offers.at(snapshot.offers)
    tenant = caller.key.tenant
    find_files = partial(uses.kinds, tenant.pk) if settings.UPLOADS else None
    request = parse(body, lambda name: offers.find(name, tenant), find_files)
    if not caller.key.allows_model(request.model.name):
        raise ModelNotAllowed(request.model.name)
    is_own = offers.is_on_own_account(request.model.name, tenant)
    quote = offers.prices.of_tenant(tenant.pk).quote(request, caller.now, on_own_account=is_own)
    _check_cost(request, quote)
    usual = request.model.generation_time.usual
    demand = Demand(request.seconds, quote.amount, settings.CURRENCY, usual)
    better = prefers(request, to_bucket=bool(snapshot.bucket.name))
    queue = Queue(request.model.name, better or "", tenant.pk if is_own else None)
    return Checked(caller, body, request, quote, snapshot, demand, queue)


def check_again(checked: Checked, caller: Caller, snapshot: Snapshot) -> Checked:
    """Check the same body against another snapshot; the expected time is not looked up again."""
    again = check(checked.body, caller, snapshot).with_files(checked.stored)
    if "expected_seconds" in vars(checked):
        vars(again)["expected_seconds"] = checked.expected_seconds
    return again


def order_for(body: Mapping[str, Any], caller: Caller, snapshot: Snapshot) -> Order:
    """The order of a body. Raises the errors of `check` and `order`."""
    return order(check(body, caller, snapshot))


def order(checked: Checked) -> Order:
    """The order of a checked body. Raises `NoUpstreamAccount`."""
    offers = Offers.at(checked.snapshot.offers)
    offers.check_available(checked.queue)
    task_id = uuid7(checked.caller.now)
    return Order(
        checked,
        task_id,
        group=offers.group_of(checked.request.model.name),
        destination=checked.destination(public_id(task_id)),
        not_forwarded=not_forwarded(checked.request, checked.product),
        detail=_detail(checked),
    )


def _detail(checked: Checked) -> dict[str, Any]:
    if checked.body == checked.request.as_body():
        return {}
    sent = without_unstorable(dict(checked.body))
    length = len(json.dumps({"sent": sent}))
    return {"sent": sent} if length <= MAX_RECORDED_CHARACTERS else {"sent_characters": length}


def _check_cost(request: VideoRequest, quote: Quote) -> None:
    limit = request.max_cost
    if limit is not None and quote.amount > limit:
        raise MaxCostExceeded(format_with_currency(quote.amount), format_with_currency(limit))
