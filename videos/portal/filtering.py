"""The filter form of the history; its values are in the URL's query."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Tenant
from accounts.pages.key_states import key_name
from config.web.day_fields import DaysForm
from videos import catalogue
from videos.listing.history import AT_WORK, Filters
from videos.listing.search import LONGEST_SEARCH
from videos.requests.values import without_unstorable

STATUSES = {
    AT_WORK: _("Unfinished"),
    "queued": _("Queued"),
    "in_progress": _("In progress"),
    "completed": _("Completed"),
    "failed": _("Failed or cancelled"),
}
_ANY = ("", _("All"))
MOST_KEYS = 200
"""API keys offered by the filter."""


class FilterForm(DaysForm):
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
