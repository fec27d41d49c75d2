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
"""What it takes to say where an account's API is; without it, a new account's is the default."""
_OPERATION = ["is_enabled", "disabled_models", "creates_per_second", "describes_per_second"]


class UpstreamAccountForm(AuditedForm[UpstreamAccount]):
    """Takes a new secret key, and never reads the old one; wants a reason where requests go elsewhere."""

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
        """A new account needs one; an old one keeps what it has."""
        given = str(self.cleaned_data["new_secret_key"])
        if not given and self.instance.pk is None:
            raise forms.ValidationError(gettext("A new account needs its secret key."))
        return given


@admin.register(UpstreamAccount)
class UpstreamAccountAdmin(ListAdmin[UpstreamAccount]):
    """Accounts upstream."""

    form = UpstreamAccountForm
    list_display = ["name", "endpoint", "is_enabled", "creates_per_second", "describes_per_second"]

    def get_fields(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """With a reason, for whoever may change something."""
        fields = ["name", "endpoint", "secret_id", "new_secret_key", *_OPERATION]
        may_change = obj is None or self.has_change_permission(request, obj)
        return [*fields, "reason"] if may_change else [*fields[:3], *_OPERATION]

    def get_readonly_fields(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """Whoever could send requests elsewhere could have whatever they carry."""
        return () if request.user.has_perm(CONNECT) else ("endpoint",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamAccount]:
        """Without the secret: the page opens even if the key it was encrypted with is lost."""
        return super().get_queryset(request).defer("secret_key")

    def save_model(self, request: HttpRequest, obj: UpstreamAccount, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save what was given; a secret that was not given stays as it is."""
        given = form.cleaned_data["new_secret_key"]
        if given:
            obj.secret_key = given
        names = [name for name in form.cleaned_data if name not in ("new_secret_key", "reason")]
        obj.save(update_fields=[*names, *(["secret_key"] if given else [])] if change else None)
