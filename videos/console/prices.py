"""The price list in the staff console.

A price that has come into force is kept as a record: it can only be ended or superseded by a later one. Only
a future price can be changed or deleted.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts import audit
from accounts.console.lists import ListAdmin
from accounts.console.once import OnceAdmin
from accounts.console.reasons import AuditedForm, ReasonForm, record
from accounts.once import FORM_ID, FormIdField
from accounts.templatetags.amounts import rate
from config.web.badges import BUSY, GOOD, NEUTRAL, WARN, chip
from videos import catalogue
from videos.billing.prices import PriceBook, options_of
from videos.labels import Badge
from videos.models import Price, PriceList
from videos.pages import price_table

OPTIONS = ("with_audio", "with_reference", "off_peak", "on_own_account")
FIXED = ("price_list", "model", *OPTIONS, "per_second", "valid_from")
"""Fields that cannot change once the price has come into force."""
COLUMNS = (*FIXED, "valid_until")
_DEFAULT = "default"
"""The default list in the filter's parameter."""
MOST = Decimal(1_000_000)
"""Exclusive bound of the price of a second, so that sums of task prices fit their columns."""
COMING, IN_FORCE, SUPERSEDED, ENDED = "to come", "in force", "superseded", "ended"
"""The states of a price. A superseded one gave way to a later one, and applies again after its end."""
STATES = {
    IN_FORCE: Badge(_("In force"), GOOD),
    COMING: Badge(_("To come"), BUSY),
    SUPERSEDED: Badge(pgettext_lazy("a price that another one took over from", "Superseded"), WARN),
    ENDED: Badge(_("Ended"), NEUTRAL),
}


def state_at(now: datetime) -> Case:
    """SQL expression for the state of a price at that time."""
    valid = Q(valid_from__lte=now) & (Q(valid_until=None) | Q(valid_until__gt=now))
    same = {name: OuterRef(name) for name in ("model", *OPTIONS)}
    # The default list is NULL, which equals nothing in SQL.
    of_list = Price.objects.annotate(list=Coalesce("price_list_id", 0)).filter(
        list=Coalesce(OuterRef("price_list_id"), 0)
    )
    later = of_list.filter(valid, **same, valid_from__gt=OuterRef("valid_from"))
    return Case(
        When(valid_from__gt=now, then=Value(COMING)),
        When(valid_until__lte=now, then=Value(ENDED)),
        When(Exists(later), then=Value(SUPERSEDED)),
        default=Value(IN_FORCE),
    )


class StateFilter(admin.SimpleListFilter):
    """Filters by the current state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(name, look.label) for name, look in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class ListFilter(admin.SimpleListFilter):
    """Filters by the price list."""

    title = _("price list")
    parameter_name = "list"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        lists = PriceList.objects.values_list("pk", "name")
        return [(_DEFAULT, _("Default list")), *((str(number), name) for number, name in lists)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == _DEFAULT:
            return queryset.filter(price_list=None)
        is_known = self.value() in dict(self.lookup_choices)
        return queryset.filter(price_list=self.value()) if is_known else queryset


class PriceForm(AuditedForm[Price]):
    """A price; its start and end cannot be in the past."""

    model = forms.ChoiceField(
        label=_("Model"),
        choices=[(spec.name, spec.name) for spec in catalogue.MODELS],
        widget=UnfoldAdminSelectWidget,
    )
    valid_from = forms.SplitDateTimeField(
        label=_("Valid from"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Empty: from now on."),
    )
    ends_now = forms.BooleanField(required=False, label=_("End it now"), widget=UnfoldBooleanSwitchWidget)
    audited = frozenset({*COLUMNS, "ends_now"})
    new_needs_reason = True
    columns = {"ends_now": "valid_until"}

    class Meta:
        model = Price
        fields = COLUMNS
        help_texts = {"per_second": format_lazy(_("In {currency}."), currency=settings.CURRENCY)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = timezone.now()
        if self.instance._state.adding:
            self.initial["valid_from"] = None

    def clean(self) -> dict[str, Any]:
        """Check the dates; an empty start means now."""
        cleaned = super().clean()
        if "valid_from" in cleaned:
            cleaned["valid_from"] = cleaned["valid_from"] or self.now
        if cleaned.get("ends_now"):
            cleaned["valid_until"] = self.now
        for field, problem in self._problems(cleaned):
            self.add_error(field, problem)
        return cleaned

    def _problems(self, cleaned: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
        start, end = cleaned.get("valid_from", self.instance.valid_from), cleaned.get("valid_until")
        if self._is_late():
            yield None, gettext("This price is now in force; only its end can be changed.")
        elif "valid_from" in cleaned and start < self.now:
            yield "valid_from", gettext("The start cannot be in the past; leave it empty to start now.")
        if "valid_until" in self.changed_data and end and end < self.now:
            yield "valid_until", gettext("The end cannot be in the past; use the switch to end it now.")
        elif end and end <= start:
            yield "valid_until", gettext("A price ends after it begins.")
        if cleaned.get("per_second", 0) >= MOST:
            yield "per_second", gettext("The price per second must be below %(most)s.") % {"most": MOST}

    def _is_late(self) -> bool:
        """Whether the price came into force after the form was shown."""
        sent = {"model", "per_second", "valid_from_0"}.intersection(self.data)
        return not self.instance._state.adding and has_begun(self.instance, self.now) and bool(sent)


class NewPriceForm(PriceForm):
    """A new price."""

    form_id = FormIdField()


@admin.register(Price)
class PriceAdmin(OnceAdmin[Price], ListAdmin[Price]):
    """Prices per second of video."""

    form = PriceForm
    records_all = True
    list_display = ["model", "of_list", "options", "a_second", "valid_from", "valid_until", "state"]
    file_columns = ("model", "of_list", *OPTIONS, "a_second", "valid_from", "valid_until", "state")
    list_filter = [StateFilter, ListFilter, *OPTIONS, "model"]
    list_select_related = ["price_list"]
    search_fields = ["model"]
    search_help_text = _("Name of a model")
    exported: ClassVar = {"a_second": attrgetter("per_second")}
    actions = None
    list_before_template = "admin/videos/price/before.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        return super().get_queryset(request).annotate(state=state_at(timezone.now()))

    def get_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        begun = obj is not None and has_begun(obj, timezone.now())
        may_change = self.has_change_permission(request, obj) if obj else True
        shown = {"per_second": "a_second"} if begun else {}
        return [
            *(shown.get(name, name) for name in COLUMNS),
            *(["ends_now"] if begun and may_change else []),
            *(["reason"] if may_change else []),
            *([] if obj else [FORM_ID]),
        ]

    def get_form(self, request: HttpRequest, obj: Price | None = None, **kwargs: Any) -> Any:  # type: ignore[override]  # the stubs name the parameter change
        return super().get_form(request, obj, **(kwargs if obj else {"form": NewPriceForm, **kwargs}))

    def get_readonly_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        return (*FIXED, "a_second") if obj and has_begun(obj, timezone.now()) else ()

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        """Not if the price has ended."""
        return super().has_change_permission(request, obj) and not (obj and has_ended(obj, timezone.now()))

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        """Not if the price has come into force."""
        return super().has_delete_permission(request, obj) and not (obj and has_begun(obj, timezone.now()))

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the changes and record them in the audit log."""
        before = Price.objects.select_for_update().get(pk=obj.pk) if change else None
        columns = form.written() if change else COLUMNS
        obj.save(update_fields=columns if change else None)
        changed = audit.changes(before, obj, columns)
        record(request, audit.About.PRICE.named(obj), form.cleaned_data["reason"], changed)
        if not obj.on_own_account:
            _warn_if_unsold(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Require a reason."""
        may_delete = self.has_delete_permission(request)
        if may_delete and request.method == "POST" and (problem := ReasonForm(request.POST).problem):
            messages.error(request, problem)
            return HttpResponseRedirect(request.get_full_path())
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Price) -> None:
        """Record the deletion in the audit log and delete."""
        record(request, audit.About.PRICE.named(obj), _reason(request), audit.changes(obj, None, COLUMNS))
        obj.delete()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.table_view)
        return [path("table/", view, name="videos_price_table"), *super().get_urls()]

    def table_view(self, request: HttpRequest) -> HttpResponse:
        """The prices of one list as a table: those in force, and what changes next."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        lists = {"": gettext("Default list"), **{str(one.pk): one.name for one in PriceList.objects.all()}}
        chosen = request.GET.get("list", "")
        if chosen not in lists:
            raise Http404
        prices, now = PriceBook.load().of_list(int(chosen) if chosen else None), timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Price table"),
            "table": price_table.of_list(prices, now),
            "tabs": [(number, name, number == chosen) for number, name in lists.items()],
            "currency": settings.CURRENCY,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/videos/price/table.html", context)

    @admin.display(description=_("price list"), ordering="price_list")
    def of_list(self, price: Price) -> str:
        return str(price.price_list or gettext("Default list"))

    @admin.display(description=_("options"))
    def options(self, price: Price) -> str:
        """What a request must have for it, in the words of the price table."""
        return price_table.heading(options_of(price))

    @admin.display(description=_("price of a second"), ordering="per_second")
    def a_second(self, price: Price) -> str:
        return rate(price.per_second)

    @admin.display(description=_("state"), ordering="state")
    def state(self, price: Any) -> SafeString:
        return chip(*STATES[price.state])


def has_begun(price: Price, now: datetime) -> bool:
    """Whether the price has come into force, so tasks may have been sold at it."""
    return price.valid_from <= now


def has_ended(price: Price, now: datetime) -> bool:
    """Whether the price has ended."""
    return price.valid_until is not None and price.valid_until <= now


def _reason(request: HttpRequest) -> str:
    form = ReasonForm(request.POST)
    return str(form.cleaned_data["reason"]) if form.is_valid() else ""


def _warn_if_unsold(request: HttpRequest, price: Price) -> None:
    in_force = PriceBook.load().of_list(price.price_list_id).of_model(price.model, timezone.now())
    if all(found["options"] for found in in_force):
        unsold = gettext("%(model)s has no base price in force and is not sold without options.")
        messages.warning(request, unsold % {"model": price.model})
