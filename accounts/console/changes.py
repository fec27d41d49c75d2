"""The audit log of staff and tenants in the staff console."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.console.filters import TenantFilter
from accounts.console.lists import ReadOnlyAdmin
from accounts.models import AuditEntry
from accounts.pages.audit_sentences import sentence
from config.console.filters import DaysOfWriting


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """The audit log, read-only."""

    list_display = ["at", "what", "reason", "place", "address"]
    list_filter = [TenantFilter, ("at", DaysOfWriting)]
    search_fields = ["subject", "actor_name"]
    search_help_text = _("What was changed, or who changed it")
    fields = ["at", "what", "reason", "tenant", "place", "address"]
    readonly_fields = ["what"]

    @admin.display(description=_("what happened"))
    def what(self, entry: AuditEntry) -> str:
        return sentence(entry)
