"""Mail to a tenant's owners from the worker."""

from typing import Any

from django.conf import settings
from django.utils import translation

from accounts import mail
from accounts.models import Membership, Role, Tenant


def mail_owners(tenant: Tenant, template: str, context: dict[str, Any]) -> None:
    """Send `mails/<template>.txt` about the tenant to its active owners with an address."""
    owners = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True)
    for address in owners.exclude(user__email="").values_list("user__email", flat=True):
        with translation.override(settings.LANGUAGE_CODE):
            mail.send(template, address, {"tenant": tenant, **context})
