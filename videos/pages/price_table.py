"""Prices as a table: a family's versions and resolutions as rows, combinations of options as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from videos import catalogue
from videos.billing.prices import AUDIO, OFF_PEAK, OWN_ACCOUNT, REFERENCE, Listed, Prices
from videos.catalogue import ModelSpec
from videos.labels import Label
from videos.routing.offers import Offers

_Options = tuple[str, ...]
_WORDS: dict[str, Label] = {
    AUDIO: _("with audio"),
    REFERENCE: _("with reference"),
    OFF_PEAK: _("off-peak"),
    OWN_ACCOUNT: pgettext_lazy("upstream", "own account"),
}


@dataclass(frozen=True)
class Row:
    """The prices of a model in the order of the columns; None where it has none."""

    spec: ModelSpec
    cells: Sequence[Listed | None]
    is_on_own_account: bool = False
    """Whether it is made on the tenant's own account, where it is free without a price."""


@dataclass(frozen=True)
class PriceTable:
    """A heading for each column, and the rows of each family."""

    columns: Sequence[str]
    families: Sequence[tuple[str, Sequence[Row]]]


def of_list(prices: Prices, now: datetime) -> PriceTable:
    """The prices of one list of all models that have any."""
    found = {
        spec: [
            *prices.listed(spec.name, now),
            *prices.listed(spec.name, now, on_own_account=True),
        ]
        for spec in catalogue.MODELS
    }
    return _table({spec: listed for spec, listed in found.items() if listed})


def of_tenant(tenant: Tenant, offers: Offers, now: datetime) -> PriceTable:
    """The tenant's own prices of the models that it may request."""
    own = {spec for spec in offers.models(tenant) if offers.is_on_own_account(spec.name, tenant)}
    found = {spec: offers.listed_for(tenant, spec, now) for spec in offers.models(tenant)}
    return _table({spec: listed for spec, listed in found.items() if listed or spec in own}, own)


def heading(options: Iterable[str]) -> str:
    """The options in words."""
    return " + ".join(str(_WORDS[option]) for option in options) or gettext("Base price")


def _table(found: Mapping[ModelSpec, Sequence[Listed]], own: Iterable[ModelSpec] = ()) -> PriceTable:
    is_own = set(own)
    cells = {spec: {_place(one, spec in is_own): one for one in listed} for spec, listed in found.items()}
    columns = sorted({(), *(place for row in cells.values() for place in row)}, key=_order)
    rows = [Row(spec, [row.get(column) for column in columns], spec in is_own) for spec, row in cells.items()]
    families = groupby(rows, key=lambda row: row.spec.family)
    return PriceTable(
        [_heading(column) for column in columns],
        [(family, list(of_family)) for family, of_family in families],
    )


def _place(listed: Listed, is_own: bool) -> _Options:  # noqa: FBT001 - one of two kinds
    """The column; in the row of an own account, that option goes without saying."""
    return tuple(option for option in listed.options if not (is_own and option == OWN_ACCOUNT))


def _heading(column: _Options) -> str:
    return " + ".join(str(_WORDS[option]) for option in column) or gettext("Base price")


def _order(column: _Options) -> tuple[bool, int, list[int]]:
    """Own accounts last, else fewest options first."""
    return OWN_ACCOUNT in column, len(column), [list(_WORDS).index(option) for option in column]
