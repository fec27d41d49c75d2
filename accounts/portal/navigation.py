"""The navigation of a tenant's pages."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role


@dataclass(frozen=True)
class Entry:
    """A page: section, which also names its icon, route, label, and the role that is needed to see it."""

    section: str
    route: str
    label: Promise | str
    role: Role = Role.VIEWER


ENTRIES = (
    Entry("overview", "portal:overview", _("Overview")),
    Entry("videos", "portal:videos", _("Videos")),
    Entry("playground", "portal:playground", _("New video"), Role.MEMBER),
    Entry("usage", "portal:usage", _("Usage and statement")),
    Entry("limits", "portal:limits", _("Limits and balance")),
    Entry("prices", "portal:prices", _("Prices")),
    Entry("api", "portal:api", "API"),
    Entry("keys", "account:keys", _("API keys")),
    Entry("bucket", "account:bucket", _("COS bucket")),
    Entry("members", "account:members", _("Members")),
    Entry("audit", "account:audit", _("Audit log"), Role.OWNER),
)


def entries(tenant_id: Any, *, roles: set[Role]) -> list[dict[str, Any]]:
    """The entries for a person with these roles, as template context."""
    return [
        {
            "section": entry.section,
            "url": reverse(entry.route, args=[tenant_id]),
            "label": entry.label,
        }
        for entry in ENTRIES
        if entry.role in roles
    ]
