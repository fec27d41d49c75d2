"""The audit log of staff and tenants in the staff console."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin
from accounts.console.recording import shown_change
from accounts.models import AuditEntry
from config.console.filters import DaysOfWriting


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """The audit log, read-only."""

    list_display = ["at", "actor_name", "address", "place", "subject", "reason", "what"]
    list_filter = [TenantFilter, ("at", DaysOfWriting)]
    search_fields = ["subject", "actor_name"]
    search_help_text = _("What was changed, or who changed it")
    fields = ["at", "actor_name", "address", "place", "tenant", "subject", "reason", "what"]
    readonly_fields = ["what"]

    @admin.display(description=_("Before → after"))
    def what(self, entry: AuditEntry) -> SafeString:
        return shown_change(entry)
