"""Mail to a tenant's owners from the worker."""

from typing import Any

from django.conf import settings
from django.utils import translation

from accounts import mail
from accounts.models import Membership, Role, Tenant


def mail_owners(tenant: Tenant, template: str, context: dict[str, Any]) -> bool:
    """Send `mails/<template>.txt` about the tenant to its active owners with an address.

    Waits for the mail server. Returns whether it took one of the mails, or there was none to send.
    """
    owners = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True)
    addresses = list(owners.exclude(user__email="").values_list("user__email", flat=True))
    with translation.override(settings.LANGUAGE_CODE):
        taken = [mail.deliver(template, address, {"tenant": tenant, **context}) for address in addresses]
    return any(taken) or not addresses
