"""History."""

from accounts.portal.base import TenantPage


class HistoryPage(TenantPage):
    """History."""

    template_name = "portal/base.html"
    section = "history"
