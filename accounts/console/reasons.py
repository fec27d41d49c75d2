"""Forms of the staff console whose changes need a reason for the audit log."""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit
from accounts.models import AuditPlace, Tenant, User
from accounts.pages.changes_form import ChangesForm

NO_REASON = _("Enter a reason for the change.")
LONGEST_REASON = 2000
"""Characters: a reason stays in the audit log for ever, and some in the log of the server."""

_Row = TypeVar("_Row", bound=Model)


def reason_field(*, required: bool) -> forms.CharField:
    """The field for the reason."""
    return forms.CharField(
        label=_("Reason"),
        required=required,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        error_messages={"required": NO_REASON},
    )


class ReasonForm(forms.Form):
    """Asks only for a reason."""

    reason = reason_field(required=True)

    @property
    def problem(self) -> str:
        """What is wrong first, for a page that shows no form; empty if nothing is."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")


class AuditedForm(ChangesForm[_Row]):
    """Requires a reason if one of the `audited` fields changes."""

    reason = reason_field(required=False)
    audited: ClassVar[frozenset[str]]
    new_needs_reason: ClassVar[bool] = False
    """Whether a new row needs a reason too."""

    def needs_reason(self) -> bool:
        if self.instance._state.adding and not self.new_needs_reason:
            return False
        return not self.audited.isdisjoint(self.changed_data)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.needs_reason() and not self.cleaned_data.get("reason"):
            self.add_error("reason", NO_REASON)
        return self.cleaned_data


def person(request: HttpRequest) -> User:
    """The user logged in. Raises `PermissionDenied` if there is none."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def record(
    request: HttpRequest,
    subject: audit.Subject,
    reason: str,
    change: audit.Change,
    tenant: Tenant | None = None,
) -> None:
    """Record the change by the user logged in; does nothing if nothing changed."""
    by = audit.author(request, AuditPlace.CONSOLE)
    audit.record_change(by, subject, change, timezone.now(), tenant, reason)
