"""Bucket."""

from accounts.portal.base import TenantPage


class BucketPage(TenantPage):
    """Bucket."""

    template_name = "portal/base.html"
    section = "bucket"
