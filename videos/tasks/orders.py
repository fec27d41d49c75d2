"""From a body to an order: checked against the rules, the offers, the price and the key that asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts import buckets
from config.amounts import shown
from config.ids import uuid7
from videos.billing.prices import Quote
from videos.errors import MaxCostExceeded, ModelNotAllowed
from videos.models.task import public_id
from videos.requests import VideoRequest, parse
from videos.routing.offers import Offers
from videos.tasks.admission import Asker, Look
from videos.tasks.creation import Order
from videos.upstream import Translation, translate

ANY_TASK = "{task_id}"
"""Stands in a path for the id of a task that is not made."""


@dataclass(frozen=True)
class Checked:
    """A request that could be ordered now, and what it would cost."""

    request: VideoRequest
    quote: Quote


def check(body: Mapping[str, Any], asker: Asker, seen: Look) -> Checked:
    """Check a body. Raises `InvalidRequestError`, `ModelNotAllowed`, `NoPrice` or `MaxCostExceeded`."""
    offers = Offers.at(seen.offers)
    request = parse(body, offers.find)
    if not asker.key.allows_model(request.model.name):
        raise ModelNotAllowed(f"This API key may not use the model '{request.model.name}'")
    quote = offers.quote(request, asker.now)
    _check_cost(request, quote)
    return Checked(request, quote)


def order(body: Mapping[str, Any], asker: Asker, seen: Look) -> Order:
    """An order for what the body asks for. Raises what `check` does, and `NoUpstreamAccount`."""
    checked = check(body, asker, seen)
    task_id = uuid7(asker.now)
    translation = translated(checked.request, asker, seen, public_id(task_id))
    return Order(
        task_id=task_id,
        request=checked.request,
        account=Offers.at(seen.offers).account_for(checked.request.model),
        payload=translation.payload,
        not_forwarded=translation.not_forwarded,
        price=checked.quote.amount,
        sent=body,
    )


def translated(request: VideoRequest, asker: Asker, seen: Look, task_id: str) -> Translation:
    """What upstream would be sent for the task of that public id."""
    bucket, region, prefix = (part or "" for part in seen.bucket)
    folder = buckets.destination(
        bucket,
        region,
        prefix,
        tenant_id=asker.key.tenant_id,
        task_id=task_id,
        model=request.model.name,
        day=asker.period.day,
    )
    return translate(request, folder)


def _check_cost(request: VideoRequest, quote: Quote) -> None:
    limit = request.max_cost
    if limit is not None and quote.amount > limit:
        currency = settings.CURRENCY
        raise MaxCostExceeded(
            f"This video costs {shown(quote.amount)} {currency}; max_cost is {shown(limit)} {currency}"
        )
