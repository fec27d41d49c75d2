"""What a video costs: the price list, kept in memory, and the quote for a request."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from config.amounts import rounded, shown
from videos.errors import NoPrice
from videos.models import Price
from videos.requests import VideoRequest

AUDIO, REFERENCE, OFF_PEAK = "audio", "reference", "off_peak"
"""The options that may change a price, in the words clients see."""


@dataclass(frozen=True)
class Quote:
    """What a video will cost, in the currency of the deployment.

    `options` are those the price is for; whatever else was asked for changes nothing.
    """

    amount: Decimal
    per_second: Decimal
    seconds: int
    options: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As clients see it; the amounts are strings."""
        return {
            "amount": shown(self.amount),
            "currency": settings.CURRENCY,
            "per_second": shown(self.per_second),
            "seconds": self.seconds,
            "options": list(self.options),
        }


@dataclass(frozen=True)
class _Term:
    """A price of a second, and when it is in force."""

    per_second: Decimal
    valid_from: datetime
    valid_until: datetime | None

    def is_in_force(self, now: datetime) -> bool:
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True)
class _Variant:
    """All prices of one model with the same options, the latest first."""

    options: tuple[str, ...]
    needs: frozenset[str]
    terms: tuple[_Term, ...]

    def per_second(self, now: datetime) -> Decimal | None:
        """The latest price in force; None where there is none."""
        for term in self.terms:
            if term.is_in_force(now):
                return term.per_second
        return None


class PriceList:
    """The prices of all models, past and coming ones too. It never changes, so threads may share it."""

    def __init__(self, prices: Iterable[Price]) -> None:
        terms: dict[str, dict[tuple[str, ...], list[_Term]]] = defaultdict(lambda: defaultdict(list))
        for price in sorted(prices, key=lambda price: price.valid_from, reverse=True):
            term = _Term(price.per_second, price.valid_from, price.valid_until)
            terms[price.model][_options_of(price)].append(term)
        self._variants = {model: _variants(by_options) for model, by_options in terms.items()}

    @classmethod
    def load(cls) -> "PriceList":
        """The prices as they stand in the database. One query."""
        return cls(Price.objects.order_by())

    def quote(self, request: VideoRequest, now: datetime) -> Quote:
        """What the request would cost at that moment. Raises `NoPrice`.

        Of the prices whose options the request has, the one with the most options counts. Of several with
        equally many it is the dearest: the order of rows must never make a video cheaper.
        """
        asked = _options_asked(request)
        fitting = [
            (len(variant.options), per_second, variant.options)
            for variant in self._variants.get(request.model.name, ())
            if variant.needs <= asked and (per_second := variant.per_second(now)) is not None
        ]
        if not fitting:
            raise NoPrice
        _, per_second, options = max(fitting)
        return Quote(rounded(per_second * request.seconds), per_second, request.seconds, options)

    def of_model(self, name: str, now: datetime) -> list[dict[str, Any]]:
        """The prices of that model in force at that moment, as clients see them, the plainest first."""
        return [
            {"per_second": shown(per_second), "currency": settings.CURRENCY, "options": list(variant.options)}
            for variant in self._variants.get(name, ())
            if (per_second := variant.per_second(now)) is not None
        ]


def _variants(by_options: dict[tuple[str, ...], list[_Term]]) -> tuple[_Variant, ...]:
    plainest_first = sorted(by_options, key=lambda options: (len(options), options))
    return tuple(
        _Variant(options, frozenset(options), tuple(by_options[options])) for options in plainest_first
    )


def _options_of(price: Price) -> tuple[str, ...]:
    options = {AUDIO: price.with_audio, REFERENCE: price.with_reference, OFF_PEAK: price.off_peak}
    return tuple(option for option, is_meant in options.items() if is_meant)


def _options_asked(request: VideoRequest) -> frozenset[str]:
    output = request.metadata.get("output_config", {})
    options = {
        AUDIO: output.get("AudioGeneration") == "Enabled",
        REFERENCE: request.uses_references,
        OFF_PEAK: output.get("OffPeak") == "Enabled",
    }
    return frozenset(option for option, is_asked in options.items() if is_asked)
