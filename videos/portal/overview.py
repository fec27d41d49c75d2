"""The start page of a tenant: its latest videos, its money, its limits, and the first steps."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, CosBucket, Role, Tenant
from accounts.portal.base import TenantPage
from videos.billing.account import TenantAccount, account_of
from videos.listing import history
from videos.models import Task
from videos.pages.limits import Meter, meters_of
from videos.portal.history import Row

MOST_VIDEOS = 6
MOST_METERS = 4


@dataclass(frozen=True)
class Step:
    """A first step: whether it is done, and the page where a person with that role can do it."""

    label: str | Promise
    is_done: bool
    route: str
    link: str | Promise
    role: Role = Role.MEMBER


class OverviewPage(TenantPage):
    """What a member wants to know at a glance; the other pages have the rest."""

    section = "overview"
    template_name = "portal/overview.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        account = account_of(self.tenant, timezone.now())
        rows = [Row(task) for task in history.latest(self.tenant, MOST_VIDEOS)]
        return self.render_to_response(
            self.get_context_data(
                account=account,
                is_out_of_money=account.quota.is_prepaid and account.balance <= 0,
                rows=rows,
                meters=fullest(account)[:MOST_METERS],
                steps=self._steps(),
            )
        )

    def _steps(self) -> list[dict[str, Any]]:
        """The first steps; none once the API was called."""
        return [
            {
                "label": step.label,
                "is_done": step.is_done,
                "url": reverse(step.route, args=[self.tenant.pk]) if self.may(step.role) else "",
                "link": step.link,
            }
            for step in first_steps(self.tenant)
        ]


def fullest(account: TenantAccount) -> list[Meter]:
    """The limits that are set, those nearest to being reached first."""
    limited = [meter for meter in meters_of(account) if meter.limit is not None]
    return sorted(limited, key=lambda meter: 100 if meter.percent is None else meter.percent, reverse=True)


def first_steps(tenant: Tenant) -> list[Step]:
    """What a new tenant does first; empty once a program of the tenant has called the API."""
    keys = APIKey.objects.of_programs().filter(tenant=tenant)
    if keys.filter(last_used_at__isnull=False).exists():
        return []
    has_video = Task.objects.filter(tenant=tenant).exists()
    has_bucket = CosBucket.objects.filter(tenant=tenant).exclude(bucket="").exists()
    return [
        Step(_("Create an API key"), keys.exists(), "account:new-key", _("New key")),
        Step(_("Call the API"), False, "portal:api", _("Copy an example"), Role.VIEWER),  # noqa: FBT003 - not yet
        Step(_("Create a video"), has_video, "portal:playground", _("New video")),
        Step(_("Set a COS bucket (optional)"), has_bucket, "account:bucket", _("COS bucket"), Role.OWNER),
    ]
