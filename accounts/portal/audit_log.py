"""The audit log of a tenant, for its owners."""

from datetime import timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import AuditEntry, Role, Tenant
from accounts.pages.audit_sentences import OF_TENANTS, for_tenant
from accounts.pages.paging import Page
from accounts.portal.base import TenantPage
from config.days import midnight
from config.web.day_fields import DaysForm

PAGE = 50


class AuditFilterForm(DaysForm):
    """Filters the entries by day; an invalid day counts as empty and shows its error."""

    def filtered(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Those of these days, in the current time zone."""
        self.is_valid()
        zone = timezone.get_current_timezone()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start:
            rows = rows.filter(at__gte=midnight(start, zone))
        return rows.filter(at__lt=midnight(end + timedelta(days=1), zone)) if end else rows


class AuditPage(TenantPage):
    """Who changed keys, members, bucket and limits, newest first."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.OWNER}
    section = "audit"
    template_name = "portal/audit.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AuditFilterForm(request.GET, label_suffix="")
        page = Page.of(form.filtered(of_tenant(self.tenant)), request.GET, PAGE)
        return self.render_to_response(
            self.get_context_data(
                form=form,
                page=page,
                entries=[(entry, told) for entry in page.rows if (told := for_tenant(entry))],
                is_filtered=any(form.cleaned_data.values()),
            )
        )


def of_tenant(tenant: Tenant) -> QuerySet[AuditEntry]:
    """The entries about the tenant that it may see."""
    return AuditEntry.objects.filter(OF_TENANTS, tenant=tenant)
