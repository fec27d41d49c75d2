"""Invites a person from the portal or the console, with an audit log entry and a rate-limited mail."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import structlog
from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit, mail, once
from accounts.members import invitations
from accounts.members.invitations import AlreadyMember, TenantSuspended
from accounts.models import AuditPlace, Invitation, Role, Tenant, User
from accounts.once import ChangedForm, FormIdField
from config.web.links import absolute

log = structlog.get_logger(__name__)

REFUSALS: dict[type[Exception], Promise] = {
    AlreadyMember: _("This person is already a member."),
    TenantSuspended: _("The tenant is suspended, so no members can be added."),
}
_MADE = "invitation"
_QUERY = "invited"
"""The parameter with the form of the invitation that the page shows."""
NOT_ONESELF = _("You cannot invite yourself. Ask somebody else to invite you.")


class InviteForm(forms.Form):
    """The e-mail address and role of the person to invite."""

    form_id = FormIdField()
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


@dataclass(frozen=True)
class Invited:
    """A new invitation, and its link; empty on pages, unless mail only goes to the terminal."""

    invitation: Invitation
    link: str


def invite(request: HttpRequest, tenant: Tenant, form: InviteForm, place: AuditPlace) -> str:
    """Create the invitation once for the valid form, and mail its link.

    Returns the query of the page that shows it; an empty one, with an error added to `form`, if refused.
    """
    try:
        with once.submission(request, _MADE) as sent:
            made = _created(request, tenant, form, place) if sent.is_first else None
            if made:
                # The inviter sees the link only if mail goes nowhere else.
                sent.keep(invitation=made.invitation.pk, link=made.link if mail.goes_to_terminal() else "")
    except ChangedForm:
        form.add_error(None, str(once.CHANGED))
    if form.errors:
        return ""
    if made:
        _tell(made)
    return f"?{urlencode({_QUERY: sent.form_id})}"


def invited(person: User, tenant: Tenant, query: QueryDict, now: datetime) -> Invited | None:
    """The invitation that the page is asked to show, if the person sent it some minutes ago."""
    form_id = once.form_id_in(query, _QUERY)
    made = once.result_of(person, form_id, _MADE, now)
    if made is None:
        return None
    invitation = invitations.unanswered(tenant).filter(pk=made["invitation"]).first()
    return Invited(invitation, made["link"]) if invitation else None


def _created(request: HttpRequest, tenant: Tenant, form: InviteForm, place: AuditPlace) -> Invited | None:
    """The new invitation; None, with an error added to `form`, if refused.

    Raises `PermissionDenied` if the request is anonymous.
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
    role, now = Role(form.cleaned_data["role"]), timezone.now()
    try:
        invitation, secret = invitations.invite(tenant, email, role, person, now)
    except tuple(REFUSALS) as refusal:
        form.add_error("email", str(REFUSALS[type(refusal)]))
        return None
    audit.record_row(audit.author(request, place), invitation, ({}, {"role": invitation.role}), now)
    return Invited(invitation, absolute(invitations.path(secret), request))


def _tell(made: Invited) -> None:
    invitation = made.invitation
    by, role = invitation.invited_by_id, invitation.role
    log.info("member invited", tenant=str(invitation.tenant_id), by=by, role=role)
    context = {"link": made.link, "invitation": invitation, "tenant": invitation.tenant}
    mail.send("invitation", invitation.email, context)
