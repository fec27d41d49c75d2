"""Inviting somebody at a form, in the portal or the console: on record, by mail, and not too often."""

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit, mail
from accounts.members import invitations
from accounts.members.invitations import AlreadyMember, TenantSuspended
from accounts.models import AuditPlace, Invitation, Role, Tenant, User
from config.web.links import absolute

REFUSALS: dict[type[Exception], Promise] = {
    AlreadyMember: _("This person is a member already."),
    TenantSuspended: _("The tenant is suspended: nobody joins it."),
}
NOT_ONESELF = _("Nobody invites themselves: somebody else has to.")


class InviteForm(forms.Form):
    """Whom to invite, and what they may do."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


@dataclass(frozen=True)
class Invited:
    """An invitation that was made, and its link, where the mail goes to the terminal and nobody gets it."""

    invitation: Invitation
    link: str


def invite(request: HttpRequest, tenant: Tenant, form: InviteForm, place: AuditPlace) -> Invited | None:
    """Make the invitation and mail its link, which whoever invites does not see.

    None where the form, which is valid, is refused: it says why. Raises `PermissionDenied` for nobody.
    """
    person = request.user
    if not isinstance(person, User):
        raise PermissionDenied
    email = form.cleaned_data["email"]
    if person.email and person.email.lower() == email.lower():
        form.add_error("email", str(NOT_ONESELF))
        return None
    if not mail.permits("invitation", email, request):
        form.add_error("email", str(mail.TOO_OFTEN))
        return None
    by, role = audit.author(request, place), Role(form.cleaned_data["role"])
    try:
        made, secret = _made(tenant, person, by, email, role, timezone.now())
    except tuple(REFUSALS) as refusal:
        form.add_error("email", str(REFUSALS[type(refusal)]))
        return None
    link = absolute(invitations.path(secret), request)
    mail.send("invitation", made.email, {"link": link, "invitation": made, "tenant": tenant})
    return Invited(made, link if mail.goes_to_terminal() else "")


@transaction.atomic
def _made(
    tenant: Tenant, person: User, by: audit.Author, email: str, role: Role, now: datetime
) -> tuple[Invitation, str]:
    made, secret = invitations.invite(tenant, email, role, person, now)
    audit.record_row(by, made, ({}, {"role": made.role}), now)
    return made, secret
