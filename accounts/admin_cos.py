"""The bucket of a tenant, on the tenant's page in the staff console."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import CosBucket, Tenant


class CosBucketForm(forms.ModelForm[CosBucket]):
    """Takes a new secret key, and never reads the old one."""

    new_secret_key = forms.CharField(
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="Leave empty to keep the one that is set; it goes when the secret id is emptied.",
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


class CosBucketInline(admin.StackedInline[CosBucket, Tenant]):
    """Where the tenant wants its videos."""

    model = CosBucket
    form = CosBucketForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[CosBucket]:
        """Without the secret: the page opens even if the key it was encrypted with is lost."""
        return super().get_queryset(request).defer("secret_key")
