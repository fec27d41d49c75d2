"""Limits."""

from accounts.portal.base import TenantPage


class LimitsPage(TenantPage):
    """Limits."""

    template_name = "portal/base.html"
    section = "limits"
