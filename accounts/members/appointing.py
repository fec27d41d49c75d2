"""Which roles in tenants staff may give, so that staff permissions never grow into a tenant's own rights."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User

PERMISSION = "accounts.appoint_owner"
"""The permission to make somebody an owner."""
NO_OWNERS = _("You may not make somebody an owner.")
NOT_ONESELF = _("You cannot give yourself a role: another staff member must do it.")


def roles_to_give(giver: User) -> list[Role]:
    """The roles that the person may give, highest first."""
    return [role for role in Role if role != Role.OWNER or giver.has_perm(PERMISSION)]


def check_gift(giver: User, receiver: User, before: str | None, after: str) -> None:
    """Raise `ValidationError` if `giver` may not change the receiver's role from `before` to `after`."""
    if after == before:
        return
    if receiver == giver:
        raise ValidationError(NOT_ONESELF)
    if after not in roles_to_give(giver):
        raise ValidationError(NO_OWNERS)
