"""Entries of the audit log as sentences in the reader's language, also those of earlier releases."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Field, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit, bucket_findings
from accounts.audit import About
from accounts.members.naming import INVITER, INVITER_IS_TOLD, STAFF
from accounts.models import AuditEntry, AuditPlace, KeyKind

Label = str | Promise


_CREATED, _DELETED, _NONE = _("%(who)s created %(what)s"), _("%(who)s deleted %(what)s"), _("none")


@dataclass(frozen=True)
class Kind:
    """A kind of thing that people change: how the log and how pages name it, and the model of its fields."""

    begins: About | None
    """None for anything else, named as in its entries."""
    phrase: Label
    model: str = ""
    created: Label = _CREATED
    deleted: Label = _DELETED
    empty: Label = _NONE
    """What an empty value of a field means."""
    of_tenants: Label = ""
    """What the owners of a tenant choose to see its entries; empty if these are not theirs to see."""


KINDS = (
    Kind(
        About.QUOTA,
        _("the quota of %(name)s"),
        "accounts.Quota",
        empty=_("unlimited"),
        of_tenants=_("Limits"),
    ),
    Kind(About.TENANT, _("the tenant %(name)s"), "accounts.Tenant", of_tenants=_("Tenant")),
    Kind(About.BUCKET, _("the bucket of %(name)s"), "accounts.CosBucket", of_tenants=_("COS bucket")),
    Kind(About.API_KEY, _("the API key %(name)s"), "accounts.APIKey", of_tenants=_("API keys")),
    Kind(
        About.MEMBERSHIP,
        _("the membership of %(name)s"),
        "accounts.Membership",
        created=_("%(who)s added the member %(name)s"),
        deleted=_("%(who)s removed the member %(name)s"),
        of_tenants=_("Members"),
    ),
    Kind(
        About.INVITATION,
        _("the invitation of %(name)s"),
        "accounts.Invitation",
        created=_("%(who)s invited %(name)s"),
        deleted=_("%(who)s withdrew the invitation of %(name)s"),
        of_tenants=_("Invitations"),
    ),
    Kind(
        About.BALANCE_ALERT,
        _("the balance alert of %(name)s"),
        "accounts.BalanceAlert",
        of_tenants=_("Balance alert"),
    ),
    Kind(About.PERSON, _("the person %(name)s"), "accounts.User"),
    Kind(About.GROUP, _("the group %(name)s"), "auth.Group"),
    Kind(About.SECOND_FACTOR, _("the second factor %(name)s"), "accounts.Authenticator"),
    Kind(About.UPSTREAM_ACCOUNT, _("the upstream account %(name)s"), "videos.UpstreamAccount"),
    Kind(About.PRICE, _("the price of %(name)s"), "videos.Price"),
    Kind(
        About.LIST_OF_TENANT,
        _("the price list of %(name)s"),
        "videos.TenantPriceList",
        empty=_("Default list"),
    ),
    Kind(About.PRICE_LIST, _("the price list %(name)s"), "videos.PriceList"),
    Kind(About.BALANCE, _("the balance of %(name)s"), "videos.LedgerEntry"),
    Kind(About.SECRETS, _("secrets"), created=_("%(who)s encrypted secrets anew")),
    Kind(About.TASK, _("the task %(name)s"), "videos.Task"),
    Kind(None, "%(name)s"),
)
KINDS_OF_TENANTS: Mapping[str, Label] = {
    one.begins.name.lower(): one.of_tenants for one in KINDS if one.begins and one.of_tenants
}
"""What the owners of a tenant may choose, by its name in addresses."""
OF_TENANTS = reduce(or_, (Q(subject__startswith=About[name.upper()]) for name in KINDS_OF_TENANTS))
"""The entries that a tenant's owners see, of those about the tenant."""
BY_STAFF = (AuditPlace.CONSOLE, AuditPlace.COMMAND_LINE)
"""Where only staff make changes."""
_OF_STAFF = frozenset({"only_own_account"})
"""Values that are not the tenant's business."""
WORDS: Mapping[str, Label] = {
    "action": _("action"),
    "balance": _("balance"),
    "check": _("check"),
    "condition": _("condition"),
    INVITER: _("invited by"),
    "is_own": _("own quota"),
    "is_suspended": _("suspended"),
    "key pair": _("key pair"),
    "kind": _("kind"),
    "locked out": _("log-in locked"),
    "new_proxy_url": _("proxy"),
    "new_secret_key": _("secret key"),
    "password": _("password"),
    "password1": _("password"),
    "proxy": _("proxy"),
    "reason": _("reason"),
    "recovery codes": _("recovery codes"),
    "second factor": _("second factor"),
    "sessions ended": _("sessions ended"),
    "steps": _("failed steps"),
    "task": _("task"),
}
"""Names of values that are no fields of the thing's model."""


def _step_and_code(recorded: str) -> str:
    """A failed step of a bucket's check in words; its code is that of the API."""
    step, separator, code = recorded.partition(": ")
    return f"{bucket_findings.NAMES.get(step, step)}{separator}{code}"


CODES: dict[str, Callable[[str], Label]] = {
    "kind": lambda code: dict(KeyKind.choices).get(code, code),
    "check": lambda code: {"passed": _("passed"), "failed": _("not passed")}.get(code, code),
    "steps": _step_and_code,
}
"""What says codes in words that are no choices of a field, by the name of the value; `videos` adds some."""
REFUSED: Mapping[str, Label] = {
    "password": _("The log-in of %(who)s failed: wrong password"),
    "code": _("The log-in of %(who)s failed: wrong code"),
}
_HIDDEN = frozenset({"form", "password2", "usable_password", "moves_days", INVITER_IS_TOLD})
"""Values that mean nothing to a reader."""
_EVENTS = frozenset({"sessions ended", "check"})
"""Values of something that happened to a thing, rather than of a new thing."""


def sentence(entry: AuditEntry) -> str:
    """Who did what, with each changed value before and after; without the reason."""
    if entry.subject.startswith(About.LOG_IN):
        return _of_log_in(entry)
    kind = next(one for one in KINDS if entry.subject.startswith(one.begins or ""))
    name = entry.subject.removeprefix(kind.begins or "")
    names = {"who": entry.actor_name, "name": name, "what": str(kind.phrase) % {"name": name}}
    told = _verb(entry, kind) % names
    changes = gettext("; ").join(_changes(entry, kind))
    return gettext("%(told)s: %(changes)s") % {"told": told, "changes": changes} if changes else told


def for_tenant(entry: AuditEntry) -> str:
    """The sentence as the tenant's owners read it: staff are not named; empty if it concerns only them."""
    told = copy(entry)
    told.before, told.after = (
        {name: value for name, value in values.items() if name not in _OF_STAFF}
        for values in (entry.before, entry.after)
    )
    if entry.place in BY_STAFF:
        told.actor_name = gettext("Platform staff")
    if INVITER in told.after and not told.after.get(INVITER_IS_TOLD):
        told.after[INVITER] = str(STAFF) if INVITER_IS_TOLD in told.after else None
    return sentence(told) if told.before or told.after else ""


def _of_log_in(entry: AuditEntry) -> str:
    who = {"who": entry.subject.removeprefix(About.LOG_IN)}
    if entry.after.get("succeeded"):
        return gettext("%(who)s logged in") % who
    told = str(REFUSED.get(str(entry.after.get("refused")), _("The log-in of %(who)s failed"))) % who
    return (
        gettext("%(told)s; the log-in is locked now") % {"told": told} if entry.after.get("closed") else told
    )


def _verb(entry: AuditEntry, kind: Kind) -> str:
    if entry.before and not entry.after:
        return str(kind.deleted)
    is_event = not _EVENTS.isdisjoint(entry.after) or set(map(str, entry.after.values())) == {audit.CHANGED}
    is_new = entry.after and not entry.before and not is_event
    return str(kind.created) if is_new else gettext("%(who)s changed %(what)s")


def _changes(entry: AuditEntry, kind: Kind) -> list[str]:
    names = [name for name in {**entry.before, **entry.after} if name not in _HIDDEN]
    return [text for name in names if (text := _change(entry, kind, name))]


def _change(entry: AuditEntry, kind: Kind, name: str) -> str:
    """One value: before and after, or only one of them if the thing is new or gone; empty if it has none."""
    field, label = _field(kind, name), label_of(kind, name)
    before, after = (
        _shown(values.get(name), field, CODES.get(name)) for values in (entry.before, entry.after)
    )
    if entry.after.get(name) == audit.CHANGED:
        return gettext("%(field)s changed") % {"field": label}
    if not entry.before or not entry.after:
        return f"{label} {before or after}" if before or after else ""
    return f"{label} {before or kind.empty} → {after or kind.empty}"


def label_of(kind: Kind, name: str) -> str:
    """How the log calls a value of that name, of such a thing."""
    field = _field(kind, name)
    return str(WORDS.get(name) or (field.verbose_name if field is not None else name.replace("_", " ")))


def _field(kind: Kind, name: str) -> "Field[Any, Any] | None":
    if not kind.model:
        return None
    try:
        field: Any = apps.get_model(kind.model)._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None


def _shown(
    value: Any, field: "Field[Any, Any] | None", in_words: Callable[[str], Label] | None = None
) -> str:
    """The value as pages show it; empty if there is none."""
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return gettext(", ").join(
            _shown(item, getattr(field, "base_field", None), in_words) for item in value
        )
    if isinstance(field, DateTimeField):
        return _moment(str(value))
    choices: dict[Any, Any] = dict(getattr(field, "flatchoices", None) or ())
    if in_words is not None and value not in choices:
        return str(in_words(str(value)))
    return str(choices.get(value, value))


def _moment(text: str) -> str:
    """A moment in ISO 8601 by the reader's clock; any other text unchanged."""
    try:
        return f"{timezone.localtime(datetime.fromisoformat(text)):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text
