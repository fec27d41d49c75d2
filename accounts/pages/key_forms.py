"""Forms for an API key, used by the tenant's own people and by staff."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.postgres.forms import SimpleArrayField
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, KeyKind, Scope
from accounts.models.api_key import RESTRICTIONS, default_scopes
from accounts.networks import validate_network
from accounts.once import FormIdField
from accounts.pages.changes_form import ChangesForm
from accounts.pages.model_picker import ModelsField

SCOPES = {
    Scope.READ: _("Read: look at videos, models, use and limits"),
    Scope.WRITE: _("Write: make, cancel and delete videos"),
    Scope.MANAGE: _("Manage: reserved for account settings; not used by any endpoint yet"),
}
"""The label of each scope in forms."""


KINDS = {
    KeyKind.BEARER: _("API key: the program sends it with each request to the REST API"),
    KeyKind.PAIR: _("Key pair: SecretId and SecretKey, with which an SDK of Tencent Cloud signs requests"),
}
"""The label of each kind of key in forms."""


class KindField(forms.ChoiceField):
    """How a new key is proved; an API key if nothing is chosen."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [(kind.value, label) for kind, label in KINDS.items()]
        super().__init__(label=_("Kind"), choices=choices, initial=KeyKind.BEARER, required=False, **kwargs)

    def clean(self, value: Any) -> str:
        return str(super().clean(value) or KeyKind.BEARER)


class NetworksField(SimpleArrayField):
    """Comma-separated networks, validated here because a form loses the model's message about an item."""

    default_error_messages = {"item_invalid": ""}

    def __init__(self, base_field: forms.Field, **kwargs: Any) -> None:
        base_field.validators.append(validate_network)
        super().__init__(base_field, **kwargs)


class KeyForm(ChangesForm[APIKey]):
    """The editable fields of a key."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, label) for scope, label in SCOPES.items()],
        initial=default_scopes,
        widget=forms.CheckboxSelectMultiple,
    )
    allowed_models = ModelsField(
        label=_("Models"),
        required=False,
        help_text=_("Choose the models that the key may use. None: every model, including future ones."),
    )

    class Meta:
        model = APIKey
        fields = ["name", "scopes", "expires_at", *RESTRICTIONS]
        field_classes = {"allowed_networks": NetworksField}
        labels = {
            "name": _("Name"),
            "expires_at": _("Ends on"),
            "allowed_networks": _("Networks"),
            "requests_per_minute": _("Tasks per minute"),
            "spend_per_month": format_lazy(_("Spend per month, {currency}"), currency=settings.CURRENCY),
        }
        help_texts = {
            "name": _("Name of the program that will use the key."),
            "expires_at": _("Empty: it works until it is revoked."),
            "allowed_networks": _(
                "Where it may be used from, such as 203.0.113.0/24, separated by commas. Empty: anywhere."
            ),
            "requests_per_minute": _("Tasks created with the key in any 60 seconds. Empty: unlimited."),
            "spend_per_month": _(
                "Amount the key may spend per month, in the tenant's time zone. Empty: unlimited."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "allowed_models" in self.fields:  # a page for reading has none
            models = cast("ModelsField", self.fields["allowed_models"])
            self.initial["allowed_models"] = models.offer(self.instance.allowed_models)

    def clean_expires_at(self) -> datetime | None:
        """A changed end must be in the future; an unchanged one may have passed."""
        end: datetime | None = self.cleaned_data["expires_at"]
        if end is not None and "expires_at" in self.changed_data and end <= timezone.now():
            raise forms.ValidationError(_("Choose a time in the future."))
        return end


class PortalKeyForm(KeyForm):
    """The form with the portal's widgets and words."""

    class Meta(KeyForm.Meta):
        labels = {**KeyForm.Meta.labels, "requests_per_minute": _("Videos per minute")}
        help_texts = {
            **KeyForm.Meta.help_texts,
            "requests_per_minute": _("Videos created with the key in any 60 seconds. Empty: unlimited."),
        }
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            # With seconds, so that an unchanged value comes back exactly.
            "expires_at": forms.DateTimeInput({"type": "datetime-local", "step": "any"}, "%Y-%m-%dT%H:%M:%S"),
            "allowed_networks": forms.TextInput(attrs={"autocomplete": "off"}),
        }


class NewKeyForm(PortalKeyForm):
    """A new key."""

    form_id = FormIdField()
    kind = KindField(widget=forms.RadioSelect)


class ChangedKeyForm(PortalKeyForm):
    """An existing key; one that was replaced keeps the end that its rotation set."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.replaced_by_id:
            del self.fields["expires_at"]
