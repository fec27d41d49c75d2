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
from videos.composer.body import REPEATED_FIELDS, Answers, body_of, names
from videos.composer.places import NON_FIELD, FieldPlace, place_of
from videos.errors import KeyRefused, MaxCostExceeded, ModelNotAllowed, NoPrice
from videos.requests import InvalidRequestError, parse
from videos.routing.offers import Offers
from videos.tasks import admission, orders
from videos.tasks.admission import Caller
from videos.tasks.idempotency import Fingerprint, hash_of
from videos.tasks.orders import Checked

FORM_ID = "form_id"
_FORM_KEY = "form-{}"
"""The idempotency key of a form: submitted twice, it creates one task."""


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
        """Error messages by the place where they are shown."""
        for name in names():
            self.fields[name] = (
                Many(required=False) if name in REPEATED_FIELDS else forms.Field(required=False)
            )

    def clean(self) -> dict[str, Any]:
        """Adds each violation to its field, with the API's message."""
        try:
            self._check()
        except InvalidRequestError as error:
            for violation in error.violations:
                self._report(place_of(violation, self.answers), violation.message)
        except MaxCostExceeded as error:
            self._report(FieldPlace("max_cost"), str(error))
        except (NoPrice, ModelNotAllowed) as error:
            self._report(FieldPlace("model"), str(error))
        except KeyRefused:
            self._report(
                FieldPlace(NON_FIELD), _("The tenant is suspended, so no videos can be created for it.")
            )
        return self.cleaned_data

    def _check(self) -> None:
        if self.caller is None:
            self._report(FieldPlace("tenant"), _("Choose a tenant."))
            parse(self.body, lambda name: Offers.current().find(name))
        else:
            self.checked = orders.check(self.body, self.caller, admission.read_snapshot(self.caller))

    def _report(self, place: FieldPlace, message: str) -> None:
        self.problems[place].append(message)
        self.add_error(place.field if place.field in self.fields else None, message)


def caller_at(key: APIKey, form_id: str, answers: Answers, now: datetime) -> Caller:
    """A person at a form, under the key that stands for people; `form_id` gives the idempotency key."""
    fingerprint = Fingerprint(hash_of(body_of(answers)), _FORM_KEY.format(form_id))
    return Caller.of(key, now, fingerprint)


def answers_from(sent: QueryDict) -> dict[str, list[str]]:
    """The form's fields among the submitted data."""
    return {name: [str(value) for value in sent.getlist(name)] for name in names() if name in sent}


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
