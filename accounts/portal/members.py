"""Members."""

from accounts.portal.base import TenantPage


class MembersPage(TenantPage):
    """Members."""

    template_name = "portal/base.html"
    section = "members"
