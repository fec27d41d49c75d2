"""The people of a tenant: who they are, what they may do, and who is invited."""

from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.members import invitations, memberships
from accounts.members.memberships import NEEDS_OWNER, LastOwner
from accounts.models import AuditPlace, Invitation, Membership, Role
from accounts.pages import invite
from accounts.pages.invite import InviteForm
from accounts.portal.base import TenantPage
from accounts.portal.keys import left_keys

log = structlog.get_logger(__name__)


class RoleForm(forms.Form):
    """What a member may do from now on."""

    role = forms.ChoiceField(choices=Role.choices)


class _Page(TenantPage):
    """What the routes about members have in common."""

    template_name = "portal/members.html"
    section = "members"

    def note(self, event: str, **details: Any) -> None:
        """Log what the person did."""
        log.info(event, tenant=str(self.tenant.pk), by=self.person.pk, **details)

    def back(self) -> HttpResponse:
        """To the list."""
        return HttpResponseRedirect(reverse("account:members", args=[self.tenant.pk]))


class MembersPage(_Page):
    """Who belongs to the tenant; an owner invites."""

    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, and for an owner the forms."""
        return self.render_to_response(self.get_context_data(form=InviteForm()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Invite somebody."""
        form = InviteForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        invited = invite.invite(request, self.tenant, form, AuditPlace.PORTAL)
        if invited is None:
            return self.render_to_response(self.get_context_data(form=form))
        self.note("member invited", role=invited.invitation.role)
        return self.render_to_response(self.get_context_data(form=InviteForm(), invited=invited))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With everybody there is."""
        members = Membership.objects.filter(tenant=self.tenant).select_related("user")
        return super().get_context_data(
            members=members.order_by("user__username"),
            invitations=invitations.unanswered(self.tenant),
            role_choices=Role.choices,
            now=timezone.now(),
            **kwargs,
        )


class _MemberChange(_Page):
    """A change of one member's place, by an owner."""

    roles = {"POST": Role.OWNER}

    def post(self, request: HttpRequest, member_id: int = 0) -> HttpResponse:
        """Make the change; the last owner's place stays as it is."""
        try:
            with transaction.atomic():
                self.change(member_id)
        except Membership.DoesNotExist as error:
            raise Http404 from error
        except LastOwner:
            messages.error(request, NEEDS_OWNER)
        return self.after()

    def change(self, member_id: int) -> None:
        """What is changed. Raises `Membership.DoesNotExist` and `LastOwner`."""
        raise NotImplementedError

    def after(self) -> HttpResponse:
        """Where to go then."""
        return self.back()


class RolePage(_MemberChange):
    """Another role for a member."""

    def change(self, member_id: int) -> None:
        """Give the role."""
        form = RoleForm(self.request.POST)
        if not form.is_valid():
            messages.error(self.request, _("There is no such role."))
            return
        before = memberships.locked(self.tenant, member_id).role
        changed = memberships.change_role(self.tenant, member_id, Role(form.cleaned_data["role"]))
        self.record(audit.subject_of(changed), ({"role": before}, {"role": changed.role}))
        if Role(changed.role).rank < Role(before).rank:
            self.end_sessions(changed.user)
        self.note("role of a member changed", member=changed.user_id, role=changed.role)
        messages.success(self.request, _("%(person)s: the role is changed.") % {"person": changed.user})


class RemovePage(_MemberChange):
    """A member less."""

    leaves_keys = False

    def change(self, member_id: int) -> None:
        """Remove the member."""
        gone = memberships.remove(self.tenant, member_id)
        self.record(audit.subject_of(gone), ({"role": gone.role}, {}))
        self.end_sessions(gone.user)
        self.note("member removed", member=gone.user_id)
        messages.success(self.request, _("%(person)s is a member no more.") % {"person": gone.user})
        self.leaves_keys = left_keys(self.tenant, timezone.now()).filter(made_by=gone.user).exists()

    def after(self) -> HttpResponse:
        """To the keys that the person made, where some still work."""
        if self.leaves_keys:
            return HttpResponseRedirect(reverse("account:left-keys", args=[self.tenant.pk]))
        return self.back()


class LeavePage(_MemberChange):
    """The person's own way out."""

    roles = {"POST": Role.MEMBER}

    def change(self, member_id: int) -> None:
        """Remove who asks."""
        gone = memberships.remove(self.tenant, self.membership.pk)
        self.record(audit.subject_of(gone), ({"role": gone.role}, {}))
        self.end_sessions(gone.user)
        self.note("member left")
        messages.success(self.request, _("You are a member of %(tenant)s no more.") % {"tenant": self.tenant})

    def after(self) -> HttpResponse:
        """To what is left to them."""
        still = Membership.objects.filter(pk=self.membership.pk).exists()
        return self.back() if still else HttpResponseRedirect(reverse("people:profile"))


class WithdrawPage(_Page):
    """An invitation less."""

    roles = {"POST": Role.OWNER}

    def post(self, request: HttpRequest, invitation_id: int = 0) -> HttpResponse:
        """Withdraw it, if nobody was faster."""
        invitation = get_object_or_404(Invitation, tenant=self.tenant, pk=invitation_id)
        if self._withdraw(invitation):
            self.note("invitation withdrawn", invitation=invitation_id)
            messages.success(request, _("The invitation is withdrawn; its link works no more."))
        else:
            messages.info(request, _("The invitation was used or withdrawn already."))
        return self.back()

    @transaction.atomic
    def _withdraw(self, invitation: Invitation) -> bool:
        is_withdrawn = invitations.withdraw(self.tenant, invitation.pk, timezone.now())
        if is_withdrawn:
            self.record(audit.subject_of(invitation), ({"role": invitation.role}, {}))
        return is_withdrawn
