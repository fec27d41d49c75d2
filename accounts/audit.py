"""The audit log: changes by people, written in the transaction of the change itself.

Each entry is also logged once it is committed, as JSON with `LOG_JSON`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from getpass import getuser
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import translation

from accounts import networks
from accounts.encryption import EncryptedTextField
from accounts.models import AuditEntry, AuditPlace, CosBucket, Invitation, Membership, Tenant, User
from config.amounts import format_amount

log = structlog.get_logger(__name__)

Values = dict[str, Any]
"""Values of columns by name, as JSON types."""
Change = tuple[Values, Values]
"""The changed values, before and after."""
CHANGED = "changed"
"""Recorded in place of a secret."""
UNKNOWN_PERSON = "(unknown)"
"""Recorded in place of an unknown user name at a failed log-in: it may be a password."""
_SECRET = re.compile("password|secret|digest|^key$")
_LONGEST_SUBJECT = 200


class About(StrEnum):
    """What an entry is about: how its subject begins, in English; the name of the thing follows."""

    QUOTA = "quota of "
    TENANT = "tenant "
    BUCKET = "COS bucket of "
    API_KEY = "API key "
    MEMBERSHIP = "membership of "
    INVITATION = "invitation of "
    BALANCE_ALERT = "balance alert of "
    PERSON = "person "
    GROUP = "group "
    SECOND_FACTOR = "second factor "
    LOG_IN = "log-in of "
    UPSTREAM_ACCOUNT = "upstream account "
    PRICE = "price of "
    LIST_OF_TENANT = "price list of "
    PRICE_LIST = "price list "
    BALANCE = "balance of "
    SECRETS = "secrets at rest"
    TASK = "task "

    def named(self, thing: object) -> "Subject":
        """The subject of an entry about this thing; if it is a row, its history shows the entry."""
        return Subject(f"{self}{thing}", thing if isinstance(thing, Model) else None)


@dataclass(frozen=True)
class Subject:
    """What an entry is about."""

    name: str
    """What it was called then, always in English."""
    row: Model | None = None
    """The row in whose history the entry is shown; None if there is no such row."""


@dataclass(frozen=True)
class Author:
    """Who changes something, and from where."""

    person: User | None
    place: AuditPlace
    address: str | None = None
    name: str = ""
    """The author's name; if it is empty, the person's user name is recorded."""


def author(request: HttpRequest, place: AuditPlace) -> Author:
    """The logged-in sender of the request."""
    return claimed(request, place, request.user if isinstance(request.user, User) else None)


def claimed(request: HttpRequest, place: AuditPlace, person: User | None) -> Author:
    """The sender of the request, as that person or as an unknown one."""
    name = person.get_username() if person else UNKNOWN_PERSON
    return Author(person, place, networks.shown(request) or None, name)


def at_command_line() -> Author:
    """The system user who runs the command."""
    try:
        name = getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        name = UNKNOWN_PERSON
    return Author(None, AuditPlace.COMMAND_LINE, name=name)


def record(
    by: Author,
    subject: Subject,
    reason: str,
    before: Values,
    after: Values,
    now: datetime,
    tenant: Tenant | None = None,
) -> AuditEntry:
    """Write a permanent entry: who changed `subject`, which concerns `tenant`, and why.

    Call it in the transaction of the change, with only the changed values and `CHANGED` in place of secrets.
    """
    entry = AuditEntry.objects.create(
        at=now,
        actor=by.person,
        actor_name=by.name or (by.person.get_username() if by.person else ""),
        address=by.address,
        place=by.place,
        tenant=tenant,
        subject=subject.name[:_LONGEST_SUBJECT],
        **_key(subject.row),
        reason=reason,
        before=before,
        after=after,
    )
    transaction.on_commit(partial(_stream, entry))
    return entry


def record_change(
    by: Author,
    subject: Subject,
    change: Change,
    now: datetime,
    tenant: Tenant | None = None,
    reason: str = "",
) -> None:
    """Like `record`; writes nothing if nothing changed."""
    before, after = change
    if before != after:
        record(by, subject, reason, before, after, now, tenant)


def record_row(by: Author, row: Model, change: Change, now: datetime, reason: str = "") -> None:
    """Record the change of a row; writes nothing if nothing changed."""
    record_change(by, subject_of(row), change, now, _concerned(row), reason)


def _stream(entry: AuditEntry) -> None:
    names = ("id", "at", "actor_id", "actor_name", "address", "place", "tenant_id", "subject", "reason")
    log.info("audit", **values(entry, names), before=entry.before, after=entry.after)


_NAMED: dict[type[Model], tuple[About, Callable[[Any], object]]] = {
    CosBucket: (About.BUCKET, lambda bucket: bucket.tenant),
    Invitation: (About.INVITATION, lambda invitation: invitation.email),
    Membership: (About.MEMBERSHIP, lambda membership: membership.user),
}
"""Rows that are not named by what they are called themselves."""


def subject_of(row: Model) -> Subject:
    """The row, by its name in English; its changes are in the history of the tenant if it is a bucket."""
    with translation.override("en"):
        model = row._meta.model  # not `type`, as the person of a request is a lazy object
        _about, name = _NAMED.get(model, (None, str))
        shown_with = row.tenant if isinstance(row, CosBucket) else row
        return Subject(f"{beginning(model)}{name(row)}"[:_LONGEST_SUBJECT], shown_with)


def beginning(model: type[Model]) -> str:
    """How the subjects of a model's rows begin; call it where the language is English."""
    return _NAMED[model][0] if model in _NAMED else f"{model._meta.verbose_name} "


def of_row(row: Model, most: int) -> QuerySet[AuditEntry]:
    """The latest `most` entries about a row, latest first.

    Entries of earlier releases do not have the key of their row, and are found by its name.
    """
    latest = AuditEntry.objects.order_by("-id")
    by_key, by_name = latest.filter(**_key(row)), latest.filter(subject=subject_of(row).name, **_key(None))
    return by_key[:most].union(by_name[:most], all=True).order_by("-id")[:most]


def _key(row: Model | None) -> dict[str, str]:
    """The columns of an entry that identify a row; empty also for a row that is deleted already."""
    if row is None or row.pk is None:
        return {"row_model": "", "row_key": ""}
    return {"row_model": row._meta.label_lower, "row_key": str(row.pk)}


def is_secret(name: str) -> bool:
    """Whether values of a column or field of that name must not be recorded."""
    return _SECRET.search(name) is not None


def all_values(row: Model) -> Values:
    """All values of a row except its secrets."""
    names = [
        field.attname
        for field in row._meta.concrete_fields
        if not (is_secret(field.name) or isinstance(field, EncryptedTextField))
    ]
    return values(row, names)


def values(row: Model | None, fields: Iterable[str]) -> Values:
    """The row's values of these fields: money as strings, moments in ISO 8601; empty if there is no row."""
    return {} if row is None else {name: plain(getattr(row, name)) for name in fields}


def changes(before: Model | None, after: Model | None, fields: Iterable[str]) -> Change:
    """The differences in these fields; None is a row that does not exist."""
    names = list(fields)
    return differences(values(before, names), values(after, names))


def differences(before: Values, after: Values) -> Change:
    """The values of each that differ from the other's."""
    return _without(before, after), _without(after, before)


def _without(mine: Values, other: Values) -> Values:
    return {name: value for name, value in mine.items() if name not in other or other[name] != value}


def plain(value: Any) -> Any:
    """The value as a JSON type; rows by their names, sorted."""
    if isinstance(value, Decimal):
        return format_amount(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, QuerySet):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _concerned(row: Model) -> Tenant | None:
    """The tenant that a row belongs to."""
    return row if isinstance(row, Tenant) else getattr(row, "tenant", None)
