"""Forms for a tenant's bucket, used by the tenant's owners and by staff."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.credentials import validate_credential
from accounts.models import CosBucket
from accounts.pages.changes_form import ChangesForm


class CosBucketForm(ChangesForm[CosBucket]):
    """Edits a bucket; accepts a new secret key and never shows the stored one."""

    new_secret_key = forms.CharField(
        label=_("New secret key"),
        required=False,
        validators=[validate_credential],
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the current key. Clearing the secret ID also removes the key."),
    )

    class Meta:
        model = CosBucket
        fields = ["bucket", "region", "path_prefix", "secret_id", "role_arn", "keep_copy"]
        labels = {
            "bucket": _("Bucket"),
            "region": _("Region"),
            "path_prefix": _("Folders"),
            "secret_id": _("Secret ID"),
            "role_arn": _("Role"),
            "keep_copy": _("Keep a copy"),
        }
        help_texts = {
            "bucket": _("name-appid, such as videos-1250000000."),
            "region": _("Such as ap-guangzhou."),
            "path_prefix": _(
                "Folders before the video's own; {tenant}, {model} and {date} are filled in. May be empty."
            ),
            "secret_id": _("Of a key pair that may read the bucket. Optional; kept with its key, encrypted."),
            "role_arn": _(
                "Instead of a key pair: a role that the platform may assume, such as"
                " qcs::cam::uin/100000000001:roleName/reader."
            ),
            "keep_copy": _(
                "The platform keeps a copy of each video as well, for as long as it keeps others."
            ),
        }

    def clean(self) -> dict[str, Any]:
        """A changed secret id replaces the stored key, or clears it if no new key is given."""
        cleaned = super().clean()
        if self._changes_key():
            self.instance.secret_key = self.cleaned_data.get("new_secret_key") or None
        return cleaned

    def written(self) -> list[str]:
        """The names of the columns to save; a key pair is saved as a whole, never half of another."""
        columns = [name for name in super().written() if name not in ("new_secret_key", "secret_id")]
        return [*columns, "secret_id", "secret_key"] if self._changes_key() else columns

    def _changes_key(self) -> bool:
        return bool(self.cleaned_data.get("new_secret_key")) or "secret_id" in self.changed_data


class OwnBucketForm(CosBucketForm):
    """The form on the bucket's own page, where bucket and region are required."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("bucket", "region"):
            self.fields[name].required = True
        for name in ("bucket", "region", "path_prefix", "secret_id", "role_arn"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
