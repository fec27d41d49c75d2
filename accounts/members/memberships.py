"""Changes of members and their roles. A tenant that has owners keeps one.

Each change locks the tenant, so that two owners cannot remove each other at the same time.
"""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role, Tenant, User

NEEDS_OWNER = _("A tenant needs an owner: make somebody else an owner first.")


class LastOwner(Exception):
    """The tenant would have no owner."""


@transaction.atomic
def change_role(tenant: Tenant, membership_id: int, role: Role) -> Membership:
    """Change a member's role. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    keep_owner(tenant, {membership_id: role})
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def remove(tenant: Tenant, membership_id: int) -> Membership:
    """Remove a member. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    keep_owner(tenant, {membership_id: None})
    Membership.objects.filter(pk=membership.pk).delete()
    return membership


def keep_owner(tenant: Tenant, roles: Mapping[int, str | None], newcomers: Iterable[str | None] = ()) -> None:
    """Raise `LastOwner` if the tenant would have no owner once its members have these roles.

    `roles` are by membership id, None if it is removed; `newcomers` are the roles of new members. The tenant
    stays locked until the transaction ends.
    """
    Tenant.objects.locked(tenant.pk)
    owners = set(Membership.objects.filter(tenant=tenant, role=Role.OWNER).values_list("pk", flat=True))
    staying = owners - {pk for pk, role in roles.items() if role != Role.OWNER}
    if owners and not staying and Role.OWNER not in {*roles.values(), *newcomers}:
        raise LastOwner


def owned_alone(person: User) -> list[Tenant]:
    """The tenants that only this person owns; all that they own stay locked until the transaction ends."""
    owned = Membership.objects.filter(user=person, role=Role.OWNER).select_related("tenant")
    tenants = [membership.tenant for membership in owned.order_by("tenant")]
    for tenant in tenants:
        Tenant.objects.locked(tenant.pk)
    others = Membership.objects.filter(tenant__in=tenants, role=Role.OWNER).exclude(user=person)
    shared = set(others.values_list("tenant", flat=True))
    return [tenant for tenant in tenants if tenant.pk not in shared]


def locked(tenant: Tenant, membership_id: int) -> Membership:
    """The membership, with its tenant locked until the transaction ends. Raises `Membership.DoesNotExist`."""
    Tenant.objects.locked(tenant.pk)
    return Membership.objects.select_related("user", "tenant").get(tenant=tenant, pk=membership_id)
