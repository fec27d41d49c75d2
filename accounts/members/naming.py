"""How a tenant's own pages name people: staff are not named, unless they belong to the tenant."""

from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant, User

STAFF = _("the platform's staff")
INVITER, INVITER_IS_TOLD = "invited by", "inviter is told"
"""What the audit log keeps of the inviter of a new member: the name, and whether the tenant may read it.

Entries of earlier releases do not say whether, so that tenants are not told the name.
"""


class Names:
    """The names that the members of a tenant see; takes one query."""

    def __init__(self, tenant: Tenant) -> None:
        staff = User.objects.filter(is_staff=True).exclude(memberships__tenant=tenant)
        self._staff = frozenset(staff.values_list("pk", flat=True))

    def hides(self, person_id: int | None) -> bool:
        """Whether the person's name is not told; nobody is the command line or a deleted account."""
        return person_id is None or person_id in self._staff

    def of(self, person_id: int | None, name: str) -> str:
        """The name kept with what the person did, or that of the staff."""
        return str(STAFF) if not name or person_id in self._staff else name
