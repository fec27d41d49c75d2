"""All upstreams behind one interface; what is specific to a provider stays in its folder."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from config import proportion
from videos.products import Product
from videos.requests import VideoRequest
from videos.upstream.base import Submission, Upstream
from videos.upstream.tencent import errors, mps, vod


@dataclass(frozen=True)
class Translation:
    """A request in upstream's format: the action, its body, and the request paths without a field in it."""

    action: str
    payload: dict[str, Any]
    not_forwarded: list[str]


_UPSTREAMS: dict[Product, type[Upstream]] = {Product.MPS: mps.MpsUpstream, Product.VOD: vod.VodUpstream}
_FORMATS = {Product.MPS: mps, Product.VOD: vod}


def translate(request: VideoRequest, product: Product, submission: Submission) -> Translation:
    """A request in a product's format."""
    made = _FORMATS[product]
    payload = made.create_payload(request, submission)
    return Translation(made.CREATE, payload, not_forwarded(request, product))


def not_forwarded(request: VideoRequest, product: Product) -> list[str]:
    """The request paths that the product has no field for, at most as many as a response shows."""
    return proportion.paths(_FORMATS[product].not_forwarded(request))


def link_life(product: Product) -> timedelta:
    """How long the product's link to a result works."""
    life: timedelta = _FORMATS[product].LINK_LIFE
    return life


def stores_in_buckets(product: Product) -> bool:
    """Whether the product can put videos in a tenant's bucket."""
    return bool(_FORMATS[product].STORES_IN_BUCKETS)


def can_find(product: Product) -> bool:
    """Whether the product tells which task was submitted under a session."""
    return _UPSTREAMS[product].can_find


def prefers(request: VideoRequest, *, to_bucket: bool) -> Product | None:
    """The product to send the request to if an account of it can take it; None if all are equally good.

    Those are better that carry more of the request's options, then those that can store the video in the
    tenant's bucket.
    """
    ranks = {
        product: (len(made.not_forwarded(request)), to_bucket and not made.STORES_IN_BUCKETS)
        for product, made in _FORMATS.items()
    }
    best = [product for product, rank in ranks.items() if rank == min(ranks.values())]
    return None if len(best) == len(ranks) else best[0]


def advice(code: str) -> str:
    """What staff should do about an error code, in English, to be translated when shown; may be empty."""
    return errors.advice(code)
