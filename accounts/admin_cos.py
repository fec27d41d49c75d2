"""The bucket of a tenant, on the tenant's page in the staff console."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.admin_theme import StackedInline
from accounts.models import CosBucket, Tenant


class CosBucketForm(forms.ModelForm[CosBucket]):
    """Takes a new secret key, and never reads the old one."""

    new_secret_key = forms.CharField(
        label=_("new secret key"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the one that is set; it goes when the secret id is emptied."),
    )

    class Meta:
        model = CosBucket
        fields = ["bucket", "region", "path_prefix", "secret_id"]

    def clean(self) -> dict[str, Any] | None:
        """A key belongs to one secret id: another id comes with another key, none with none."""
        cleaned = super().clean()
        given = self.cleaned_data.get("new_secret_key")
        if given or "secret_id" in self.changed_data:
            self.instance.secret_key = given or None
        return cleaned


class CosBucketInline(StackedInline[CosBucket, Tenant]):
    """Where the tenant wants its videos."""

    model = CosBucket
    form = CosBucketForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[CosBucket]:
        """Without the secret: the page opens even if the key it was encrypted with is lost."""
        return super().get_queryset(request).defer("secret_key")
