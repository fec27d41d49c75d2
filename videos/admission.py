"""May this tenant have one more task now? Decided under the lock of the tenant's row."""

from accounts.models import Tenant
from videos.errors import TenantSuspended


def admit(tenant: Tenant) -> None:
    """Lock the tenant for the rest of the transaction and check what only holds under the lock.

    The lock is what every limit is counted under, and what gives the tenant's tasks their order.
    Raises `TenantSuspended`.
    """
    locked = Tenant.objects.select_for_update(no_key=True).only("suspended_at").get(pk=tenant.pk)
    if locked.is_suspended:
        raise TenantSuspended
