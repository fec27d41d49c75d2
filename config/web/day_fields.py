"""Days in forms: one field, its bounds and what is said of a range that ends before it begins."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

FIRST, LAST = date(2000, 1, 1), date(2999, 12, 31)
"""Days that a form takes: each has a midnight in every time zone, also the day after, and an id (UUIDv7)."""
BOUNDS = (MinValueValidator(FIRST), MaxValueValidator(LAST))
REVERSED = _("This is after the last day.")
"""The error of the first day of such a range."""
_AS_SENT = "%Y-%m-%d"


def day_field(label: Any) -> forms.DateField:
    """An optional day within the bounds, with the browser's picker."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date", "min": str(FIRST), "max": str(LAST)}, _AS_SENT),
        input_formats=[_AS_SENT],
        validators=BOUNDS,
    )


class DaysForm(forms.Form):
    """The first and the last day, both optional and included; an invalid one counts as empty."""

    start = day_field(_("From"))
    end = day_field(_("To"))

    def clean(self) -> dict[str, Any]:
        """Reports a first day that is after the last."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and start > end:
            self.add_error("start", REVERSED)
        return cleaned
