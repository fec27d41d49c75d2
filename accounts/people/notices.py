"""Mails about changes to a person's account or their tenant's keys, in case somebody else made them."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import mail, networks
from accounts.audit import Author
from accounts.models import APIKey, AuditPlace, Role, User

MOST_OWNERS = 20
"""How many owners are mailed about a new key at most."""
STAFF = _("The platform's staff")
"""Named as the author of a key that was not made in the portal."""
PASSWORD_CHANGED = _("The password was changed.")
SECOND_FACTOR_ON = _("A second factor was turned on.")
RECOVERY_CODES_RENEWED = _("New recovery codes were created. Earlier ones no longer work.")
SECOND_FACTOR_OFF = _("The second factor was turned off. Log-in now needs only the password.")


def notify(request: HttpRequest, person: User, happened: Any, now: datetime, *, also: str = "") -> None:
    """Mail the person, and the address `also`, what happened to their account, after the commit."""
    context = {"person": person, "happened": happened, "at": now, "address": networks.shown(request)}
    _send(request, "account_changed", (person.email, also), context)


def email_changed(request: HttpRequest, person: User, before: str, now: datetime) -> None:
    """Mail the old and the new address that the person's address changed."""
    happened = _("The e-mail address is now %(address)s.") % {"address": person.email}
    notify(request, person, happened, now, also=before)


def new_key(key: APIKey, by: Author, now: datetime, request: HttpRequest | None = None) -> None:
    """Mail the tenant's owners that a key was made, by whom and from where."""
    owners = User.objects.filter(memberships__tenant=key.tenant, memberships__role=Role.OWNER, is_active=True)
    to = owners.exclude(email="").order_by("pk").values_list("email", flat=True)[:MOST_OWNERS]
    who = by.name if by.place is AuditPlace.PORTAL else STAFF
    _send(request, "new_key", to, {"key": key, "by": who, "at": now, "address": by.address})


def _send(request: HttpRequest | None, template: str, to: Iterable[str], context: dict[str, Any]) -> None:
    for address in to:
        if address and (request is None or mail.permits(template, address, request)):
            transaction.on_commit(partial(mail.send, template, address, context))
