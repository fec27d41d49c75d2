"""People and keys in the staff console, and the rest of it that accounts have."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import admin_audit, admin_tenants  # noqa: F401 - importing registers them
from accounts.models import APIKey, Scope, User
from accounts.models.api_key import RESTRICTIONS, ROTATION_OVERLAP, NotRotatable, default_scopes

admin.site.register(User, UserAdmin)


class APIKeyForm(forms.ModelForm[APIKey]):
    """What may be said of a key."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, initial=default_scopes, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = APIKey
        fields = ["tenant", "name", "scopes", "expires_at", *RESTRICTIONS]
        widgets = {
            "allowed_models": AdminTextareaWidget(attrs={"rows": 2}),
            "allowed_networks": AdminTextareaWidget(attrs={"rows": 2}),
        }


@admin.register(APIKey)
class APIKeyAdmin(admin.ModelAdmin[APIKey]):
    """Keys. A new one is shown once, in the very answer that made it."""

    form = APIKeyForm
    list_display = [
        "name",
        "tenant",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_address",
    ]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix", "tenant__name"]
    autocomplete_fields = ["tenant"]
    readonly_fields = [
        "prefix",
        "created_at",
        "revoked_at",
        "replaced_by",
        "last_used_at",
        "last_used_address",
    ]
    fields = [*APIKeyForm.Meta.fields, *readonly_fields]
    actions = ["rotate", "revoke"]

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Mint a new key; of an old one write only what was changed."""
        if change:
            obj.save(update_fields=form.changed_data)
            return
        restrictions = {name: getattr(obj, name) for name in RESTRICTIONS}
        minted, text = APIKey.objects.mint(obj.tenant, obj.name, obj.scopes, obj.expires_at, **restrictions)
        obj.pk, obj.prefix, obj.digest = minted.pk, minted.prefix, minted.digest
        messages.warning(request, f"Copy the key now, it is not shown again: {text}")

    def response_add(
        self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the key."""
        return self._with_messages(request, "New API key")

    def get_readonly_fields(self, request: HttpRequest, obj: APIKey | None = None) -> list[str]:
        """A key never changes its tenant, and one that was replaced ends when the rotation says."""
        fixed = ["tenant"] if obj else []
        ending = ["expires_at"] if obj and obj.replaced_by_id else []
        return [*self.readonly_fields, *fixed, *ending]

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """A rotation makes a key and ends another."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    @admin.action(
        description="Rotate the selected keys (the old ones work 24 hours more)", permissions=["rotate"]
    )
    def rotate(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse:
        """Replace each by a new one, which is shown; say of the others why not."""
        now = timezone.now()
        for key in queryset:
            try:
                new, text = key.rotate(now, ROTATION_OVERLAP)
            except NotRotatable as refusal:
                messages.error(request, f"{refusal}.")
            else:
                self.log_addition(request, new, f"In place of {key}.")
                self.log_change(request, key, f"Replaced by {new}.")
                messages.warning(request, f"Copy the new key of {key} now, it is not shown again: {text}")
        return self._with_messages(request, "Rotated API keys")

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        """Revoke those that are not revoked yet."""
        now = timezone.now()
        for key in queryset.filter(revoked_at=None):
            key.revoke(now)
            self.log_change(request, key, "Revoked.")
            messages.success(request, f"Revoked: {key}")

    def _with_messages(self, request: HttpRequest, title: str) -> HttpResponse:
        """The messages alone: left to the next page, a cookie or a session would keep them until then."""
        back = format_html('<a href="{}">All API keys</a>', reverse("admin:accounts_apikey_changelist"))
        context = {**self.admin_site.each_context(request), "title": title, "content": back}
        return TemplateResponse(request, "admin/base_site.html", context)
