"""The form: what was filled in, judged by the very code that judges what programs post."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import APIKey
from videos.composer.body import MANY, Answers, body_of, names
from videos.composer.places import EVERYWHERE, FieldPlace, place_of
from videos.errors import KeyRefused, MaxCostExceeded, ModelNotAllowed, NoPrice
from videos.requests import InvalidRequestError, parse
from videos.routing.offers import Offers
from videos.tasks import admission, orders
from videos.tasks.admission import Caller
from videos.tasks.idempotency import Fingerprint, hash_of
from videos.tasks.orders import Checked

FORM_ID = "form_id"
_FORM_KEY = "form-{}"
"""The idempotency key of a form: sent twice, it makes one task."""


class Many(forms.Field):
    """A field that is sent several times."""

    widget = forms.MultipleHiddenInput


class VideoForm(forms.Form):
    """A request for a video. It has no rules of its own: `clean` asks the API's.

    Once it is valid, `checked` is the request with its price, and with what the tenant had then.
    """

    def __init__(self, answers: Answers, caller: Caller | None) -> None:
        """`caller` stands for the person, with the key that the person's videos are counted under.

        Without one, rules are checked all the same, but nothing is priced and the form is not valid.
        """
        super().__init__(_as_data(answers))
        self.answers = answers
        self.body = body_of(answers)
        self.caller = caller
        self.checked: Checked | None = None
        self.problems: dict[FieldPlace, list[str]] = defaultdict(list)
        """What is wrong, by where it is shown."""
        for name in names():
            self.fields[name] = Many(required=False) if name in MANY else forms.Field(required=False)

    def clean(self) -> dict[str, Any]:
        """Judge the body; each violation is an error of its field, in the API's words."""
        try:
            self._judge()
        except InvalidRequestError as error:
            for violation in error.violations:
                self._refuse(place_of(violation, self.answers), violation.message)
        except MaxCostExceeded as error:
            self._refuse(FieldPlace("max_cost"), str(error))
        except (NoPrice, ModelNotAllowed) as error:
            self._refuse(FieldPlace("model"), str(error))
        except KeyRefused:
            self._refuse(FieldPlace(EVERYWHERE), _("The tenant is suspended: nothing can be made for it."))
        return self.cleaned_data

    def _judge(self) -> None:
        if self.caller is None:
            self._refuse(FieldPlace("tenant"), _("Choose a tenant."))
            parse(self.body, Offers.current().find)
        else:
            self.checked = orders.check(self.body, self.caller, admission.look(self.caller))

    def _refuse(self, place: FieldPlace, message: str) -> None:
        self.problems[place].append(message)
        self.add_error(place.field if place.field in self.fields else None, message)


def caller_at(key: APIKey, form_id: str, answers: Answers, now: datetime) -> Caller:
    """Somebody at a form, under the key that stands for people; `form_id` tells one form from another."""
    fingerprint = Fingerprint(hash_of(body_of(answers)), _FORM_KEY.format(form_id))
    return Caller.of(key, now, fingerprint)


def answers_from(sent: QueryDict) -> dict[str, list[str]]:
    """What a browser sent of the form's fields."""
    return {name: [str(value) for value in sent.getlist(name)] for name in names() if name in sent}


def form_id_from(sent: QueryDict) -> str:
    """The id of the form that was sent; a new one where it is missing or none."""
    try:
        return str(UUID(sent.get(FORM_ID, "")))
    except ValueError:
        return str(uuid4())


def _as_data(answers: Mapping[str, Sequence[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, values in answers.items():
        data.setlist(name, list(values))
    return data
