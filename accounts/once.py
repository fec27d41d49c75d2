"""Forms that make something once, however often they are sent.

Each form is shown with an id of its own. Sent again, by a double click, a reload or after a lost answer, it
makes nothing more: its first result is shown again, for `LIFE`, to the person who sent it and to nobody else.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models import FormResult, User

LIFE = timedelta(minutes=10)
"""How long a result is shown again; secrets among it are kept no longer."""
REMEMBERED = timedelta(days=30)
"""How long a form that is sent again is recognised."""
FORM_ID = "form_id"
CHECK = _("Check the form and send it again.")
CHANGED = _("This form was already sent with other values. Check it and send it again.")
NOT_SHOWN = _("This was already created and can no longer be shown.")
_OF_THE_FORM = {FORM_ID, "csrfmiddlewaretoken"}
"""Fields that say nothing of what is to be made."""
_SALT = "accounts.once"


class ChangedForm(Exception):
    """The form was sent before, with other values, so it is unclear whether another result is wanted."""


class FormIdField(forms.UUIDField):
    """The id of a form, which is another one each time that the form is shown."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        wrong = {"required": CHECK, "invalid": CHECK}
        super().__init__(initial=uuid4, label="", error_messages=wrong, **kwargs)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """A form that is shown again with its errors has made nothing."""
        return uuid4()


class Submission:
    """A form as somebody sends it, for the first time or again."""

    def __init__(self, row: FormResult, *, is_first: bool) -> None:
        self._row = row
        self.is_first = is_first

    @property
    def form_id(self) -> UUID:
        return self._row.form_id

    @property
    def result(self) -> dict[str, Any] | None:
        """What the form made; None if it can no longer be shown."""
        return _result(self._row, timezone.now())

    def keep(self, **result: Any) -> None:
        """Store what the form made, as JSON types.

        Without it, nothing is saved, and the form can be sent again as if for the first time.
        """
        self._row.result = json.dumps(result)
        self._row.save(update_fields=["result"])


@contextmanager
def submission(request: HttpRequest, kind: str) -> Iterator[Submission]:
    """The form in the request, in the transaction in which it makes something of that `kind`.

    Only the first may make it, and `keep` it. One that is sent at the same moment waits until that is done.
    Raises `ChangedForm`, and `PermissionDenied` if the request is anonymous or its form has no id.
    """
    form_id = form_id_in(request.POST)
    if form_id is None or not isinstance(request.user, User):
        raise PermissionDenied
    described = {"kind": kind, "digest": _digest(request)}
    with transaction.atomic():
        row, is_first = FormResult.objects.get_or_create(
            person=request.user, form_id=form_id, defaults={**described, "created_at": timezone.now()}
        )
        if {name: getattr(row, name) for name in described} != described:
            raise ChangedForm
        yield Submission(row, is_first=is_first)
        if is_first and row.result is None:
            transaction.set_rollback(True)


def put(person: User, kind: str, **result: Any) -> UUID:
    """Store a result for the next page to show, and return the form id under which it is found.

    For results that may be made twice without harm; others need `submission`.
    """
    made = {"form_id": uuid4(), "kind": kind, "created_at": timezone.now(), "result": json.dumps(result)}
    return FormResult.objects.create(person=person, **made).form_id


def result_of(person: User, form_id: UUID | None, kind: str, now: datetime) -> dict[str, Any] | None:
    """What the person's form made; None if there is nothing, or it can no longer be shown."""
    if form_id is None:
        return None
    row = FormResult.objects.filter(person=person, form_id=form_id, kind=kind).first()
    return None if row is None else _result(row, now)


def forget(person: User, form_id: UUID) -> None:
    """Stop showing the result; the form, if sent again, still makes nothing more."""
    FormResult.objects.filter(person=person, form_id=form_id).update(result=None)


def form_id_in(sent: QueryDict, name: str = FORM_ID) -> UUID | None:
    """The id of the form; None if it is missing or invalid."""
    try:
        return UUID(sent.get(name, ""))
    except ValueError:
        return None


def remove_expired(now: datetime) -> None:
    """Remove results older than `LIFE`, and forms older than `REMEMBERED`."""
    FormResult.objects.filter(created_at__lte=now - LIFE, result__isnull=False).update(result=None)
    FormResult.objects.filter(created_at__lte=now - REMEMBERED).delete()


def _result(row: FormResult, now: datetime) -> dict[str, Any] | None:
    if row.result is None or row.created_at <= now - LIFE:
        return None
    result: dict[str, Any] = json.loads(row.result)
    return result


def _digest(request: HttpRequest) -> str:
    """Of what was sent and where. Keyed, as there may be a password among it."""
    values = sorted((name, given) for name, given in request.POST.lists() if name not in _OF_THE_FORM)
    sent = f"{request.path}?{urlencode(values, doseq=True)}"
    return salted_hmac(_SALT, sent, algorithm="sha256").hexdigest()
