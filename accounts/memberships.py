"""Changes of who belongs to a tenant and as what. A tenant that has owners keeps one.

Each change takes the tenant's lock, so that two owners cannot take the last places from each other.
"""

from django.db import transaction

from accounts.models import Membership, Role, Tenant


class LastOwner(Exception):
    """Nobody would own the tenant any more."""


@transaction.atomic
def change_role(tenant: Tenant, membership_id: int, role: Role) -> Membership:
    """Let the member do what the role may. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    if role != Role.OWNER:
        _spare_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def remove(tenant: Tenant, membership_id: int) -> Membership:
    """Let the member belong to the tenant no more. Raises `LastOwner` and `Membership.DoesNotExist`."""
    membership = locked(tenant, membership_id)
    _spare_last_owner(membership)
    Membership.objects.filter(pk=membership.pk).delete()
    return membership


def locked(tenant: Tenant, membership_id: int) -> Membership:
    """The place as it is, and stays until the transaction ends. Raises `Membership.DoesNotExist`."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    return Membership.objects.select_related("user", "tenant").get(tenant=tenant, pk=membership_id)


def _spare_last_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(tenant=membership.tenant, role=Role.OWNER)
    if membership.role == Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner
