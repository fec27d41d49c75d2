"""The page that invites a person to a tenant, such as its first owner."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.console.reasons import person
from accounts.console.tenant_pages import tenant_page
from accounts.members import appointing
from accounts.models import AuditPlace, Tenant, User
from accounts.pages import invite
from accounts.pages.invite import InviteForm


class ThemedInviteForm(InviteForm):
    """The invite form in the console's look; the default role is owner if the inviter may give it."""

    def __init__(self, inviter: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = appointing.roles_to_give(inviter)
        self.fields["role"] = forms.ChoiceField(
            label=_("Role"), choices=[(role.value, role.label) for role in roles], initial=roles[0]
        )
        for field in self.fields.values():
            field.widget.attrs["class"] = "control"


def invite_page(request: HttpRequest, tenant: Tenant, site: AdminSite) -> HttpResponse:
    """The page with the form, and after an invitation with its link."""
    staff = person(request)
    form = ThemedInviteForm(staff, request.POST or None)
    query = form.is_valid() and invite.invite(request, tenant, form, AuditPlace.CONSOLE)
    if query:
        return HttpResponseRedirect(reverse("admin:accounts_tenant_invite", args=[tenant.pk]) + query)
    invited = invite.invited(staff, tenant, request.GET, timezone.now())
    title = gettext("Invite somebody to %(tenant)s") % {"tenant": tenant}
    template = "admin/accounts/tenant/invite.html"
    return tenant_page(request, site, template, tenant, title=title, form=form, invited=invited)
