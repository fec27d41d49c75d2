"""Forms of rows that other people may change while the page is open."""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.db.models import Model

_Row = TypeVar("_Row", bound=Model)


class ChangesForm(forms.ModelForm[_Row]):
    """Detects what was changed since the page was shown.

    What somebody else changed meanwhile is neither counted as a change nor overwritten. A form that was sent
    without the values that the page showed is compared with the row as it is now.
    """

    columns: ClassVar[dict[str, str]] = {}
    """The columns that form fields outside the model are saved in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_change = not self.instance._state.adding
        for name, field in self.fields.items():
            field.show_hidden_initial = is_change and self._knows_what_was_shown() and name != "reason"

    def clean(self) -> dict[str, Any]:
        """Gives fields that were not changed the row's present value."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            kept = cleaned.keys() - set(self.written())
            columns = [field.name for field in self.instance._meta.concrete_fields if field.name in kept]
            cleaned |= {name: getattr(self.instance, name) for name in columns}
        return cleaned

    def written(self) -> list[str]:
        """The names of the columns to save."""
        return [self.columns.get(name, name) for name in self.changed_data if name != "reason"]

    def _knows_what_was_shown(self) -> bool:
        return not self.is_bound or any(name.startswith(self.add_initial_prefix("")) for name in self.data)
