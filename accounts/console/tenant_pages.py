"""The frame of the console's pages about one tenant, beside its form."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.models import Tenant


def tenant_page(
    request: HttpRequest, site: AdminSite, template: str, tenant: Tenant, **context: Any
) -> TemplateResponse:
    """The template with its context, under the tenant's breadcrumbs."""
    frame = {**site.each_context(request), "opts": Tenant._meta, "original": tenant, "tenant": tenant}
    return TemplateResponse(request, template, {**frame, **context})
