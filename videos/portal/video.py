"""Video."""

from accounts.portal.base import TenantPage


class VideoPage(TenantPage):
    """Video."""

    template_name = "portal/base.html"
    section = "video"
