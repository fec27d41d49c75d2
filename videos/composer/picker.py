"""Choosing a model in three steps: family, version and resolution, with what each offers at what price.

The form submits the public name as `model`. Its family and version are submitted as well, for a page without
script: whichever differs from the model was chosen last, and leads to a model.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.amounts import ZERO, format_amount
from videos import catalogue
from videos.billing.prices import AUDIO, OWN_ACCOUNT
from videos.capabilities import modes_of
from videos.catalogue import ModelSpec

FAMILY, VERSION = "family", "version"
"""The fields of the form, besides `model`."""
PricesOf = Callable[[ModelSpec], Sequence[Mapping[str, Any]]]
"""The prices of a model that are in force, as clients see them, fewest options first."""

WORDS: dict[str, str | Promise] = {
    "first_frame": gettext_lazy("First frame"),
    "first_and_last_frame": gettext_lazy("First and last frame"),
    "references": gettext_lazy("Up to %(most)s references"),
    "reference_video": gettext_lazy("Reference video"),
    "shots": gettext_lazy("Several shots"),
}
"""The modes of a model as abilities; a prompt alone is taken by all."""
_IMPLIED = {"first_and_last_frame": "first_frame"}
"""A mode, and the one that goes without saying beside it: “First and last frame” alone is listed."""


@dataclass(frozen=True)
class Traits:
    """What some models offer, together."""

    specs: Sequence[ModelSpec]
    prices_of: PricesOf
    own: Collection[str]
    """The names of the models that the tenant's own account makes, free where they have no price."""

    @property
    def lengths(self) -> str:
        return in_seconds({seconds for spec in self.specs for seconds in spec.seconds.allowed})

    @property
    def price(self) -> str:
        """The price of a second without options, or from the lowest to the highest; empty without a price."""
        known = (self._per_second(spec) for spec in self.specs)
        usual = sorted(amount for amount in known if amount is not None)
        if not usual:
            return ""
        ends = dict.fromkeys(format_amount(amount) for amount in (usual[0], usual[-1]))
        return _("%(amount)s %(currency)s/s") % {
            "amount": "-".join(ends),
            "currency": settings.CURRENCY,
        }

    @property
    def is_free_on_own_account(self) -> bool:
        """Whether the tenant's own account makes all of them, and nothing is charged without options."""
        return all(spec.name in self.own and self._per_second(spec) == ZERO for spec in self.specs)

    @property
    def abilities(self) -> Sequence[str]:
        """What the models can be given besides a prompt, and sound where it has a price of its own."""
        most: dict[str, int] = {}
        for mode in (mode for spec in self.specs for mode in modes_of(spec)):
            most[mode.name] = max(mode.most_images, most.get(mode.name, 0))
        shown = most.keys() - {_IMPLIED.get(name) for name in most}
        able = [str(word) % {"most": most[name]} for name, word in WORDS.items() if name in shown]
        return [*able, *([_("Sound")] if self._has_sound else [])]

    def _per_second(self, spec: ModelSpec) -> Decimal | None:
        """The price of a second without options; none is needed on the tenant's own account."""
        usual = (price for price in self.prices_of(spec) if {*price["options"]} <= {OWN_ACCOUNT})
        found = next(usual, None)
        if found is None:
            return ZERO if spec.name in self.own else None
        return Decimal(found["per_second"])

    @property
    def _has_sound(self) -> bool:
        return any(AUDIO in price["options"] for spec in self.specs for price in self.prices_of(spec))


@dataclass(frozen=True)
class Card:
    """One choice of a step."""

    value: str
    label: str
    is_chosen: bool
    traits: Traits
    mark: str | Promise
    """What is said of it if nobody makes videos of any of its models now; else empty."""


@dataclass(frozen=True)
class Picker:
    """The three steps around the chosen model, which is among those on offer."""

    chosen: ModelSpec
    offered: Sequence[ModelSpec]
    prices_of: PricesOf
    marks: Mapping[str, str | Promise] = field(default_factory=dict)
    """What is said of the models that nobody makes videos of now, by their names."""
    own: Collection[str] = ()
    """The names of the models that the tenant's own account makes."""

    @property
    def families(self) -> Sequence[Card]:
        return self._cards(self.offered, lambda spec: spec.family, self.chosen.family)

    @property
    def versions(self) -> Sequence[Card]:
        """The versions of the chosen family."""
        return self._cards(self._of_family, lambda spec: spec.version, self.chosen.version)

    @property
    def resolutions(self) -> Sequence[Card]:
        """The models of the chosen version, which differ in their resolution."""
        return [
            self._card(spec.name, spec.resolution.lower(), [spec], is_chosen=spec == self.chosen)
            for spec in self._of_family
            if spec.version == self.chosen.version
        ]

    @property
    def traits(self) -> Traits:
        """What the chosen model offers."""
        return self._traits([self.chosen])

    @cached_property
    def _of_family(self) -> Sequence[ModelSpec]:
        return [spec for spec in self.offered if spec.family == self.chosen.family]

    def _cards(
        self, specs: Iterable[ModelSpec], value_of: Callable[[ModelSpec], str], chosen: str
    ) -> Sequence[Card]:
        groups: dict[str, list[ModelSpec]] = {}
        for spec in specs:
            groups.setdefault(value_of(spec), []).append(spec)
        return [
            self._card(value, value, members, is_chosen=value == chosen) for value, members in groups.items()
        ]

    def _card(self, value: str, label: str, specs: Sequence[ModelSpec], *, is_chosen: bool) -> Card:
        marks = [self.marks.get(spec.name, "") for spec in specs]
        return Card(value, label, is_chosen, self._traits(specs), marks[0] if all(marks) else "")

    def _traits(self, specs: Sequence[ModelSpec]) -> Traits:
        return Traits(specs, self.prices_of, self.own)


def in_seconds(lengths: Iterable[int]) -> str:
    """Lengths of videos as text, such as `3-15 s` or `5 or 10 s`."""
    ordered = sorted(lengths)
    first, last = ordered[0], ordered[-1]
    if len(ordered) == 1:
        return _("%(seconds)s s") % {"seconds": first}
    if last - first == len(ordered) - 1:
        return _("%(first)s-%(last)s s") % {"first": first, "last": last}
    return _("%(others)s or %(last)s s") % {"others": ", ".join(map(str, ordered[:-1])), "last": last}


def default(offered: Sequence[ModelSpec]) -> ModelSpec:
    """The model of a new form: the first one of a version that its family's name alone means."""
    return next((spec for spec in offered if _is_stable(spec)), offered[0])


def named(name: str, offered: Sequence[ModelSpec]) -> ModelSpec | None:
    """The model of that name, ignoring case, if it is on offer."""
    spec = catalogue.find(name)
    return spec if spec in offered else None


def picked(name: str, family: str, version: str, offered: Sequence[ModelSpec]) -> ModelSpec | None:
    """The model that a form means: that of the name, unless another family or version was chosen.

    Then it is one of those, if possible in the same resolution. None if the name is unknown.
    """
    before = named(name, offered)
    if before is None:
        return None
    if family and family != before.family:
        return _like(before, [spec for spec in offered if spec.family == family])
    if version and version != before.version:
        meant = (before.family, version)
        return _like(before, [spec for spec in offered if (spec.family, spec.version) == meant])
    return before


def _like(before: ModelSpec, choices: Sequence[ModelSpec]) -> ModelSpec:
    """The choice that suits best: a stable version, then the same resolution; by default the model before."""
    return max(
        choices, key=lambda spec: (_is_stable(spec), spec.resolution == before.resolution), default=before
    )


def _is_stable(spec: ModelSpec) -> bool:
    return catalogue.STABLE_VERSIONS.get(spec.family) == spec.version
