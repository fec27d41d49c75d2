"""Which roles in tenants staff may give, so that staff permissions never grow into a tenant's own rights."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role, User

PERMISSION = "accounts.appoint_owner"
"""The permission to make somebody an owner."""
NO_OWNERS = _("You may not make somebody an owner.")
NOT_ONESELF = _("You cannot give yourself a role: another staff member must do it.")


def roles_to_give(giver: User) -> list[Role]:
    """The roles that the person may give, highest first."""
    return [role for role in Role if role != Role.OWNER or giver.has_perm(PERMISSION)]


def check_gift(giver: User, before: Membership | None, after: Membership) -> None:
    """Raise `ValidationError` if `giver` may not make `after` of the membership `before`, None if it is new.

    The same role in the hands of another person, or in another tenant, is a role given.
    """
    if before is not None and _gift(before) == _gift(after):
        return
    if after.user_id == giver.pk:
        raise ValidationError(NOT_ONESELF)
    if after.role not in roles_to_give(giver):
        raise ValidationError(NO_OWNERS)


def _gift(membership: Membership) -> tuple[Any, ...]:
    return membership.user_id, membership.tenant_id, membership.role
