"""Tenants in the staff console: what they may have, what they have, and who belongs to them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.admin_cos import CosBucketInline
from accounts.admin_reasons import NO_REASON, AuditedForm, ChangesForm, record
from accounts.models import Membership, Quota, Tenant
from accounts.models.tenant import validate_time_zone
from accounts.money import shown
from accounts.quotas import FIELDS, default_columns, quota_of
from accounts.totals import Period

AUDITED = ("time_zone", "suspended_at")
"""The columns of a tenant that change only with a reason."""


class ChangedColumnsFormSet(forms.BaseInlineFormSet[Any, Tenant, Any]):
    """Saves of the rows that are there what was changed."""

    def save_existing(self, form: Any, obj: Model, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Save the changed columns."""
        row = form.save(commit=False)
        row.save(update_fields=form.changed_data)
        return row


class MembershipInline(admin.TabularInline[Membership, Tenant]):
    """The people of a tenant, on its page."""

    model = Membership
    formset = ChangedColumnsFormSet
    extra = 0
    autocomplete_fields = ["user"]


class QuotaForm(ChangesForm[Quota]):
    """The limits in force; those of the deployment where the tenant has none of its own."""

    class Meta:
        model = Quota
        fields = FIELDS
        help_texts = dict.fromkeys(("spend_per_day", "spend_per_month"), f"In {settings.CURRENCY}.")

    def __init__(self, *args: Any, instance: Quota | None = None, **kwargs: Any) -> None:
        defaults = {} if instance else dict(zip(FIELDS, default_columns(), strict=True))
        super().__init__(*args, instance=instance, initial=defaults, **kwargs)


class QuotaFormSet(ChangedColumnsFormSet):
    """Wants a reason, which is written on the tenant's form."""

    def clean(self) -> None:
        """Refuse a change without its reason."""
        super().clean()
        if self.has_changed() and not self.data.get("reason", "").strip():
            raise ValidationError(f"{NO_REASON} The field is above.")


class QuotaInline(admin.StackedInline[Quota, Tenant]):
    """What the tenant may have."""

    model = Quota
    form = QuotaForm
    formset = QuotaFormSet
    fieldsets = [
        (
            None,
            {
                "fields": FIELDS,
                "description": "An empty limit is unlimited, 0 refuses everything. A tenant without a quota"
                " of its own has that of the deployment; deleting its own goes back to that.",
            },
        )
    ]


class TenantForm(AuditedForm[Tenant]):
    """Name and time zone; and a switch, for a tenant is suspended now or not at all."""

    is_suspended = forms.BooleanField(
        required=False, label="Suspended", help_text="Its keys do not work; running tasks go on."
    )
    audited = frozenset({"time_zone", "is_suspended"})
    columns = {"is_suspended": "suspended_at"}

    class Meta:
        model = Tenant
        fields = ["name", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_suspended"] = self.instance.is_suspended
        if "time_zone" in self.fields:
            # Before the row gets it, for the page that comes back reckons the tenant's day from the row.
            self.fields["time_zone"].validators.append(validate_time_zone)

    def needs_reason(self) -> bool:
        """A new tenant changes nothing."""
        return not self.instance._state.adding and super().needs_reason()

    def clean(self) -> dict[str, Any]:
        """Suspend from now on, or no longer."""
        cleaned = super().clean()
        if "is_suspended" in self.changed_data:
            self.instance.suspended_at = timezone.now() if cleaned["is_suspended"] else None
        return cleaned


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    """Tenants. They are not deleted, for what they paid and had stays on record; they are suspended."""

    form = TenantForm
    list_display = ["name", "open_tasks", "waiting_tasks", "balance", "created_at", "suspended_at"]
    list_select_related = ["standing"]
    ordering = ["name"]
    search_fields = ["name"]
    inlines = [QuotaInline, CosBucketInline, MembershipInline]
    standing_fields = ["open_tasks", "waiting_tasks", "balance", "held", "today", "this_month"]
    readonly_fields = ["suspended_at", *standing_fields]

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """A new tenant has nothing yet; who may only look gives no reason."""
        reason = ("Reason", {"fields": ["reason"], "description": _WANTS_REASON})
        if obj is None:
            return [(None, {"fields": ["name", "time_zone"]}), reason]
        return [
            (None, {"fields": ["name", "time_zone", "is_suspended", "suspended_at"]}),
            ("Standing", {"fields": self.standing_fields}),
            *([reason] if self.has_change_permission(request, obj) else []),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Nobody deletes a tenant."""
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save what was changed, in turn with others who change the tenant or its quota."""
        if not change:
            obj.save()
            return
        before = Tenant.objects.select_for_update(no_key=True).get(pk=obj.pk)
        columns = form.written()
        obj.save(update_fields=columns)
        changed = audit.changes(before, obj, [name for name in AUDITED if name in columns])
        record(request, f"tenant {obj}", form.cleaned_data["reason"], changed, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the rest of the page, and write down what it does to the limits."""
        tenant: Tenant = form.instance
        before = _limits(tenant)
        super().save_related(request, form, formsets, change)
        changed = audit.differences(before, _limits(tenant))
        record(request, f"quota of {tenant}", form.cleaned_data["reason"], changed, tenant)

    @admin.display(description="At work", ordering="standing__open_tasks")
    def open_tasks(self, tenant: Tenant) -> int:
        """Tasks at work."""
        return tenant.standing.open_tasks

    @admin.display(description="Waiting", ordering="standing__waiting_tasks")
    def waiting_tasks(self, tenant: Tenant) -> int:
        """Tasks in its own queue."""
        return tenant.standing.waiting_tasks

    @admin.display(ordering="standing__balance")
    def balance(self, tenant: Tenant) -> str:
        """What it may spend, if it is prepaid."""
        return f"{shown(tenant.standing.balance)} {settings.CURRENCY}"

    def held(self, tenant: Tenant) -> str:
        """What is set aside for its open tasks."""
        return f"{shown(tenant.standing.held)} {settings.CURRENCY}"

    def today(self, tenant: Tenant) -> str:
        """Its use of its own day."""
        standing, day = tenant.standing, Period.of(timezone.now(), tenant.time_zone).day
        if standing.day is None or standing.day < day:
            return f"nothing on {day}"
        used = f"{standing.day_seconds} s, {shown(standing.day_spend)} {settings.CURRENCY}"
        return f"{used} on {standing.day}"

    def this_month(self, tenant: Tenant) -> str:
        """Its use of its own month."""
        standing, month = tenant.standing, Period.of(timezone.now(), tenant.time_zone).month
        if standing.month is None or standing.month < month:
            return f"nothing in {month:%Y-%m}"
        used = f"{standing.month_seconds} s, {shown(standing.month_spend)} {settings.CURRENCY}"
        return f"{used} in {standing.month:%Y-%m}"


_WANTS_REASON = "Wanted where the time zone, the suspension or the quota changes; it is kept with the change."


def _limits(tenant: Tenant) -> audit.Values:
    """The limits in force, and whether they are the tenant's own."""
    quota = quota_of(tenant.pk)
    return {"is_own": not quota._state.adding, **audit.values(quota, FIELDS)}
