"""A tenant's quota, on its page in the staff console."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.console.memberships import ChangedColumnsFormSet
from accounts.console.reasons import NO_REASON
from accounts.models import Quota, Tenant
from accounts.pages.changes_form import ChangesForm
from accounts.quotas.in_force import FIELDS, default_columns, quota_of
from config.console.theme import StackedInline


class QuotaForm(ChangesForm[Quota]):
    """The limits in force; the deployment's if the tenant has no quota of its own."""

    class Meta:
        model = Quota
        fields = FIELDS
        help_texts = dict.fromkeys(
            ("spend_per_day", "spend_per_month"), format_lazy(_("In {currency}."), currency=settings.CURRENCY)
        )

    def __init__(self, *args: Any, instance: Quota | None = None, **kwargs: Any) -> None:
        defaults = {} if instance else dict(zip(FIELDS, default_columns(), strict=True))
        super().__init__(*args, instance=instance, initial=defaults, **kwargs)


class QuotaFormSet(ChangedColumnsFormSet):
    """Requires the reason, which is a field of the tenant's form."""

    def clean(self) -> None:
        super().clean()
        if self.has_changed() and not self.data.get("reason", "").strip():
            raise ValidationError(format_lazy("{} {}", NO_REASON, _("Use the Reason field above.")))


class QuotaInline(StackedInline[Quota, Tenant]):
    """The tenant's quota."""

    model = Quota
    form = QuotaForm
    formset = QuotaFormSet
    fieldsets = [
        (
            None,
            {
                "fields": FIELDS,
                "description": _(
                    "An empty limit means unlimited; 0 refuses everything. A tenant without a quota of its "
                    "own has the default quota; deleting its own returns it to that."
                ),
            },
        )
    ]


def limits_of(tenant: Tenant) -> audit.Values:
    """The limits in force, and whether they are the tenant's own."""
    quota = quota_of(tenant.pk)
    return {"is_own": not quota._state.adding, **audit.values(quota, FIELDS)}
