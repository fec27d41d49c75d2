"""Keys."""

from accounts.portal.base import TenantPage


class KeysPage(TenantPage):
    """Keys."""

    template_name = "portal/base.html"
    section = "keys"
