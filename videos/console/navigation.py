"""The staff console's sidebar, and the menu of the person logged in."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def items(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links in the sidebar, in the theme's format; that of the page is marked."""
    groups = _groups()
    links = [item for group in groups for item in group["items"]]
    current = max(
        (item["link"] for item in links if _leads_to(item["link"], request.path)), default="", key=len
    )
    for item in links:
        item["active"] = item["link"] == current
    return groups


def _leads_to(link: str, page: str) -> bool:
    """Whether it is the link of the page, or of the list that the page belongs to."""
    return page == link if link == reverse("admin:index") else page.startswith(link)


def _groups() -> list[dict[str, Any]]:
    return [
        _group(
            _("Videos"),
            (
                ("dashboard", _("Dashboard"), "admin:index"),
                ("movie", _("Tasks"), "admin:videos_task_changelist"),
                ("add_circle", _("New task"), "admin:videos_task_add"),
                ("timeline", _("Events"), "admin:videos_taskevent_changelist"),
            ),
        ),
        _group(
            _("Tenants"),
            (
                ("apartment", _("Tenants"), "admin:accounts_tenant_changelist"),
                ("key", _("API keys"), "admin:accounts_apikey_changelist"),
                ("group", _("People"), "admin:accounts_user_changelist"),
            ),
        ),
        _group(
            _("Money"),
            (
                ("sell", _("Prices"), "admin:videos_price_changelist"),
                ("list_alt", _("Price lists"), "admin:videos_pricelist_changelist"),
                ("receipt_long", _("Ledger"), "admin:videos_ledgerentry_changelist"),
            ),
        ),
        _group(
            _("Operation"),
            (
                ("cloud", _("Upstream accounts"), "admin:videos_upstreamaccount_changelist"),
                ("work_history", _("Jobs"), "admin:procrastinate_procrastinatejob_changelist"),
                ("history", _("Audit log"), "admin:accounts_auditentry_changelist"),
                ("menu_book", _("Documentation"), "docs"),
            ),
        ),
    ]


def own_pages(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages of the person logged in, in the theme's format."""
    return [
        {"title": label, "link": link}
        for label, link in (
            (_("Your profile"), reverse("people:profile")),
            (_("Change the password"), reverse("people:password")),
            (_("Second factor"), reverse("people:second-factor")),
            (_("Sessions"), reverse("people:sessions")),
        )
    ]


def _group(title: str, links: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    return {
        "title": title,
        "separator": True,
        "items": [{"icon": icon, "title": label, "link": reverse(route)} for icon, label, route in links],
    }
