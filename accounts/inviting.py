"""Inviting somebody at a form, in the portal or the console: on record, by mail, and not too often."""

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, invitations, mail, mail_limits
from accounts.invitations import AlreadyMember
from accounts.links import absolute
from accounts.models import Invitation, Role, Tenant, User


class InviteForm(forms.Form):
    """Whom to invite, and what they may do."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


def invite(
    request: HttpRequest, tenant: Tenant, by: User, form: InviteForm, reason: str
) -> tuple[Invitation, str] | None:
    """Make the invitation and mail its link. Returns both, for the link is shown once.

    None where the form, which is valid, is refused: it says why.
    """
    email = form.cleaned_data["email"]
    if not mail_limits.permits("invitation", email, request):
        form.add_error("email", str(mail_limits.TOO_OFTEN))
        return None
    try:
        made, secret = _made(tenant, by, email, Role(form.cleaned_data["role"]), reason)
    except AlreadyMember:
        form.add_error("email", str(_("This person is a member already.")))
        return None
    link = absolute(invitations.path(secret), request)
    mail.send("invitation", made.email, {"link": link, "invitation": made, "tenant": tenant})
    return made, link


@transaction.atomic
def _made(tenant: Tenant, by: User, email: str, role: Role, reason: str) -> tuple[Invitation, str]:
    now = timezone.now()
    made, secret = invitations.invite(tenant, email, role, by, now)
    audit.record(by, f"invitation of {made.email}", reason, {}, {"role": made.role}, now, tenant)
    return made, secret
