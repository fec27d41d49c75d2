"""Tenants in the staff console: their list, and their settings on tabs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts import audit
from accounts.console.bucket import CosBucketInline
from accounts.console.bucket_check import check_page
from accounts.console.key_columns import KeyColumns
from accounts.console.lists import ListAdmin, ReadOnlyInline
from accounts.console.memberships import MembersFormSet, MembershipsInline
from accounts.console.quota import QuotaInline, limits_of
from accounts.console.reasons import AuditedForm, record
from accounts.console.suspension import suspension_page
from accounts.console.tenant_invite import invite_page
from accounts.models import APIKey, Quota, Tenant
from accounts.models.api_key import OF_PROGRAMS
from accounts.models.tenant import validate_time_zone
from accounts.templatetags.amounts import money
from config.console.filters import ChoiceFilter
from config.web.badges import GOOD, WARN, chip

AUDITED = ("time_zone", "earlier_time_zones", "only_own_account", "retention_days")
"""The columns of the form whose change needs a reason."""
SEE_ACCOUNTS = "videos.view_upstreamaccount"
"""Permission to see the names of the tenant's own upstream accounts."""


class MembershipInline(MembershipsInline[Tenant]):
    """The members of a tenant, on its page."""

    formset = MembersFormSet
    autocomplete_fields = ["user"]
    template_after = "admin/accounts/tenant/invite_link.html"


class KeyInline(KeyColumns, ReadOnlyInline[APIKey, Tenant]):
    """The keys of a tenant's programs, newest first, read-only."""

    model = APIKey
    fields = ("key", "state", "prefix", "may", "last_used_at")
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


DAY = timedelta(days=1)
_MOVING = _(
    "Required to change the time zone. %(day)s ends at midnight in %(zone)s, %(moment)s; "
    "later days follow the new time zone. Usage counted before does not move."
)
_CONSENT = _("Confirm this first. %(what)s")


class TenantForm(AuditedForm[Tenant]):
    """The settings of a tenant; a new time zone needs a confirmation."""

    moves_days = forms.BooleanField(
        required=False, label=_("Confirm the change of days"), widget=UnfoldBooleanSwitchWidget
    )
    audited = frozenset({"time_zone", "only_own_account", "retention_days"})

    class Meta:
        model = Tenant
        fields = ["name", "time_zone", "only_own_account", "retention_days"]
        widgets = {"only_own_account": UnfoldBooleanSwitchWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        """Requires the consent `moves_days` for a new time zone."""
        cleaned = super().clean()
        moves = not self.instance._state.adding and "time_zone" in self.changed_data
        if moves and not cleaned.get("moves_days"):
            self.add_error("moves_days", _CONSENT % {"what": self._consequences()})
        return cleaned


@dataclass(frozen=True)
class Tab:
    """One page of a tenant's settings: fields of the form, and rows of other tables."""

    label: str | Promise
    fields: tuple[str, ...] = ()
    inlines: tuple[type[InlineModelAdmin[Any, Any]], ...] = ()
    reason: str | Promise = ""
    """What the reason is needed for; empty if nothing on the tab needs one."""


KEYS = "keys"
"""The tab with the keys, which have pages of their own."""
TABS: Mapping[str, Tab] = {
    "": Tab(
        _("General"),
        ("name", "only_own_account", "own_accounts"),
        reason=_("Required to change the use of upstream accounts; recorded with the change."),
    ),
    "quota": Tab(
        _("Quota"),
        inlines=(QuotaInline,),
        reason=_("Required to change the quota; recorded with the change."),
    ),
    "bucket": Tab(_("Bucket"), inlines=(CosBucketInline,)),
    "time": Tab(
        _("Time zone and retention"),
        ("time_zone", "moves_days", "retention_days"),
        reason=_("Required to change the time zone or how long videos are kept; recorded with the change."),
    ),
    "members": Tab(_("Members"), inlines=(MembershipInline,)),
    KEYS: Tab(_("API keys"), inlines=(KeyInline,)),
}
"""The tabs of a tenant's settings, by the value of the parameter `tab`."""


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
    recorded_by_page = frozenset({"time_zone", "moves_days", "only_own_account", "retention_days", Quota})
    list_display = ["name", "state", "open_tasks", "waiting_tasks", "balance", "time_zone", "created_at"]
    list_select_related = ["standing"]
    ordering = ["name"]
    search_fields = ["name"]
    search_help_text = _("Name of a tenant")
    list_filter = [StateFilter]
    list_filter_submit = True
    exported: ClassVar = {"balance": attrgetter("standing.balance")}
    tabs: ClassVar[Mapping[str, Tab]] = TABS
    """The tabs of its settings."""
    inlines = [QuotaInline, CosBucketInline, MembershipInline]
    readonly_fields = ["own_accounts"]
    change_form_outer_before_template = "admin/accounts/tenant/tabs.html"

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """Those of the tab, with the reason if it needs one."""
        if obj is None:
            reason = (_("Reason"), {"fields": ["reason"], "description": _REASON_FOR_QUOTA})
            return [(None, {"fields": ["name", "time_zone"]}), reason]
        tab = self.tabs[self.tab_of(request)]
        hidden = () if request.user.has_perm(SEE_ACCOUNTS) else ("own_accounts",)
        wants_reason = tab.reason and self.has_change_permission(request, obj)
        return [
            *(
                [(None, {"fields": [name for name in tab.fields if name not in hidden]})]
                if tab.fields
                else []
            ),
            *([(_("Reason"), {"fields": ["reason"], "description": tab.reason})] if wants_reason else []),
        ]

    def get_form(self, request: HttpRequest, obj: Tenant | None = None, **kwargs: Any) -> Any:  # type: ignore[override]  # the stubs name the parameter change
        """Without the fields that are not on the page, which would count as emptied."""
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        left_out = {name: None for name in TenantForm.declared_fields if name not in shown}
        kwargs["form"] = type("TenantForm", (TenantForm,), left_out)
        return super().get_form(request, obj, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        return self.tabs[self.tab_of(request)].inlines if obj else self.inlines

    def tab_of(self, request: HttpRequest) -> str:
        """The tab that is asked for; the first one if there is none of that name."""
        name = request.GET.get("tab", "")
        return name if name in self.tabs else ""

    def links_to_tabs(self, chosen: str | None) -> list[dict[str, Any]]:
        """The tabs for a template; none is chosen on a page that is not one of them."""
        return [
            {"name": name, "label": tab.label, "is_chosen": name == chosen} for name, tab in self.tabs.items()
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With the tabs, and without buttons on a tab on which nothing can be changed."""
        chosen = self.tab_of(request)
        context["tabs"] = self.links_to_tabs(chosen)
        context["show_save_and_add_another"] = not context.get("original")
        if context.get("original") and chosen == KEYS:
            context |= dict.fromkeys(("show_save", "show_save_and_continue"), False)
        return super().render_change_form(request, context, *args, **kwargs)

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
        record(request, audit.subject_of(obj), form.cleaned_data.get("reason") or "", changed, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Also records how the limits changed."""
        tenant: Tenant = form.instance
        reason = form.cleaned_data.get("reason") or ""
        before = limits_of(tenant)
        super().save_related(request, form, formsets, change)
        changed = audit.differences(before, limits_of(tenant))
        record(request, audit.About.QUOTA.named(tenant), reason, changed, tenant)

    def get_urls(self) -> list[URLPattern]:
        views = (self.invite_view, self.bucket_view, self.suspension_view)
        invite, bucket, suspension = map(self.admin_site.admin_view, views)
        return [
            path("<uuid:tenant_id>/invite/", invite, name="accounts_tenant_invite"),
            path("<uuid:tenant_id>/bucket/", bucket, name="accounts_tenant_bucket"),
            path("<uuid:tenant_id>/suspension/", suspension, name="accounts_tenant_suspension"),
            *super().get_urls(),
        ]

    def suspension_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        tenant = get_object_or_404(Tenant, pk=tenant_id)
        if not self.has_change_permission(request, tenant):
            raise PermissionDenied
        return suspension_page(request, tenant, self.admin_site)

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

    @admin.display(description=_("state"), ordering="suspended_at")
    def state(self, tenant: Tenant) -> SafeString:
        return state_chip(tenant)

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


_REASON_FOR_QUOTA = _("Required to set a quota; recorded with it.")


def state_chip(tenant: Tenant) -> SafeString:
    """Whether the tenant is active, as a chip."""
    return chip(_("Suspended"), WARN) if tenant.is_suspended else chip(_("Active"), GOOD)
