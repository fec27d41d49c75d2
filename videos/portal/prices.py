"""The tenant's prices."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.portal.base import TenantPage
from videos.pages import price_table
from videos.routing.offers import Offers


class PricesPage(TenantPage):
    """What a second of video costs the tenant, by model and options."""

    template_name = "portal/prices.html"
    section = "prices"

    def get(self, request: HttpRequest) -> HttpResponse:
        table = price_table.of_tenant(self.tenant, Offers.current(), timezone.now())
        return self.render_to_response(self.get_context_data(table=table, currency=settings.CURRENCY))
