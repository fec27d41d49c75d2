"""Playground."""

from accounts.portal.base import TenantPage


class PlaygroundPage(TenantPage):
    """Playground."""

    template_name = "portal/base.html"
    section = "playground"
