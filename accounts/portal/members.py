"""The members of a tenant, their roles, and invitations."""

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
from accounts.members.naming import Names
from accounts.models import AuditPlace, Invitation, Membership, Role
from accounts.pages import invite
from accounts.pages.invite import InviteForm
from accounts.pages.key_states import left_keys
from accounts.portal.base import TenantPage

log = structlog.get_logger(__name__)


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role.choices)


class _Page(TenantPage):
    """The base of the views about members."""

    template_name = "portal/members.html"
    section = "members"

    def note(self, event: str, **details: Any) -> None:
        """Log an event with the tenant and the person."""
        log.info(event, tenant=str(self.tenant.pk), by=self.person.pk, **details)

    def back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("account:members", args=[self.tenant.pk]))


class MembersPage(_Page):
    """Lists the members and open invitations; owners can invite."""

    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    def get(self, request: HttpRequest) -> HttpResponse:
        invited = invite.invited(self.person, self.tenant, request.GET, timezone.now())
        return self.render_to_response(self.get_context_data(form=InviteForm(), invited=invited))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = InviteForm(request.POST)
        query = form.is_valid() and invite.invite(request, self.tenant, form, AuditPlace.PORTAL)
        if not query:
            return self.render_to_response(self.get_context_data(form=form))
        return HttpResponseRedirect(reverse("account:members", args=[self.tenant.pk]) + query)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        open_ones, names = invitations.unanswered(self.tenant), Names(self.tenant)
        members = Membership.objects.filter(tenant=self.tenant).select_related("user")
        return super().get_context_data(
            members=members.order_by("user__username"),
            invitations=[(one, names.of(one.invited_by_id, str(one.invited_by or ""))) for one in open_ones],
            role_choices=Role.choices,
            now=timezone.now(),
            **kwargs,
        )


class _MemberChange(_Page):
    """A change of one membership."""

    roles = {"POST": Role.OWNER}

    def post(self, request: HttpRequest, member_id: int = 0) -> HttpResponse:
        """Makes the change, or shows an error if it would remove the last owner."""
        try:
            with transaction.atomic():
                self.change(member_id)
        except Membership.DoesNotExist as error:
            raise Http404 from error
        except LastOwner:
            messages.error(request, NEEDS_OWNER)
        return self.after()

    def change(self, member_id: int) -> None:
        """Make the change. Raises `Membership.DoesNotExist` and `LastOwner`."""
        raise NotImplementedError

    def after(self) -> HttpResponse:
        return self.back()


class RolePage(_MemberChange):
    """Changes a member's role."""

    def change(self, member_id: int) -> None:
        form = RoleForm(self.request.POST)
        if not form.is_valid():
            messages.error(self.request, _("The role does not exist."))
            return
        before = memberships.locked(self.tenant, member_id).role
        changed = memberships.change_role(self.tenant, member_id, Role(form.cleaned_data["role"]))
        self.record(audit.subject_of(changed), ({"role": before}, {"role": changed.role}))
        if Role(changed.role).rank < Role(before).rank:
            self.end_sessions(changed.user)
        self.note("role of a member changed", member=changed.user_id, role=changed.role)
        messages.success(self.request, _("%(person)s: the role is changed.") % {"person": changed.user})


class RemovePage(_MemberChange):
    """Removes a member."""

    leaves_keys = False

    def change(self, member_id: int) -> None:
        removed = memberships.remove(self.tenant, member_id)
        self.record(audit.subject_of(removed), ({"role": removed.role}, {}))
        self.end_sessions(removed.user)
        self.note("member removed", member=removed.user_id)
        messages.success(self.request, _("%(person)s is no longer a member.") % {"person": removed.user})
        self.leaves_keys = left_keys(self.tenant, timezone.now()).filter(made_by=removed.user).exists()

    def after(self) -> HttpResponse:
        """Redirects to the keys that the person made if some still work."""
        if self.leaves_keys:
            return HttpResponseRedirect(reverse("account:left-keys", args=[self.tenant.pk]))
        return self.back()


class LeavePage(_MemberChange):
    """Ends the person's own membership."""

    roles = {"POST": Role.MEMBER}

    def change(self, member_id: int) -> None:
        removed = memberships.remove(self.tenant, self.membership.pk)
        self.record(audit.subject_of(removed), ({"role": removed.role}, {}))
        self.end_sessions(removed.user)
        self.note("member left")
        messages.success(
            self.request, _("You are no longer a member of %(tenant)s.") % {"tenant": self.tenant}
        )

    def after(self) -> HttpResponse:
        is_member = Membership.objects.filter(pk=self.membership.pk).exists()
        return self.back() if is_member else HttpResponseRedirect(reverse("people:profile"))


class WithdrawPage(_Page):
    """Withdraws an invitation."""

    roles = {"POST": Role.OWNER}

    def post(self, request: HttpRequest, invitation_id: int = 0) -> HttpResponse:
        invitation = get_object_or_404(Invitation, tenant=self.tenant, pk=invitation_id)
        if self._withdraw(invitation):
            self.note("invitation withdrawn", invitation=invitation_id)
            messages.success(request, _("The invitation was withdrawn; its link no longer works."))
        else:
            messages.info(request, _("The invitation was used or withdrawn already."))
        return self.back()

    @transaction.atomic
    def _withdraw(self, invitation: Invitation) -> bool:
        is_withdrawn = invitations.withdraw(self.tenant, invitation.pk, timezone.now())
        if is_withdrawn:
            self.record(audit.subject_of(invitation), ({"role": invitation.role}, {}))
        return is_withdrawn
