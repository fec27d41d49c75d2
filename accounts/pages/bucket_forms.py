"""What may be said of a tenant's bucket, by the tenant's owners and by staff."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.credentials import validate_credential
from accounts.models import CosBucket


class CosBucketForm(forms.ModelForm[CosBucket]):
    """Takes a new secret key, and never reads the old one."""

    new_secret_key = forms.CharField(
        label=_("New secret key"),
        required=False,
        validators=[validate_credential],
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the one that is set; it goes when the secret id is emptied."),
    )

    class Meta:
        model = CosBucket
        fields = ["bucket", "region", "path_prefix", "secret_id"]
        labels = {
            "bucket": _("Bucket"),
            "region": _("Region"),
            "path_prefix": _("Folders"),
            "secret_id": _("Secret id"),
        }
        help_texts = {
            "bucket": _("name-appid, such as videos-1250000000."),
            "region": _("Such as ap-guangzhou."),
            "path_prefix": _(
                "Folders before the video's own; {tenant}, {model} and {date} are filled in. May be empty."
            ),
            "secret_id": _("Of a key pair that may read the bucket. Optional; kept with its key, encrypted."),
        }

    def clean(self) -> dict[str, Any] | None:
        """A key belongs to one secret id: another id comes with another key, none with none."""
        cleaned = super().clean()
        if self._changes_key():
            self.instance.secret_key = self.cleaned_data.get("new_secret_key") or None
        return cleaned

    def written(self) -> list[str]:
        """The columns to save of a bucket that is there."""
        columns = [name for name in self.changed_data if name != "new_secret_key"]
        return [*columns, "secret_key"] if self._changes_key() else columns

    def _changes_key(self) -> bool:
        return bool(self.cleaned_data.get("new_secret_key")) or "secret_id" in self.changed_data


class OwnBucketForm(CosBucketForm):
    """The same on a page that is about nothing else: who wants no bucket removes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("bucket", "region"):
            self.fields[name].required = True
        for name in ("bucket", "region", "path_prefix", "secret_id"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
