"""The form of an upstream account: secrets are written and never shown."""

from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from accounts import audit
from accounts.console.reasons import AuditedForm
from accounts.credentials import validate_credential
from accounts.encryption import UndecryptableError
from accounts.pages.model_picker import ModelsField
from videos.endpoints import validate_proxy
from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.states import Status

NEEDS_APPLICATION = frozenset({Product.VOD.value})
"""Products whose calls name an application inside the account."""
FIXED = {
    "product": _("It has tasks that only this product knows. Add another account instead."),
    "owner": _("It has tasks, so it cannot be given to another owner. Add another account instead."),
}
"""What cannot be changed once the account has tasks, and why."""
_BUSY = _(
    "Its unfinished tasks are known only where they were submitted. Disable the account, and "
    "wait until they have ended."
)
FIXED_WHILE_BUSY = ("endpoint", "sub_app_id", "region")
"""What cannot be changed while upstream works on tasks of the account."""
NOT_COLUMNS = ("new_secret_key", "new_proxy_url", "removes_proxy")
_DISABLED: Any = UpstreamAccount._meta.get_field("disabled_models")
_KEPT = _("Leave empty to keep the one that is set.")


class UpstreamAccountForm(AuditedForm[UpstreamAccount]):
    """Accepts a new secret key and proxy without showing the old ones; has defaults for each product."""

    audited = frozenset({"product", "owner", "endpoint", "new_proxy_url", "removes_proxy"})

    new_secret_key = forms.CharField(
        label=_("New secret key"),
        required=False,
        validators=[validate_credential],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_KEPT,
    )
    new_proxy_url = forms.CharField(
        label=_("New proxy"),
        required=False,
        validators=[validate_proxy],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "For all calls and downloads, such as http://user:password@proxy:3128."
            " Leave empty to keep the one that is set."
        ),
    )
    removes_proxy = forms.BooleanField(
        label=_("Remove the proxy"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    disabled_models = ModelsField(label=_("Disabled models"), required=False, help_text=_DISABLED.help_text)

    class Meta:
        model = UpstreamAccount
        fields = "__all__"  # the console's page chooses

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "disabled_models" in self.fields:
            models = cast("ModelsField", self.fields["disabled_models"])
            self.initial["disabled_models"] = models.offer(self.instance.disabled_models)

    def clean_new_secret_key(self) -> str:
        given = str(self.cleaned_data["new_secret_key"])
        if not given and self.instance.pk is None:
            raise forms.ValidationError(gettext("A new account needs its secret key."))
        return given

    def clean(self) -> dict[str, Any]:
        """Fills in a new account's defaults; refuses what the product or the account's tasks rule out."""
        cleaned = super().clean()
        if self.instance._state.adding:
            self._fill_in(cleaned)
        else:
            self._keep_fixed()
        if cleaned.get("product") in NEEDS_APPLICATION and cleaned.get("sub_app_id", 0) is None:
            self.add_error("sub_app_id", _("This product needs an application ID (SubAppId)."))
        if cleaned.get("new_proxy_url") and cleaned.get("removes_proxy"):
            self.add_error("removes_proxy", _("Either enter a new proxy or remove it."))
        return cleaned

    def written(self) -> list[str]:
        return [name for name in super().written() if name not in NOT_COLUMNS]

    def write_secrets(self) -> list[str]:
        """Set the secrets that were entered, and return the names of their columns."""
        secret_key, proxy_url = self.cleaned_data["new_secret_key"], self.cleaned_data.get("new_proxy_url")
        entered = {"secret_key": secret_key} if secret_key else {}
        if proxy_url or self.cleaned_data.get("removes_proxy"):
            entered["proxy_url"] = proxy_url or None
        for name, value in entered.items():
            setattr(self.instance, name, value)
        return list(entered)

    def _fill_in(self, cleaned: dict[str, Any]) -> None:
        product, usual = str(cleaned.get("product")), settings.DEFAULT_UPSTREAM_ENDPOINT
        if cleaned.get("most_open_tasks", 0) is None:
            cleaned["most_open_tasks"] = settings.DEFAULT_MOST_OPEN_TASKS.get(product)
        if cleaned.get("endpoint", usual) == usual:
            # Also if the person may not choose one, so that the field is missing.
            endpoint = settings.DEFAULT_UPSTREAM_ENDPOINTS.get(product, usual)
            self.instance.endpoint = cleaned["endpoint"] = endpoint

    def _keep_fixed(self) -> None:
        # Locked until the change is saved, as a worker may be about to send the account a task.
        UpstreamAccount.objects.select_for_update(no_key=True).only("pk").get(pk=self.instance.pk)
        tasks = Task.objects.filter(account=self.instance.pk)
        changed = [name for name in FIXED if name in self.changed_data]
        if changed and tasks.exists():
            for name in changed:
                self.add_error(name, FIXED[name])
        moved = [name for name in FIXED_WHILE_BUSY if name in self.changed_data]
        if moved and tasks.filter(status__in=[Status.SUBMITTING, Status.IN_DOUBT, Status.RUNNING]).exists():
            for name in moved:
                self.add_error(name, _BUSY)


def proxy_place(account: UpstreamAccount) -> str:
    """The host and port of the account's proxy, without user and password; empty if it has none."""
    try:
        return urlsplit(account.proxy_url or "").netloc.rpartition("@")[2]
    except UndecryptableError:
        return gettext("unreadable: its encryption key is gone")


def proxy_change(before: str, after: str, *, is_entered: bool) -> audit.Change:
    """The change of a proxy for the audit log, which must not have its password."""
    shown = audit.CHANGED if before == after and is_entered else after
    return audit.differences({"proxy": before}, {"proxy": shown})
