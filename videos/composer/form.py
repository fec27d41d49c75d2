"""The form, validated by the same code as the API's requests."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import APIKey
from videos import explanations
from videos.composer.answers import REPEATED_FIELDS, Answers
from videos.composer.body import body_of, names
from videos.composer.places import NON_FIELD, FieldPlace, place_of
from videos.errors import KeyRefused, MaxCostExceeded, ModelNotAllowed, NoPrice
from videos.requests import InvalidRequestError, Violation, parse
from videos.routing.offers import Offers
from videos.tasks import admission, orders
from videos.tasks.admission import Caller
from videos.tasks.idempotency import Fingerprint, hash_of
from videos.tasks.orders import Checked

FORM_ID = "form_id"
_FORM_KEY = "form-{}"
"""The idempotency key of a form: submitted twice, it creates one task."""
_FORMER_NAMES: Mapping[str, str] = {"element_ids": "elements"}
"""What fields were called before: pages that are still open and drafts in browsers send them so."""
_FIELDS_OF_REFUSALS: Mapping[type[Exception], str] = {
    MaxCostExceeded: "max_cost",
    NoPrice: "model",
    ModelNotAllowed: "model",
}
"""Where refusals are shown that concern one field."""


class Many(forms.Field):
    """A repeated field."""

    widget = forms.MultipleHiddenInput


class VideoForm(forms.Form):
    """A request for a video, without rules of its own: `clean` applies the API's.

    If it is valid, `checked` is the request with its price and the tenant's snapshot.
    """

    def __init__(self, answers: Answers, caller: Caller | None) -> None:
        """`caller` is the person, with the key that their videos are counted under.

        Without it, the rules are checked, but nothing is priced and the form is invalid.
        """
        super().__init__(_as_data(answers))
        self.answers = answers
        self.body = body_of(answers)
        self.caller = caller
        self.checked: Checked | None = None
        self.problems: dict[FieldPlace, list[str]] = defaultdict(list)
        """What is wrong, in a sentence each, by the place where it is shown."""
        self.violations: list[Violation] = []
        """What is wrong as programs would be told."""
        for name in names():
            self.fields[name] = (
                Many(required=False) if name in REPEATED_FIELDS else forms.Field(required=False)
            )

    def clean(self) -> dict[str, Any]:
        """Explains each violation at its field."""
        try:
            self._check()
        except InvalidRequestError as error:
            self.report(error.violations)
        except (MaxCostExceeded, NoPrice, ModelNotAllowed, KeyRefused) as error:
            for sentence in explanations.of_error(error):
                self._report(FieldPlace(_FIELDS_OF_REFUSALS.get(type(error), NON_FIELD)), sentence)
        return self.cleaned_data

    def report(self, violations: Sequence[Violation]) -> None:
        """Explain violations at their fields."""
        self.violations += violations
        for violation in violations:
            self._report(place_of(violation, self.answers), explanations.of_violation(violation))

    def _check(self) -> None:
        if self.caller is None:
            self._report(FieldPlace("tenant"), _("Choose a tenant."))
            parse(self.body, lambda name: Offers.current().find(name))
        else:
            self.checked = orders.check(self.body, self.caller, admission.read_snapshot(self.caller))

    def _report(self, place: FieldPlace, sentence: str) -> None:
        if sentence not in self.problems[place]:
            self.problems[place].append(sentence)
            self.add_error(place.field if place.field in self.fields else None, sentence)


def caller_at(key: APIKey, form_id: str, answers: Answers, now: datetime) -> Caller:
    """A person at a form, under the key that stands for people; `form_id` gives the idempotency key."""
    fingerprint = Fingerprint(hash_of(body_of(answers)), _FORM_KEY.format(form_id))
    return Caller.of(key, now, fingerprint)


def answers_from(sent: QueryDict) -> dict[str, list[str]]:
    """The form's fields among the submitted data."""
    sent_as = {name: name if name in sent else _FORMER_NAMES.get(name, name) for name in names()}
    return {name: [str(value) for value in sent.getlist(key)] for name, key in sent_as.items() if key in sent}


def form_id_from(sent: QueryDict) -> str:
    """The id of the submitted form; a new one if it is missing or invalid."""
    try:
        return str(UUID(sent.get(FORM_ID, "")))
    except ValueError:
        return str(uuid4())


def _as_data(answers: Mapping[str, Sequence[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, values in answers.items():
        data.setlist(name, list(values))
    return data
