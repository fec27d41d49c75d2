"""The price lists, kept in memory, and the quote for a request."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from config.amounts import ZERO, format_amount, rounded
from videos.errors import NoPrice
from videos.models import Price, TenantPriceList
from videos.requests import VideoRequest

AUDIO, REFERENCE, OFF_PEAK, OWN_ACCOUNT = "audio", "reference", "off_peak", "own_account"
"""The options that may change a price, as clients see them."""


@dataclass(frozen=True)
class Quote:
    """The price of a video, in `CURRENCY`; `options` are the requested options that affect it."""

    amount: Decimal
    per_second: Decimal
    seconds: int
    options: tuple[str, ...]

    @property
    def is_free_on_own_account(self) -> bool:
        """Whether nothing is charged because the tenant's own account makes the video."""
        return OWN_ACCOUNT in self.options and self.amount == ZERO

    def as_dict(self) -> dict[str, Any]:
        """As clients see it; amounts are strings."""
        return {
            "amount": format_amount(self.amount),
            "currency": settings.CURRENCY,
            "per_second": format_amount(self.per_second),
            "seconds": self.seconds,
            "options": list(self.options),
        }


@dataclass(frozen=True)
class Change:
    """A price of a second from a moment on; None if there is none from then on."""

    at: datetime
    per_second: Decimal | None


@dataclass(frozen=True)
class Listed:
    """The price of a second with certain options, in force now, and its next change."""

    options: tuple[str, ...]
    per_second: Decimal | None
    change: Change | None


@dataclass(frozen=True)
class _Term:
    """A price per second, and when it is in force."""

    per_second: Decimal
    valid_from: datetime
    valid_until: datetime | None

    def is_in_force(self, now: datetime) -> bool:
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True)
class _Variant:
    """All prices of one model with the same options, in the order in which they go before each other."""

    options: tuple[str, ...]
    needs: frozenset[str]
    terms: tuple[_Term, ...]

    def per_second(self, now: datetime) -> Decimal | None:
        """The first price in force, if any."""
        return next((term.per_second for term in self.terms if term.is_in_force(now)), None)

    def next_change(self, now: datetime) -> "Change | None":
        """The first change after `now`, if any."""
        known, ends = self.per_second(now), [term.valid_until for term in self.terms if term.valid_until]
        for moment in sorted({*ends, *(term.valid_from for term in self.terms)}):
            if moment > now and self.per_second(moment) != known:
                return Change(moment, self.per_second(moment))
        return None


class Prices:
    """The past, present and future prices of all models. Immutable, so threads may share it."""

    def __init__(self, prices: Iterable[Price], otherwise: Iterable[Price] = ()) -> None:
        """Where none of `prices` is in force for a model and options, those of `otherwise` hold."""
        terms: dict[str, dict[tuple[str, ...], list[_Term]]] = defaultdict(lambda: defaultdict(list))
        for price in (*_latest_first(prices), *_latest_first(otherwise)):
            term = _Term(price.per_second, price.valid_from, price.valid_until)
            terms[price.model][options_of(price)].append(term)
        self._variants = {model: _variants(by_options) for model, by_options in terms.items()}

    def quote(self, request: VideoRequest, now: datetime, *, on_own_account: bool = False) -> Quote:
        """The price of the request at `now`. Raises `NoPrice`.

        On the tenant's own account it is free, unless there is a price for that.

        Of the prices whose options the request has, the one with the most options applies; of several with
        equally many, the highest, so that the order of rows does not matter.
        """
        asked = _options_asked(request)
        fitting = [
            (len(variant.options), per_second, variant.options)
            for variant in self._variants_of(request.model.name, on_own_account=on_own_account)
            if variant.needs <= asked and (per_second := variant.per_second(now)) is not None
        ]
        if not fitting and on_own_account:
            return Quote(ZERO, ZERO, request.seconds, (OWN_ACCOUNT,))
        if not fitting:
            raise NoPrice
        _, per_second, options = max(fitting)
        return Quote(rounded(per_second * request.seconds), per_second, request.seconds, options)

    def of_model(self, name: str, now: datetime, *, on_own_account: bool = False) -> list[dict[str, Any]]:
        """The model's prices in force at `now`, as clients see them, fewest options first."""
        return [
            {
                "per_second": format_amount(per_second),
                "currency": settings.CURRENCY,
                "options": list(variant.options),
            }
            for variant in self._variants_of(name, on_own_account=on_own_account)
            if (per_second := variant.per_second(now)) is not None
        ]

    def listed(self, name: str, now: datetime, *, on_own_account: bool = False) -> list[Listed]:
        """The model's prices that are in force or to come, fewest options first."""
        found = [
            Listed(variant.options, variant.per_second(now), variant.next_change(now))
            for variant in self._variants_of(name, on_own_account=on_own_account)
        ]
        return [one for one in found if one.per_second is not None or one.change]

    def _variants_of(self, model: str, *, on_own_account: bool) -> list[_Variant]:
        variants = self._variants.get(model, ())
        return [variant for variant in variants if (OWN_ACCOUNT in variant.needs) == on_own_account]


class PriceBook:
    """The prices of every price list, and which tenant has which. Immutable, so threads may share it."""

    def __init__(self, prices: Iterable[Price], lists: Mapping[UUID, int]) -> None:
        """`lists` has the list of each tenant that has one."""
        by_list: dict[int | None, list[Price]] = defaultdict(list)
        for price in prices:
            by_list[price.price_list_id].append(price)
        everyones = by_list.pop(None, [])
        self.default = Prices(everyones)
        self._lists = {number: Prices(own, everyones) for number, own in by_list.items()}
        self._of_tenants = lists

    @classmethod
    def load(cls) -> "PriceBook":
        lists = TenantPriceList.objects.exclude(price_list=None).values_list("tenant_id", "price_list_id")
        return cls(Price.objects.order_by(), dict(lists))

    def of_list(self, number: int | None) -> Prices:
        """The prices of that list, and of the default list where it has none; None is the default list."""
        return self.default if number is None else self._lists.get(number, self.default)

    def of_tenant(self, tenant_id: UUID) -> Prices:
        """The prices that hold for the tenant."""
        return self.of_list(self._of_tenants.get(tenant_id))


def _latest_first(prices: Iterable[Price]) -> list[Price]:
    return sorted(prices, key=lambda price: price.valid_from, reverse=True)


def _variants(by_options: dict[tuple[str, ...], list[_Term]]) -> tuple[_Variant, ...]:
    fewest_first = sorted(by_options, key=lambda options: (len(options), options))
    return tuple(
        _Variant(options, frozenset(options), tuple(by_options[options])) for options in fewest_first
    )


def options_of(price: Price) -> tuple[str, ...]:
    """What a request must have for the price."""
    options = {
        AUDIO: price.with_audio,
        REFERENCE: price.with_reference,
        OFF_PEAK: price.off_peak,
        OWN_ACCOUNT: price.on_own_account,
    }
    return tuple(option for option, is_meant in options.items() if is_meant)


def _options_asked(request: VideoRequest) -> frozenset[str]:
    output = request.metadata.get("output_config", {})
    options = {
        AUDIO: output.get("AudioGeneration") == "Enabled",
        REFERENCE: request.uses_references,
        OFF_PEAK: output.get("OffPeak") == "Enabled",
        OWN_ACCOUNT: True,  # only the prices of one kind of account are considered
    }
    return frozenset(option for option, is_asked in options.items() if is_asked)
