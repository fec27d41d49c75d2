"""Tenants, people and keys in the staff console."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import APIKey, Membership, Tenant, User

admin.site.register(User, UserAdmin)


class MembershipInline(admin.TabularInline[Membership, Tenant]):
    """The people of a tenant, on its page."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    """Tenants; suspending one is setting the time of it."""

    list_display = ["name", "created_at", "suspended_at"]
    search_fields = ["name"]
    inlines = [MembershipInline]


@admin.register(APIKey)
class APIKeyAdmin(admin.ModelAdmin[APIKey]):
    """Keys. A new one is shown once, in the message after it is saved."""

    list_display = [
        "name",
        "tenant",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    ]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix", "tenant__name"]
    autocomplete_fields = ["tenant"]
    fields = ["tenant", "name", "scopes", "expires_at", "prefix", "created_at", "revoked_at", "last_used_at"]
    readonly_fields = ["prefix", "created_at", "revoked_at", "last_used_at"]
    actions = ["revoke"]

    def save_model(self, request: HttpRequest, obj: APIKey, form: object, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Mint a new key; change only what may be changed of an old one."""
        if change:
            obj.save(update_fields=["name", "scopes", "expires_at"])
            return
        minted, text = APIKey.objects.mint(obj.tenant, obj.name, obj.scopes, obj.expires_at)
        obj.pk, obj.prefix, obj.digest = minted.pk, minted.prefix, minted.digest
        messages.warning(request, f"Copy the key now, it is not shown again: {text}")

    def get_readonly_fields(self, request: HttpRequest, obj: APIKey | None = None) -> list[str]:
        """A key never changes its tenant."""
        return [*self.readonly_fields, "tenant"] if obj else list(self.readonly_fields)

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        """Revoke those that are not revoked yet."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, f"{count} keys revoked.")
