"""The audit log of a tenant, for its owners."""

from datetime import timedelta
from typing import ClassVar, cast

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit import About
from accounts.models import AuditEntry, Role, Tenant, User
from accounts.pages.audit_sentences import BY_STAFF, KINDS_OF_TENANTS, OF_TENANTS, for_tenant
from accounts.pages.paging import Page
from accounts.portal.base import TenantPage
from config.days import midnight
from config.web.day_fields import DaysForm

PAGE = 50
STAFF = "*staff"
"""Chosen for changes by staff, who are not named; no user name has an asterisk."""


class AuditFilterForm(DaysForm):
    """Filters the entries; an invalid value counts as empty and shows its error."""

    about = forms.ChoiceField(
        label=_("About"), required=False, choices=[("", _("All")), *KINDS_OF_TENANTS.items()]
    )
    by = forms.ChoiceField(label=_("By"), required=False)

    def __init__(self, query: QueryDict, tenant: Tenant) -> None:
        super().__init__(query, label_suffix="")
        members = User.objects.filter(memberships__tenant=tenant).order_by("username")
        names = [(name, name) for name in members.values_list("username", flat=True)]
        by = cast("forms.ChoiceField", self.fields["by"])
        by.choices = [("", _("All")), *names, (STAFF, _("Platform staff"))]

    def filtered(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Those about such things, by that person, of these days in the current time zone."""
        self.is_valid()
        if about := self.cleaned_data.get("about"):
            rows = rows.filter(subject__startswith=About[about.upper()])
        if by := self.cleaned_data.get("by"):
            is_by_staff = Q(place__in=BY_STAFF)
            rows = rows.filter(is_by_staff if by == STAFF else ~is_by_staff & Q(actor_name=by))
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
        form = AuditFilterForm(request.GET, self.tenant)
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
