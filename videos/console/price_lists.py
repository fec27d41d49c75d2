"""Price lists in the staff console, and the list of a tenant on its page."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.console.lists import ListAdmin
from accounts.console.quota import QuotaFormSet
from accounts.console.reasons import record
from accounts.console.tenants import TenantAdmin
from accounts.models import Tenant
from accounts.pages.changes_form import ChangesForm
from config.console.theme import StackedInline
from videos.models import PriceList, TenantPriceList


@admin.register(PriceList)
class PriceListAdmin(ListAdmin[PriceList]):
    """Price lists. One with prices or tenants cannot be deleted."""

    list_display = ["name", "prices", "tenants", "note"]
    fields = ["name", "note"]
    search_fields = ["name"]
    search_help_text = _("Name of a price list")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceList]:
        counts = {
            "number_of_prices": Count("prices", distinct=True),
            "number_of_tenants": Count("tenants", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    @admin.display(description=_("prices"))
    def prices(self, price_list: Any) -> SafeString:
        page = reverse("admin:videos_price_changelist")
        link = '<a class="accent" href="{}?list={}">{}</a>'
        return format_html(link, page, price_list.pk, price_list.number_of_prices)

    @admin.display(description=_("tenants"))
    def tenants(self, price_list: Any) -> int:
        return int(price_list.number_of_tenants)


class TenantPriceListForm(ChangesForm[TenantPriceList]):
    """The list of a tenant."""

    class Meta:
        model = TenantPriceList
        fields = ["price_list"]


class TenantPriceListInline(StackedInline[TenantPriceList, Tenant]):
    """The list of a tenant, on its page; a change needs the reason there."""

    model = TenantPriceList
    form = TenantPriceListForm
    formset = QuotaFormSet
    can_delete = False


class PricedTenantAdmin(TenantAdmin):
    """The pages of a tenant, which record a change of its price list."""

    recorded_by_page = TenantAdmin.recorded_by_page | {TenantPriceList}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Also records how the price list changed."""
        tenant: Tenant = form.instance
        before = _list_of(tenant)
        super().save_related(request, form, formsets, change)
        changed = audit.differences(before, _list_of(tenant))
        record(
            request,
            audit.About.LIST_OF_TENANT.named(tenant),
            form.cleaned_data.get("reason") or "",
            changed,
            tenant,
        )


def _list_of(tenant: Tenant) -> audit.Values:
    names = TenantPriceList.objects.filter(tenant=tenant).values_list("price_list__name", flat=True)
    return {"price_list": names.first()}
