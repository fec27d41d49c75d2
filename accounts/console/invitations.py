"""Invitations and their state in the staff console."""

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin
from accounts.models import Invitation
from config.web.badges import BUSY, GOOD, NEUTRAL, chip


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    """Invitations, read-only."""

    list_display = ("email", "state", "tenant", "role", "invited_by", "created_at", "expires_at")
    list_select_related = ["tenant", "invited_by"]
    list_filter = [TenantFilter]
    search_fields = ["email"]
    search_help_text = _("E-mail address")
    fields = (
        "email",
        "state",
        "tenant",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )

    @admin.display(description=_("state"))
    def state(self, invitation: Invitation) -> SafeString:
        if invitation.accepted_at:
            return chip(_("Accepted"), GOOD)
        if invitation.revoked_at:
            return chip(_("Withdrawn"), NEUTRAL)
        is_open = invitation.is_open(timezone.now())
        return chip(_("Open"), BUSY) if is_open else chip(_("Expired"), NEUTRAL)
