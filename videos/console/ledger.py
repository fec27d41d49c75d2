"""The ledger in the staff console: the list of entries, top-ups and adjustments."""

from collections.abc import Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import audit
from accounts.console.filters import TenantFilter
from accounts.console.lists import BigListAdmin
from accounts.console.once import OnceAdmin
from accounts.console.reasons import person, reason_field, record
from accounts.models import Tenant
from accounts.once import FORM_ID, FormIdField
from accounts.quotas import standing
from accounts.templatetags.amounts import signed_money
from config.amounts import format_amount
from config.console.filters import DaysOfWriting, FieldChoiceFilter
from videos.billing import ledger
from videos.console.task_links import task_link
from videos.models import EntryKind, LedgerEntry
from videos.models.task import public_id
from videos.pages.money import MOVED

BOOKINGS = {EntryKind.TOP_UP: ledger.top_up, EntryKind.ADJUSTMENT: ledger.adjust}
"""The kinds of entries that staff may add."""
MOST = Decimal(1_000_000_000_000)
"""Exclusive bound of a balance, in the currency: the limit of the money columns."""


class BookingForm(forms.ModelForm[LedgerEntry]):
    """A top-up or adjustment of a tenant's balance."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(kind.value, kind.label) for kind in BOOKINGS],
        help_text=_("A top-up is money that was paid in; an adjustment corrects, up or down."),
        widget=UnfoldAdminSelectWidget,
    )
    reason = reason_field(required=True)
    form_id = FormIdField()

    class Meta:
        model = LedgerEntry
        fields = ["tenant", "kind", "amount", "reason"]
        help_texts = {
            "amount": format_lazy(
                _("What it adds to the balance, in {currency}."), currency=settings.CURRENCY
            )
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        if {"tenant", "kind", "amount"} <= cleaned.keys():
            for problem in self._problems(cleaned["tenant"], cleaned["kind"], cleaned["amount"]):
                self.add_error("amount", problem)
        return cleaned

    def _problems(self, tenant: Tenant, kind: str, amount: Decimal) -> Iterator[str]:
        # Locked until the entry is booked, as the view is one transaction.
        totals = standing.lock(tenant.pk)
        values = {"balance": format_amount(totals.balance)}
        if amount == 0:
            yield gettext("The amount must not be zero.")
        if kind == EntryKind.TOP_UP and amount < 0:
            yield gettext("A top-up must be positive; use an adjustment to deduct.")
        if abs(totals.balance + amount) >= MOST:
            yield gettext("The resulting balance would be too large; it is %(balance)s now.") % values


@admin.register(LedgerEntry)
class LedgerEntryAdmin(OnceAdmin[LedgerEntry], BigListAdmin[LedgerEntry]):
    """Ledger entries. Adding one books it; entries are never changed or deleted."""

    form = BookingForm
    records_all = True
    has_history = False
    autocomplete_fields = ["tenant"]
    list_display = ["at", "tenant", "what", "sum", "set_aside", "video", "reason", "actor_name"]
    list_before_template = "admin/videos/ledgerentry/before.html"
    exported: ClassVar = {
        "sum": attrgetter("amount"),
        "set_aside": attrgetter("held"),
        "video": lambda entry: "" if entry.task_id is None else public_id(entry.task_id),
    }
    list_select_related = ["tenant"]
    list_filter = [("at", DaysOfWriting), TenantFilter, ("kind", FieldChoiceFilter)]
    actions = None

    def get_fields(self, request: HttpRequest, obj: LedgerEntry | None = None) -> Any:
        return [*BookingForm.Meta.fields, FORM_ID] if obj is None else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: LedgerEntry | None = None) -> Any:
        return () if obj is None else self.list_display

    def has_change_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, {"title": gettext("Top up or correct a balance")})

    def save_model(self, request: HttpRequest, obj: LedgerEntry, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Book the entry, record it in the audit log, and show the new balance."""
        before = standing.lock(obj.tenant_id).balance
        book = BOOKINGS[EntryKind(obj.kind)]
        entry = book(obj.tenant, obj.amount, person(request), obj.reason, timezone.now())
        obj.pk = entry.pk
        balance = format_amount(before + entry.amount)
        changed = {"balance": format_amount(before)}, {"balance": balance, "kind": obj.kind}
        record(request, audit.About.BALANCE.named(obj.tenant), obj.reason, changed, obj.tenant)
        now = gettext("The balance of %(tenant)s is %(balance)s %(currency)s now.")
        values = {"tenant": obj.tenant, "balance": balance, "currency": settings.CURRENCY}
        messages.success(request, now % values)

    @admin.display(description=_("What"))
    def what(self, entry: LedgerEntry) -> str:
        return entry.get_kind_display()

    @admin.display(description=_("Amount"))
    def sum(self, entry: LedgerEntry) -> SafeString:
        """What it did to the available balance."""
        return signed_money(entry.amount)

    @admin.display(description=_("Held"))
    def set_aside(self, entry: LedgerEntry) -> SafeString | str:
        """The change of the held amount, in words; empty for entries by people."""
        if entry.task_id is None:
            return ""
        return format_html("{} {}", signed_money(entry.held), MOVED[EntryKind(entry.kind)])

    @admin.display(description=_("Video"))
    def video(self, entry: LedgerEntry) -> str:
        return "" if entry.task_id is None else task_link(entry.task_id)
