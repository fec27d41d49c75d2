"""Changes of who belongs to a tenant and as what. A tenant that has owners keeps one.

Each change takes the tenant's lock, so that two owners cannot take the last places from each other.
"""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role, Tenant, User

NEEDS_OWNER = _("A tenant needs an owner: give somebody else that role first.")


class LastOwner(Exception):
    """Nobody would own the tenant any more."""


@transaction.atomic
def change_role(tenant: Tenant, membership_id: int, role: Role) -> Membership:
    """Let the member do what the role may. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    keep_owner(tenant, {membership_id: role})
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def remove(tenant: Tenant, membership_id: int) -> Membership:
    """Let the member belong to the tenant no more. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    keep_owner(tenant, {membership_id: None})
    Membership.objects.filter(pk=membership.pk).delete()
    return membership


def keep_owner(tenant: Tenant, roles: Mapping[int, str | None], newcomers: Iterable[str | None] = ()) -> None:
    """Raise `LastOwner` where nobody would own the tenant any more, once its members have these roles.

    They are by the ids of memberships, None being no place; `newcomers` are the roles of new ones. The tenant
    stays locked until the transaction ends.
    """
    Tenant.objects.locked(tenant.pk)
    owners = set(Membership.objects.filter(tenant=tenant, role=Role.OWNER).values_list("pk", flat=True))
    staying = owners - {place for place, role in roles.items() if role != Role.OWNER}
    if owners and not staying and Role.OWNER not in {*roles.values(), *newcomers}:
        raise LastOwner


def owned_alone(person: User) -> list[Tenant]:
    """The tenants that nobody else owns; they stay locked until the transaction ends."""
    owned = Membership.objects.filter(user=person, role=Role.OWNER).select_related("tenant")
    tenants = [place.tenant for place in owned.order_by("tenant")]
    for tenant in tenants:
        Tenant.objects.locked(tenant.pk)
    others = Membership.objects.filter(tenant__in=tenants, role=Role.OWNER).exclude(user=person)
    shared = set(others.values_list("tenant", flat=True))
    return [tenant for tenant in tenants if tenant.pk not in shared]


def locked(tenant: Tenant, membership_id: int) -> Membership:
    """The place as it is, and stays until the transaction ends. Raises `Membership.DoesNotExist`."""
    Tenant.objects.locked(tenant.pk)
    return Membership.objects.select_related("user", "tenant").get(tenant=tenant, pk=membership_id)
