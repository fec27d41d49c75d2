"""The ledger in the staff console: to look at, to top up a balance, and to correct one."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin_lists import InputFilter, TenantFilter
from accounts.admin_reasons import person, reason_field, record
from accounts.models import StaffChange, Tenant
from accounts.money import shown
from videos import ledger
from videos.models import EntryKind, LedgerEntry
from videos.models.task import public_id

BOOKINGS = {EntryKind.TOP_UP: ledger.top_up, EntryKind.ADJUSTMENT: ledger.adjust}
"""What a person may do to a balance."""
MOST = Decimal(1_000_000_000_000)
"""The columns of money hold less."""
_PAGE = re.compile("[1-9][0-9]{0,5}")


class UncountedPaginator(Paginator[Any]):
    """Knows whether there is a page after the one shown, and no more: counting reads all rows."""

    def __init__(self, rows: QuerySet[Any], per_page: int, page: int) -> None:
        super().__init__(rows, per_page)
        self._keys = rows.values_list("pk", flat=True)
        self._start = (page - 1) * per_page

    @cached_property
    def count(self) -> int:
        """The rows up to the first one of the next page."""
        return self._start + len(self._keys[self._start : self._start + self.per_page + 1])


def _moments(day: str) -> tuple[datetime, datetime]:
    """The first and the last moment of the day, in the time zone of the console."""
    try:
        start = datetime.combine(date.fromisoformat(day), time.min, timezone.get_current_timezone())
    except ValueError as error:
        raise IncorrectLookupParameters from error
    return start, datetime.combine(start, time.max, start.tzinfo)


class DayFilter(InputFilter):
    """By the day, in the time zone of the console."""

    title = "day"
    parameter_name = "day"
    input_type = "date"

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        """The entries of that day."""
        given = self.value()
        return queryset.filter(at__range=_moments(given)) if given else queryset


class BookingForm(forms.ModelForm[LedgerEntry]):
    """Money to add to a balance, or to take from it."""

    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in BOOKINGS],
        help_text="A top-up is money that was paid in; an adjustment corrects, up or down.",
    )
    reason = reason_field(required=True)
    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    """Each form shown is booked once, however often it is sent."""

    class Meta:
        model = LedgerEntry
        fields = ["tenant", "kind", "amount", "reason"]

    def clean(self) -> dict[str, Any]:
        """Say what cannot be booked."""
        super().clean()
        cleaned = self.cleaned_data
        if {"tenant", "kind", "amount", "form_id"} <= cleaned.keys():
            for problem in self._problems(**cleaned):
                self.add_error("amount", problem)
        return cleaned

    def _problems(self, tenant: Tenant, kind: str, amount: Decimal, form_id: Any, **_: Any) -> Iterator[str]:
        # Locked until it is booked, for the page is one transaction: a twin of this form waits here.
        totals = ledger.lock(tenant.pk)
        if amount == 0:
            yield "There is nothing to book."
        if kind == EntryKind.TOP_UP and amount < 0:
            yield "A top-up is more than nothing; an adjustment takes money away."
        if abs(totals.balance + amount) >= MOST:
            yield f"The balance, {shown(totals.balance)} now, would be too large."
        if StaffChange.objects.filter(tenant=tenant, after__form=str(form_id)).exists():
            yield f"This was booked already: the balance is {shown(totals.balance)}. For more, start anew."


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin[LedgerEntry]):
    """Movements of money. Who adds one, books it; nobody changes or deletes any."""

    form = BookingForm
    autocomplete_fields = ["tenant"]
    list_display = ["at", "tenant", "kind", "sum", "set_aside", "video", "actor_name", "reason"]
    list_select_related = ["tenant"]
    list_filter = [TenantFilter, DayFilter, "kind"]
    ordering = ["-id"]
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_max_show_all = 0
    actions = None

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Paginator[Any]:
        """One that counts nothing."""
        page = request.GET.get(PAGE_VAR, "")
        return UncountedPaginator(queryset, per_page, int(page) if _PAGE.fullmatch(page) else 1)

    def get_fields(self, request: HttpRequest, obj: LedgerEntry | None = None) -> Any:
        """What is written, and of an entry that is there what is read."""
        return [*BookingForm.Meta.fields, "form_id"] if obj is None else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: LedgerEntry | None = None) -> Any:
        """Nothing of an entry changes."""
        return () if obj is None else self.list_display

    def has_change_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        """Nobody changes an entry."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LedgerEntry | None = None) -> bool:
        """Nobody deletes one."""
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, under a title that says what it does."""
        return super().add_view(request, form_url, {"title": "Top up or correct a balance"})

    def save_model(self, request: HttpRequest, obj: LedgerEntry, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Book it, write it down, and say what the balance is now."""
        before = ledger.lock(obj.tenant_id).balance
        book = BOOKINGS[EntryKind(obj.kind)]
        entry = book(obj.tenant, obj.amount, person(request), obj.reason, timezone.now())
        obj.pk = entry.pk
        balance = shown(before + entry.amount)
        told = {"balance": balance, "kind": obj.kind, "form": str(form.cleaned_data["form_id"])}
        changed = {"balance": shown(before)}, told
        record(request, f"balance of {obj.tenant}", obj.reason, changed, obj.tenant)
        messages.success(request, f"The balance of {obj.tenant} is {balance} {settings.CURRENCY} now.")

    @admin.display(description="Amount")
    def sum(self, entry: LedgerEntry) -> str:
        """What it adds to the balance."""
        return shown(entry.amount)

    @admin.display(description="Held")
    def set_aside(self, entry: LedgerEntry) -> str:
        """What it adds to the money set aside."""
        return shown(entry.held)

    def video(self, entry: LedgerEntry) -> str:
        """The task it is of."""
        if entry.task_id is None:
            return ""
        page = reverse("admin:videos_task_change", args=[entry.task_id])
        return format_html('<a href="{}">{}</a>', page, public_id(entry.task_id))
