"""The staff console's sidebar, and the menu of the person logged in."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@dataclass(frozen=True)
class Link:
    """A page of the console, its icon, and the permission that is needed to open it; "" for none."""

    icon: str
    label: Promise | str
    route: str
    permission: str = ""


GROUPS: tuple[tuple[Promise | str, tuple[Link, ...]], ...] = (
    (
        _("Videos"),
        (
            Link("dashboard", _("Dashboard"), "admin:index"),
            Link("movie", _("Tasks"), "admin:videos_task_changelist", "videos.view_task"),
            Link("add_circle", _("New task"), "admin:videos_task_add", "videos.add_task"),
            Link("timeline", _("Events"), "admin:videos_taskevent_changelist", "videos.view_taskevent"),
        ),
    ),
    (
        _("Tenants"),
        (
            Link("apartment", _("Tenants"), "admin:accounts_tenant_changelist", "accounts.view_tenant"),
            Link("key", _("API keys"), "admin:accounts_apikey_changelist", "accounts.view_apikey"),
            Link("group", _("People"), "admin:accounts_user_changelist", "accounts.view_user"),
        ),
    ),
    (
        _("Money"),
        (
            Link("sell", _("Prices"), "admin:videos_price_changelist", "videos.view_price"),
            Link("list_alt", _("Price lists"), "admin:videos_pricelist_changelist", "videos.view_pricelist"),
            Link(
                "receipt_long", _("Ledger"), "admin:videos_ledgerentry_changelist", "videos.view_ledgerentry"
            ),
        ),
    ),
    (
        _("Operation"),
        (
            Link(
                "cloud",
                _("Upstream accounts"),
                "admin:videos_upstreamaccount_changelist",
                "videos.view_upstreamaccount",
            ),
            Link(
                "work_history",
                _("Jobs"),
                "admin:procrastinate_procrastinatejob_changelist",
                "procrastinate.view_procrastinatejob",
            ),
            Link(
                "history", _("Audit log"), "admin:accounts_auditentry_changelist", "accounts.view_auditentry"
            ),
            Link("menu_book", _("Documentation"), "docs"),
        ),
    ),
)
OWN_PAGES = (
    (_("Your profile"), "people:profile"),
    (_("Change the password"), "people:password"),
    (_("Second factor"), "people:second-factor"),
    (_("Sessions"), "people:sessions"),
)


def items(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links that the person may open, in the theme's format; that of the page is marked."""
    shown = [(title, [link for link in links if _may(request.user, link)]) for title, links in GROUPS]
    addresses = [reverse(link.route) for _title, links in shown for link in links]
    current = max((one for one in addresses if _leads_to(one, request.path)), default="", key=len)
    return [
        {"title": title, "separator": True, "items": [_shown(link, current) for link in links]}
        for title, links in shown
        if links
    ]


def own_pages(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages of the person logged in, in the theme's format."""
    return [{"title": label, "link": reverse(route)} for label, route in OWN_PAGES]


def _may(person: User | AnonymousUser, link: Link) -> bool:
    """Whether the person may open the page; who may change its rows may view them, too."""
    needed = {link.permission, link.permission.replace(".view_", ".change_")}
    return not link.permission or any(person.has_perm(one) for one in needed)


def _leads_to(address: str, page: str) -> bool:
    """Whether it is the address of the page, or of the list that the page belongs to."""
    return page == address if address == reverse("admin:index") else page.startswith(address)


def _shown(link: Link, current: str) -> dict[str, Any]:
    address = reverse(link.route)
    return {
        "icon": link.icon,
        "title": str(link.label),
        "link": address,
        "active": address == current,
    }
