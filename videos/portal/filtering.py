"""The form that narrows the history down; what it says stands in the address."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Tenant
from accounts.pages.key_states import key_name
from videos import catalogue
from videos.listing.history import AT_WORK, Filters
from videos.listing.search import LONGEST_SEARCH
from videos.requests.values import without_unstorable

EARLIEST, LATEST = date(1970, 1, 2), date(9999, 12, 30)
"""Days that ids can tell, in every time zone."""
STATUSES = {
    AT_WORK: _("At work"),
    "queued": _("Queued"),
    "in_progress": _("In progress"),
    "completed": _("Completed"),
    "failed": _("Failed or cancelled"),
}
_ANY = ("", _("All"))
MOST_KEYS = 200
"""Keys to choose from."""


class FilterForm(forms.Form):
    """What the viewer asks for. A field that cannot be understood is as if it were empty, and says why."""

    q = forms.CharField(
        label=_("All these words in the prompt"),
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    status = forms.ChoiceField(label=_("Status"), required=False)
    model = forms.ChoiceField(label=_("Model"), required=False)
    key = forms.ChoiceField(label=_("Made by"), required=False)
    start = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    end = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, query: QueryDict, tenant: Tenant) -> None:
        super().__init__(query, label_suffix="")
        self._keys = _keys(tenant, query.get("key", ""))
        self._offer("status", STATUSES.items())
        self._offer("model", _models())
        self._offer("key", [(key.prefix, f"{key_name(key)} ({key.prefix}…)") for key in self._keys])

    @property
    def is_narrow(self) -> bool:
        """Whether the fields that are not always seen say something."""
        return any(self.data.get(name) for name in ("model", "key", "start", "end"))

    def clean(self) -> dict[str, Any]:
        """The two days in their order."""
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            self.add_error("end", _("This is before the first day."))
        return self.cleaned_data

    def clean_start(self) -> date | None:
        """A day that a video can be of."""
        return _day(self.cleaned_data["start"])

    def clean_end(self) -> date | None:
        """Likewise."""
        return _day(self.cleaned_data["end"])

    def filters(self) -> Filters:
        """What was understood."""
        self.is_valid()
        said = self.cleaned_data
        return Filters(
            zone=timezone.get_current_timezone(),
            status=said.get("status", ""),
            model=said.get("model", ""),
            api_key_id=next((key.pk for key in self._keys if key.prefix == said.get("key")), None),
            created_from=said.get("start"),
            created_to=said.get("end"),
            words=said.get("q", ""),
        )

    def _offer(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - those above that are given choices
        field.choices = [_ANY, *choices]


def _day(day: date | None) -> date | None:
    if day is not None and not EARLIEST <= day <= LATEST:
        raise forms.ValidationError(_("There are no videos of that time."))
    return day


def _keys(tenant: Tenant, chosen: str) -> list[APIKey]:
    """The keys to choose from, by name: those made last, and the one that is asked for."""
    keys = APIKey.objects.filter(tenant=tenant).only("prefix", "name", "purpose")
    found = {key.pk: key for key in keys.order_by("-pk")[:MOST_KEYS]}
    if chosen and len(found) == MOST_KEYS:
        found |= {key.pk: key for key in keys.filter(prefix=without_unstorable(chosen))}
    return sorted(found.values(), key=lambda key: (key.name, key.pk))


def _models() -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    for family, specs in groupby(catalogue.MODELS, key=lambda spec: spec.family):
        yield family, [(spec.name, spec.name) for spec in specs]
