"""Tenants in the staff console, each with an overview, to which the list leads."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.console.tenant_pages import tenant_page
from accounts.console.tenants import TABS, Tab
from accounts.models import Tenant
from videos.console import tenant_overview
from videos.console.price_lists import PricedTenantAdmin, TenantPriceListInline
from videos.pages import statement

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
        of_staff = self.admin_site.admin_view
        overview, statement = of_staff(self.overview_view), of_staff(self.statement_view)
        file = of_staff(self.statement_file)
        return [
            path("<uuid:tenant_id>/", overview, name="accounts_tenant_overview"),
            path("<uuid:tenant_id>/statement/", statement, name="accounts_tenant_statement"),
            path("<uuid:tenant_id>/statement/<slug:table>.csv", file, name="accounts_tenant_csv"),
            *super().get_urls(),
        ]

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
        return self._page(request, "console/tenant.html", tenant, {"title": tenant.name, **context})

    @method_decorator(require_safe)
    def statement_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """Raises `PermissionDenied` for staff who may not view the ledger."""
        tenant = self._with_ledger(request, tenant_id)
        shown = statement.context(request, tenant)
        links = {table: _statement_file(tenant, table) for table in statement.TABLES}
        links["spend"] = f"{_overview_of(tenant)}?month={shown['form'].days.end:%Y-%m}#spend"
        context = {"title": _("Statement of %(tenant)s") % {"tenant": tenant}, "links": links, **shown}
        return self._page(request, "console/statement.html", tenant, context)

    @method_decorator(require_safe)
    def statement_file(self, request: HttpRequest, tenant_id: UUID, table: str) -> HttpResponse:
        """A table of the statement, as CSV. Redirects to the page if the period is invalid."""
        tenant = self._with_ledger(request, tenant_id)
        form = statement.period_form(request, tenant)
        if not form.is_valid():
            return HttpResponseRedirect(
                form.page(reverse("admin:accounts_tenant_statement", args=[tenant.pk]))
            )
        return statement.file(form, tenant, table)

    def _with_ledger(self, request: HttpRequest, tenant_id: UUID) -> Tenant:
        tenant = get_object_or_404(Tenant, pk=tenant_id)
        may_see = self.has_view_or_change_permission(request, tenant)
        if not (may_see and request.user.has_perm("videos.view_ledgerentry")):
            raise PermissionDenied
        return tenant

    def _page(
        self, request: HttpRequest, template: str, tenant: Tenant, context: dict[str, Any]
    ) -> HttpResponse:
        """One of the tenant's pages, under its tabs."""
        tabs = self.links_to_tabs(None)
        return tenant_page(request, self.admin_site, template, tenant, **{"tabs": tabs, **context})

    def response_post_save_add(self, request: HttpRequest, obj: Tenant) -> HttpResponseRedirect:
        return HttpResponseRedirect(_overview_of(obj))

    def response_post_save_change(self, request: HttpRequest, obj: Tenant) -> HttpResponseRedirect:
        return HttpResponseRedirect(_overview_of(obj))


def _statement_file(tenant: Tenant, table: str) -> str:
    return reverse("admin:accounts_tenant_csv", args=[tenant.pk, table])


def _overview_of(tenant: Tenant) -> str:
    return reverse("admin:accounts_tenant_overview", args=[tenant.pk])
