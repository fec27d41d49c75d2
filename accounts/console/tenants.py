"""Tenants in the staff console: quota, running totals, keys, bucket and members."""

from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts import audit
from accounts.console.bucket import CosBucketInline
from accounts.console.bucket_check import check_page
from accounts.console.lists import ListAdmin, ReadOnlyInline
from accounts.console.memberships import MembersFormSet, MembershipsInline
from accounts.console.quota import QuotaInline, limits_of
from accounts.console.reasons import AuditedForm, record
from accounts.console.tenant_invite import invite_page
from accounts.models import APIKey, Quota, Tenant
from accounts.models.api_key import OF_PROGRAMS
from accounts.models.tenant import validate_time_zone
from accounts.pages.key_states import chip_of, state_of
from accounts.quotas.totals import Period
from accounts.templatetags.amounts import money, seconds
from config.console.filters import ChoiceFilter
from config.web.badges import GOOD, WARN, chip

AUDITED = ("time_zone", "earlier_time_zones", "suspended_at", "only_own_account", "retention_days")
"""The columns of a tenant whose change needs a reason."""


SEE_ACCOUNTS = "videos.view_upstreamaccount"
"""Permission to see the names of the tenant's own upstream accounts."""
SEE_LEDGER = "videos.view_ledgerentry"


class MembershipInline(MembershipsInline[Tenant]):
    """The members of a tenant, on its page."""

    formset = MembersFormSet
    autocomplete_fields = ["user"]
    template_after = "admin/accounts/tenant/invite_link.html"


class KeyInline(ReadOnlyInline[APIKey, Tenant]):
    """The keys of a tenant's programs, newest first, read-only."""

    model = APIKey
    fields = ("key", "state", "prefix", "scopes", "expires_at", "last_used_at")
    readonly_fields = fields
    per_page = 20
    template_after = "admin/accounts/tenant/new_key.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[APIKey]:
        return super().get_queryset(request).filter(OF_PROGRAMS).order_by("-pk")

    def has_view_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return request.user.has_perm("accounts.view_apikey") or request.user.has_perm(
            "accounts.change_apikey"
        )

    @admin.display(description=_("name"))
    def key(self, key: APIKey) -> SafeString:
        page = reverse("admin:accounts_apikey_change", args=[key.pk])
        return format_html('<a class="accent" href="{}">{}</a>', page, key.name)

    @admin.display(description=_("state"))
    def state(self, key: APIKey) -> SafeString:
        return chip_of(state_of(key, timezone.now()))


DAY = timedelta(days=1)
_MOVING = _(
    "Wanted where the time zone changes. The day %(day)s ends at its midnight in %(zone)s, %(moment)s; from"
    " then on days are those of the new time zone. What was counted before stays where it is."
)
_CONSENT = _("Confirm this first. %(what)s")


class TenantForm(AuditedForm[Tenant]):
    """Name and time zone, and a switch that sets or clears `suspended_at`."""

    is_suspended = forms.BooleanField(
        required=False,
        label=_("Suspended"),
        help_text=_("Its keys, links and portal are disabled; running tasks continue."),
        widget=UnfoldBooleanSwitchWidget,
    )
    moves_days = forms.BooleanField(
        required=False, label=_("Confirm the change of days"), widget=UnfoldBooleanSwitchWidget
    )
    audited = frozenset({"time_zone", "is_suspended", "only_own_account", "retention_days"})
    columns = {"is_suspended": "suspended_at"}

    class Meta:
        model = Tenant
        fields = ["name", "time_zone", "only_own_account", "retention_days"]
        widgets = {"only_own_account": UnfoldBooleanSwitchWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_suspended"] = self.instance.is_suspended
        if "time_zone" in self.fields:
            # Validated before the instance gets it, because the re-rendered page uses the instance's clock.
            self.fields["time_zone"].validators.append(validate_time_zone)
        if "moves_days" in self.fields and not self.instance._state.adding:
            self.fields["moves_days"].help_text = self._consequences()

    def written(self) -> list[str]:
        return [name for name in super().written() if name != "moves_days"]

    def _consequences(self) -> str:
        clock = self.instance.clock
        zone, day = clock.zone_at(timezone.now()), clock.day_of(timezone.now())
        values = {"zone": zone.key, "day": day, "moment": f"{clock.begin_of(day + DAY):%Y-%m-%d %H:%M %Z}"}
        return _MOVING % values

    def clean(self) -> dict[str, Any]:
        """Sets or clears the suspension; a new time zone needs the consent `moves_days`."""
        cleaned = super().clean()
        moves = not self.instance._state.adding and "time_zone" in self.changed_data
        if moves and not cleaned.get("moves_days"):
            self.add_error("moves_days", _CONSENT % {"what": self._consequences()})
        if "is_suspended" in self.changed_data:
            self.instance.suspended_at = timezone.now() if cleaned["is_suspended"] else None
        return cleaned


class StateFilter(ChoiceFilter):
    """Filters by active or suspended."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("active", _("Active")), ("suspended", _("Suspended"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(suspended_at__isnull=value == "active")


@admin.register(Tenant)
class TenantAdmin(ListAdmin[Tenant]):
    """Tenants. They are suspended instead of deleted, since their payments and usage stay on record."""

    form = TenantForm
    recorded_by_page = frozenset(
        {"time_zone", "moves_days", "is_suspended", "only_own_account", "retention_days", Quota}
    )
    list_display = ["name", "state", "open_tasks", "waiting_tasks", "balance", "time_zone", "created_at"]
    list_select_related = ["standing"]
    ordering = ["name"]
    search_fields = ["name"]
    search_help_text = _("Name of a tenant")
    list_filter = [StateFilter]
    list_filter_submit = True
    exported: ClassVar = {"balance": attrgetter("standing.balance")}
    inlines = [KeyInline, QuotaInline, CosBucketInline, MembershipInline]
    standing_fields = ["open_tasks", "waiting_tasks", "balance", "held", "today", "this_month"]
    readonly_fields = ["suspended_at", "own_accounts", *standing_fields]

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        reason = (_("Reason"), {"fields": ["reason"], "description": _WANTS_REASON})
        if obj is None:
            return [(None, {"fields": ["name", "time_zone"]}), reason]
        own_accounts = ["own_accounts"] if request.user.has_perm(SEE_ACCOUNTS) else []
        return [
            (None, {"fields": ["name", "time_zone", "moves_days", "is_suspended", "suspended_at"]}),
            (_("Upstream accounts"), {"fields": ["only_own_account", *own_accounts]}),
            (_("Finished videos"), {"fields": ["retention_days"]}),
            (_("Standing"), {"fields": self.standing_fields, "description": _about_spend(request, obj)}),
            *([reason] if self.has_change_permission(request, obj) else []),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Saves the changed columns under the tenant's lock."""
        if not change:
            obj.save()
            return
        before = Tenant.objects.locked(obj.pk)
        columns = form.written()
        if "time_zone" in columns:
            obj.earlier_time_zones = before.clock.moved(obj.time_zone, timezone.now()).written()
            columns = [*columns, "earlier_time_zones"]
        obj.save(update_fields=columns)
        changed = audit.changes(before, obj, [name for name in AUDITED if name in columns])
        record(request, f"tenant {obj}", form.cleaned_data["reason"], changed, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Also records how the limits changed."""
        tenant: Tenant = form.instance
        before = limits_of(tenant)
        super().save_related(request, form, formsets, change)
        changed = audit.differences(before, limits_of(tenant))
        record(request, f"quota of {tenant}", form.cleaned_data["reason"], changed, tenant)

    def get_urls(self) -> list[URLPattern]:
        invite = self.admin_site.admin_view(self.invite_view)
        bucket = self.admin_site.admin_view(self.bucket_view)
        return [
            path("<uuid:tenant_id>/invite/", invite, name="accounts_tenant_invite"),
            path("<uuid:tenant_id>/bucket/", bucket, name="accounts_tenant_bucket"),
            *super().get_urls(),
        ]

    def invite_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        tenant = get_object_or_404(Tenant, pk=tenant_id)
        if not self.has_change_permission(request, tenant):
            raise PermissionDenied
        return invite_page(request, tenant, self.admin_site)

    def bucket_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """For staff who may view the tenant and change its bucket."""
        tenant = get_object_or_404(Tenant, pk=tenant_id)
        may_see = self.has_view_or_change_permission(request, tenant)
        if not (may_see and request.user.has_perm("accounts.change_cosbucket")):
            raise PermissionDenied
        return check_page(request, tenant, self.admin_site)

    def get_inlines(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        return self.inlines if obj else [inline for inline in self.inlines if inline is not KeyInline]

    @admin.display(description=_("state"), ordering="suspended_at")
    def state(self, tenant: Tenant) -> SafeString:
        return chip(_("Suspended"), WARN) if tenant.is_suspended else chip(_("Active"), GOOD)

    @admin.display(description=_("its own accounts"))
    def own_accounts(self, tenant: Tenant) -> SafeString | str:
        links = [
            (reverse("admin:videos_upstreamaccount_change", args=[account.pk]), account.name)
            for account in tenant.upstream_accounts.only("name").order_by("name")
        ]
        return format_html_join(", ", '<a class="accent" href="{}">{}</a>', links) or gettext("None")

    @admin.display(description=_("in progress"), ordering="standing__open_tasks")
    def open_tasks(self, tenant: Tenant) -> int:
        return tenant.standing.open_tasks

    @admin.display(description=_("waiting"), ordering="standing__waiting_tasks")
    def waiting_tasks(self, tenant: Tenant) -> int:
        return tenant.standing.waiting_tasks

    @admin.display(description=_("balance"), ordering="standing__balance")
    def balance(self, tenant: Tenant) -> SafeString:
        return money(tenant.standing.balance)

    @admin.display(description=_("held"))
    def held(self, tenant: Tenant) -> SafeString:
        return money(tenant.standing.held)

    @admin.display(description=_("today"))
    def today(self, tenant: Tenant) -> SafeString | str:
        standing, day = tenant.standing, Period.of(timezone.now(), tenant.clock).day
        if standing.day is None or standing.day < day:
            return gettext("nothing on %(day)s") % {"day": day}
        used = format_html("{}, {}", seconds(standing.day_seconds), money(standing.day_spend))
        return format_html(gettext("{used} on {day}"), used=used, day=standing.day)

    @admin.display(description=_("this month"))
    def this_month(self, tenant: Tenant) -> SafeString | str:
        standing, month = tenant.standing, Period.of(timezone.now(), tenant.clock).month
        if standing.month is None or standing.month < month:
            return gettext("nothing in %(month)s") % {"month": f"{month:%Y-%m}"}
        used = format_html("{}, {}", seconds(standing.month_seconds), money(standing.month_spend))
        return format_html(gettext("{used} in {month}"), used=used, month=f"{standing.month:%Y-%m}")


def _about_spend(request: HttpRequest, tenant: Tenant) -> SafeString:
    """What spend is, with a link to the tenant's charges for those who may see them."""
    charges = ""
    if request.user.has_perm(SEE_LEDGER):
        query = urlencode({"tenant": tenant.name, "kind__exact": "capture"})
        charges = f"{reverse('admin:videos_ledgerentry_changelist')}?{query}"
    return render_to_string("money/spend.html", {"charges": charges})


_WANTS_REASON = _(
    "Required to change the time zone, suspension, use of upstream accounts, days that videos are kept or"
    " quota; recorded with the change."
)
