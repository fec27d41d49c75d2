"""The filter form of the history; its values are in the URL's query."""

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
"""The range of dates that ids (UUIDv7) can represent in every time zone."""
STATUSES = {
    AT_WORK: _("Running"),
    "queued": _("Queued"),
    "in_progress": _("In progress"),
    "completed": _("Completed"),
    "failed": _("Failed or cancelled"),
}
_ANY = ("", _("All"))
MOST_KEYS = 200
"""API keys offered by the filter."""


class FilterForm(forms.Form):
    """The history's filters. An invalid field counts as empty and shows its error."""

    q = forms.CharField(
        label=_("Prompt contains all words"),
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    status = forms.ChoiceField(label=_("Status"), required=False)
    model = forms.ChoiceField(label=_("Model"), required=False)
    key = forms.ChoiceField(label=_("Created by"), required=False)
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
        """Whether one of the collapsed fields is set."""
        return any(self.data.get(name) for name in ("model", "key", "start", "end"))

    def clean(self) -> dict[str, Any]:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            self.add_error("end", _("This is before the first day."))
        return self.cleaned_data

    def clean_start(self) -> date | None:
        return _day(self.cleaned_data["start"])

    def clean_end(self) -> date | None:
        return _day(self.cleaned_data["end"])

    def filters(self) -> Filters:
        self.is_valid()
        data = self.cleaned_data
        return Filters(
            zone=timezone.get_current_timezone(),
            status=data.get("status", ""),
            model=data.get("model", ""),
            api_key_id=next((key.pk for key in self._keys if key.prefix == data.get("key")), None),
            created_from=data.get("start"),
            created_to=data.get("end"),
            words=data.get("q", ""),
        )

    def _offer(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - called for choice fields only
        field.choices = [_ANY, *choices]


def _day(day: date | None) -> date | None:
    if day is not None and not EARLIEST <= day <= LATEST:
        raise forms.ValidationError(_("This date is out of range."))
    return day


def _keys(tenant: Tenant, chosen: str) -> list[APIKey]:
    """The newest `MOST_KEYS` keys and the chosen one, sorted by name."""
    keys = APIKey.objects.filter(tenant=tenant).only("prefix", "name", "purpose")
    found = {key.pk: key for key in keys.order_by("-pk")[:MOST_KEYS]}
    if chosen and len(found) == MOST_KEYS:
        found |= {key.pk: key for key in keys.filter(prefix=without_unstorable(chosen))}
    return sorted(found.values(), key=lambda key: (key.name, key.pk))


def _models() -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    for family, specs in groupby(catalogue.MODELS, key=lambda spec: spec.family):
        yield family, [(spec.name, spec.name) for spec in specs]
