"""The choice of models, for a key and for an upstream account: checkboxes by family."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.forms.renderers import BaseRenderer, TemplatesSetting
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

Families = Mapping[str, Sequence[str]]
"""The names of models by family."""


class ModelPicker(forms.CheckboxSelectMultiple):
    """A part for each family, open if one of its models is chosen. Needs no script."""

    template_name = "model_picker.html"

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        return super().render(name, value, attrs, TemplatesSetting())  # finds the project's templates

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["families"] = [
            {"name": family, "options": options, "chosen": sum(one["selected"] for one in options)}
            for family, options, _index in context["widget"]["optgroups"]
        ]
        context["is_invalid"] = "aria-invalid" in context["widget"]["attrs"]
        return context


class ModelsField(forms.MultipleChoiceField):
    """Names of models, spelled as the catalogue does."""

    widget = ModelPicker

    def offer(self, stored: Iterable[str]) -> list[str]:
        """Offer the catalogue's models and the stored ones; returns the latter as they are offered.

        Names are stored as they were entered once, in any case, and a model may have left the catalogue.
        """
        families = _families()
        names = {name.lower(): name for models in families.values() for name in models}
        gone = [name for name in stored if name.lower() not in names]
        offered = {**families, _("No longer offered"): gone} if gone else families
        self.choices = [(family, [(name, name) for name in models]) for family, models in offered.items()]
        return [names.get(name.lower(), name) for name in stored]


def _families() -> Families:
    families: Callable[[], Families] = import_string(settings.MODEL_FAMILIES)
    return families()
