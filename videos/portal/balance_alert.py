"""The level of the balance below which a tenant's owners are told by mail."""

from datetime import datetime
from decimal import Decimal

from django import forms
from django.conf import settings
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audit import Author
from accounts.models import BalanceAlert, Tenant
from config.amounts import PLACES, format_amount

_MOST_DIGITS = 18
_RECORDED = ("level",)


class BalanceAlertForm(forms.Form):
    """The level; empty if nobody is to be told."""

    level = forms.DecimalField(
        label=format_lazy(_("Alert below, {currency}"), currency=settings.CURRENCY),
        help_text=_("The owners get one mail when the balance falls below this. Empty: no mail."),
        required=False,
        max_digits=_MOST_DIGITS,
        decimal_places=PLACES,
    )

    @classmethod
    def of(cls, tenant: Tenant) -> "BalanceAlertForm":
        """The form with the tenant's level."""
        level = BalanceAlert.objects.filter(tenant=tenant).values_list("level", flat=True).first()
        return cls(initial={} if level is None else {"level": format_amount(level)})


@transaction.atomic
def set_level(tenant: Tenant, level: Decimal | None, by: Author, now: datetime) -> None:
    """Set or clear the level, and record the change; at a new level, owners are told anew."""
    Tenant.objects.locked(tenant.pk)  # serialises concurrent changes
    before = BalanceAlert.objects.filter(tenant=tenant).first()
    if level == (before and before.level):
        return
    after = None
    if level is None:
        BalanceAlert.objects.filter(tenant=tenant).delete()
    else:
        values = {"level": level, "told_at": None}
        after, _is_new = BalanceAlert.objects.update_or_create(tenant=tenant, defaults=values)
    change = audit.changes(before, after, _RECORDED)
    audit.record_change(by, audit.About.BALANCE_ALERT.named(tenant), change, now, tenant)
