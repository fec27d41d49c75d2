"""Which places in tenants staff may give: no right to change something grows into a tenant's own rights."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User

PERMISSION = "accounts.appoint_owner"
"""What it takes to make somebody an owner."""
NO_OWNERS = _("You may not make somebody an owner.")
NOT_ONESELF = _("Nobody gives a place to themselves: somebody else of the staff has to.")


def roles_to_give(giver: User) -> list[Role]:
    """The roles that the person may give, the highest first."""
    return [role for role in Role if role != Role.OWNER or giver.has_perm(PERMISSION)]


def check_gift(giver: User, receiver: User, before: str | None, after: str) -> None:
    """Raise `ValidationError` where `giver` may not give the role `after` to whom had the role `before`."""
    if after == before:
        return
    if receiver == giver:
        raise ValidationError(NOT_ONESELF)
    if after not in roles_to_give(giver):
        raise ValidationError(NO_OWNERS)
