"""Upstream accounts in the staff console."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from accounts.admin_lists import ListAdmin
from videos.models import UpstreamAccount


class UpstreamAccountForm(forms.ModelForm[UpstreamAccount]):
    """Takes a new secret key, and never reads the old one."""

    new_secret_key = forms.CharField(
        label=_("New secret key"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the one that is set."),
    )

    class Meta:
        model = UpstreamAccount
        fields = [
            "name",
            "endpoint",
            "secret_id",
            "is_enabled",
            "disabled_models",
            "creates_per_second",
            "describes_per_second",
        ]
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamAccount]:
        """Without the secret: the page opens even if the key it was encrypted with is lost."""
        return super().get_queryset(request).defer("secret_key")

    def save_model(self, request: HttpRequest, obj: UpstreamAccount, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save what was given; a secret that was not given stays as it is."""
        given = form.cleaned_data["new_secret_key"]
        if given:
            obj.secret_key = given
        names = [name for name in form.cleaned_data if name != "new_secret_key"]
        obj.save(update_fields=[*names, *(["secret_key"] if given else [])] if change else None)
