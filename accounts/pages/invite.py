"""Invites a person from the portal or the console, with an audit log entry and a rate-limited mail."""

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
    TenantSuspended: _("The tenant is suspended, so no members can be added."),
}
NOT_ONESELF = _("You cannot invite yourself. Ask somebody else to invite you.")


class InviteForm(forms.Form):
    """The e-mail address and role of the person to invite."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


@dataclass(frozen=True)
class Invited:
    """A new invitation, and its link if mail only goes to the terminal (else empty)."""

    invitation: Invitation
    link: str


def invite(request: HttpRequest, tenant: Tenant, form: InviteForm, place: AuditPlace) -> Invited | None:
    """Create the invitation and mail its link, which the inviter does not see.

    Returns None and adds an error to `form`, which is valid, if refused. Raises `PermissionDenied` if the
    request is anonymous.
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
        invitation, secret = _create(tenant, person, by, email, role, timezone.now())
    except tuple(REFUSALS) as refusal:
        form.add_error("email", str(REFUSALS[type(refusal)]))
        return None
    link = absolute(invitations.path(secret), request)
    mail.send("invitation", invitation.email, {"link": link, "invitation": invitation, "tenant": tenant})
    return Invited(invitation, link if mail.goes_to_terminal() else "")


@transaction.atomic
def _create(
    tenant: Tenant, person: User, by: audit.Author, email: str, role: Role, now: datetime
) -> tuple[Invitation, str]:
    invitation, secret = invitations.invite(tenant, email, role, person, now)
    audit.record_row(by, invitation, ({}, {"role": invitation.role}), now)
    return invitation, secret
