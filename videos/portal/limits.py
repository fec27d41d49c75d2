"""The tenant's limits with their use and reset times, and its balance and held amount."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import WhenFull
from accounts.portal.base import TenantPage
from videos.billing.account import account_of
from videos.pages.limits import meters_of


class LimitsPage(TenantPage):
    """The account, read-only: only staff change it."""

    template_name = "portal/limits.html"
    section = "limits"

    def get(self, request: HttpRequest) -> HttpResponse:
        account = account_of(self.tenant, timezone.now())
        return self.render_to_response(
            self.get_context_data(
                account=account,
                meters=meters_of(account),
                queues_when_full=account.quota.when_full == WhenFull.QUEUE,
                is_out_of_money=account.quota.is_prepaid and account.balance <= 0,
            )
        )
