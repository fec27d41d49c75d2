"""The list of what staff changed, in the staff console."""

import json

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.admin_lists import TenantFilter
from accounts.models import StaffChange


@admin.register(StaffChange)
class StaffChangeAdmin(admin.ModelAdmin[StaffChange]):
    """Who changed what and why: to look at."""

    list_display = ["at", "actor_name", "subject", "reason", "what"]
    list_filter = [TenantFilter]
    search_fields = ["subject", "actor_name"]
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None
    fields = ["at", "actor_name", "tenant", "subject", "reason", "what"]
    readonly_fields = ["what"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It is written with the change."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: StaffChange | None = None) -> bool:
        """Nobody changes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StaffChange | None = None) -> bool:
        """Nobody deletes it."""
        return False

    @admin.display(description="Before → after")
    def what(self, change: StaffChange) -> SafeString:
        """Each column that changed, on a line of its own."""
        names = {**change.before, **change.after}
        lines = [(name, _word(change.before, name), _word(change.after, name)) for name in names]
        return format_html_join("\n", "<div>{}: {} → {}</div>", lines)


def _word(values: dict[str, object], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "none"
