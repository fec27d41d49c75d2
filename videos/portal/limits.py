"""The tenant's limits with their use and reset times, its balance and held amount, and the balance alert."""

from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, WhenFull
from accounts.portal.base import TenantPage
from videos.billing.account import account_of
from videos.pages.limits import meters_of
from videos.portal.balance_alert import BalanceAlertForm, set_level


class _LimitsBase(TenantPage):
    """Shared by the page and its form."""

    template_name = "portal/limits.html"
    section = "limits"

    def shown(self, alert: BalanceAlertForm | None) -> HttpResponse:
        """The page, for owners with the form of the balance alert."""
        account = account_of(self.tenant, timezone.now())
        return self.render_to_response(
            self.get_context_data(
                account=account,
                meters=meters_of(account),
                queues_when_full=account.quota.when_full == WhenFull.QUEUE,
                is_out_of_money=account.quota.is_prepaid and account.balance <= 0,
                alert=alert,
            )
        )


class LimitsPage(_LimitsBase):
    """The account; only staff change it, but for the balance alert."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(BalanceAlertForm.of(self.tenant) if self.may(Role.OWNER) else None)


class BalanceAlertPage(_LimitsBase):
    """Sets the level of the balance alert."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER, "POST": Role.OWNER}

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("portal:limits", args=[self.tenant.pk]))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Show the page with the problems of the form, or save."""
        form = BalanceAlertForm(request.POST)
        if not form.is_valid():
            return self.shown(form)
        set_level(self.tenant, form.cleaned_data["level"], self.author, timezone.now())
        messages.success(request, _("Saved."))
        return self.get(request)
