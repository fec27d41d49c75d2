"""The list of what people changed, in the staff console: staff, and tenants in their portal."""

import json

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_days import DayOfWritingFilter
from accounts.admin_filters import TenantFilter
from accounts.admin_lists import ReadOnlyAdmin
from accounts.models import StaffChange


@admin.register(StaffChange)
class StaffChangeAdmin(ReadOnlyAdmin[StaffChange]):
    """Who changed what and why: to look at."""

    list_display = ["at", "actor_name", "subject", "reason", "what"]
    list_filter = [TenantFilter, DayOfWritingFilter]
    search_fields = ["subject", "actor_name"]
    search_help_text = _("What was changed, or who changed it")
    fields = ["at", "actor_name", "tenant", "subject", "reason", "what"]
    readonly_fields = ["what"]

    @admin.display(description=_("Before → after"))
    def what(self, change: StaffChange) -> SafeString:
        """Each column that changed, on a line of its own."""
        names = {**change.before, **change.after}
        lines = [(name, _word(change.before, name), _word(change.after, name)) for name in names]
        return format_html("<div>{}</div>", format_html_join("\n", "<div>{}: {} → {}</div>", lines))


def _word(values: dict[str, object], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else gettext("none")
