"""Usage."""

from accounts.portal.base import TenantPage


class UsagePage(TenantPage):
    """Usage."""

    template_name = "portal/base.html"
    section = "usage"
