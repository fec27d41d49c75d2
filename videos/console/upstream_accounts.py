"""Upstream accounts in the staff console."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from accounts.console.lists import ListAdmin
from accounts.console.reasons import AuditedForm
from accounts.credentials import validate_credential
from videos.models import UpstreamAccount

CONNECT = "videos.connect_upstreamaccount"
"""Permission to set an account's endpoint; without it, a new account gets the default."""
_OPERATION = ["is_enabled", "disabled_models", "creates_per_second", "describes_per_second"]


class UpstreamAccountForm(AuditedForm[UpstreamAccount]):
    """Accepts a new secret key without reading the old one. Changing the endpoint requires a reason."""

    audited = frozenset({"endpoint"})

    new_secret_key = forms.CharField(
        label=_("New secret key"),
        required=False,
        validators=[validate_credential],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the one that is set."),
    )

    class Meta:
        model = UpstreamAccount
        fields = ["name", "endpoint", "secret_id", *_OPERATION]
        widgets = {"disabled_models": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean_new_secret_key(self) -> str:
        given = str(self.cleaned_data["new_secret_key"])
        if not given and self.instance.pk is None:
            raise forms.ValidationError(gettext("A new account needs its secret key."))
        return given


@admin.register(UpstreamAccount)
class UpstreamAccountAdmin(ListAdmin[UpstreamAccount]):
    """Upstream accounts."""

    form = UpstreamAccountForm
    list_display = ["name", "endpoint", "is_enabled", "creates_per_second", "describes_per_second"]

    def get_fields(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """With a reason, if the user may change the account."""
        fields = ["name", "endpoint", "secret_id", "new_secret_key", *_OPERATION]
        may_change = obj is None or self.has_change_permission(request, obj)
        return [*fields, "reason"] if may_change else [*fields[:3], *_OPERATION]

    def get_readonly_fields(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """The endpoint needs a permission, because who sets it could read every request, secrets included."""
        return () if request.user.has_perm(CONNECT) else ("endpoint",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamAccount]:
        """Without the secret key, so that the page opens even if its encryption key is lost."""
        return super().get_queryset(request).defer("secret_key")

    def save_model(self, request: HttpRequest, obj: UpstreamAccount, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the form; an empty secret key keeps the stored one."""
        given = form.cleaned_data["new_secret_key"]
        if given:
            obj.secret_key = given
        names = [name for name in form.cleaned_data if name not in ("new_secret_key", "reason")]
        obj.save(update_fields=[*names, *(["secret_key"] if given else [])] if change else None)
