"""Tenants in the staff console, each with an overview, to which the list leads."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.console.tenants import TABS, Tab
from accounts.models import Tenant
from videos.console import tenant_overview
from videos.console.price_lists import PricedTenantAdmin, TenantPriceListInline

admin.site.unregister(Tenant)


class TenantList(ChangeList):
    """Leads to the overview of each tenant."""

    def url_for_result(self, result: Any) -> str:
        return _overview_of(result)


@admin.register(Tenant)
class TenantPages(PricedTenantAdmin):
    """Tenants, with what the overview shows of their videos and money."""

    tabs = {
        **TABS,
        "prices": Tab(
            _("Price list"),
            inlines=(TenantPriceListInline,),
            reason=_("Required to change the price list; recorded with the change."),
        ),
    }

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TenantList

    def get_urls(self) -> list[URLPattern]:
        overview = self.admin_site.admin_view(self.overview_view)
        return [path("<uuid:tenant_id>/", overview, name="accounts_tenant_overview"), *super().get_urls()]

    @method_decorator(require_safe)
    def overview_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """Raises `PermissionDenied` for staff who may not view the tenant."""
        tenants = Tenant.objects.select_related("cos_bucket", "price_list__price_list").defer(
            "cos_bucket__secret_key"
        )
        tenant = get_object_or_404(tenants, pk=tenant_id)
        if not self.has_view_or_change_permission(request, tenant):
            raise PermissionDenied
        context = tenant_overview.context(request, tenant, timezone.now())
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": tenant.name,
            "original": tenant,
            "tabs": self.links_to_tabs(None),
        }
        return TemplateResponse(request, "console/tenant.html", {**frame, **context})

    def response_post_save_add(self, request: HttpRequest, obj: Tenant) -> HttpResponseRedirect:
        return HttpResponseRedirect(_overview_of(obj))

    def response_post_save_change(self, request: HttpRequest, obj: Tenant) -> HttpResponseRedirect:
        return HttpResponseRedirect(_overview_of(obj))


def _overview_of(tenant: Tenant) -> str:
    return reverse("admin:accounts_tenant_overview", args=[tenant.pk])
