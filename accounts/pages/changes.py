"""What an entry of the audit log says, in the words of the pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Field, Model, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts import audit
from accounts.models import APIKey, AuditEntry, AuditPlace, CosBucket, Invitation, Membership, Quota, Tenant
from accounts.quotas.in_force import LIMITS

Label = str | Promise
BY_STAFF = (AuditPlace.CONSOLE, AuditPlace.COMMAND_LINE)
"""Where only staff make changes."""
_OF_STAFF = frozenset({"only_own_account"})
"""Values that are not the tenant's business."""
_NAMES: dict[str, Label] = {
    **LIMITS,
    "key pair": gettext_lazy("Key pair"),
}
"""The names of values that are no columns, or that pages call otherwise."""


@dataclass(frozen=True)
class Kind:
    """A kind of subject: how the log's subjects of it begin, its label, and its table."""

    beginning: str
    label: Label
    model: type[Model]
    has_names: bool = True
    """Whether a tenant has several of them, so that the rest of the subject tells which."""


KINDS = (
    Kind("API key ", gettext_lazy("API key"), APIKey),
    Kind("membership of ", gettext_lazy("Member"), Membership),
    Kind("invitation of ", gettext_lazy("Invitation"), Invitation),
    Kind("COS bucket of ", gettext_lazy("COS bucket"), CosBucket, has_names=False),
    Kind("quota of ", gettext_lazy("Limits"), Quota, has_names=False),
    Kind("tenant ", gettext_lazy("Tenant"), Tenant, has_names=False),
)
"""What a tenant may know of; the log has more, such as decisions of staff about tasks."""
OF_TENANTS = Q()
"""The entries that a tenant may see, of those about itself."""
for _kind in KINDS:
    OF_TENANTS |= Q(subject__startswith=_kind.beginning)


@dataclass(frozen=True)
class Value:
    """A changed value: its name, and how it was and is; None if there was or is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Entry:
    """An entry about one of `KINDS`, as the tenant's owners see it."""

    row: AuditEntry

    @property
    def who(self) -> str:
        """Staff are not named to tenants."""
        return _("Platform staff") if self.row.place in BY_STAFF else self.row.actor_name

    @property
    def subject(self) -> str:
        rest = self.row.subject.removeprefix(self._kind.beginning)
        return f"{self._kind.label} {rest}" if self._kind.has_names else str(self._kind.label)

    @property
    def values(self) -> list[Value]:
        """In the order of the columns; the database does not keep that of the names."""
        names = {*self.row.before, *self.row.after} - _OF_STAFF
        columns = [name for name in _fields(self._kind.model) if name in names]
        return [self._value(name) for name in (*columns, *sorted(names.difference(columns)))]

    @property
    def _kind(self) -> Kind:
        return next(kind for kind in KINDS if self.row.subject.startswith(kind.beginning))

    def _value(self, name: str) -> Value:
        field = _fields(self._kind.model).get(name)
        label = _NAMES.get(name) or (field.verbose_name if field else name.replace("_", " "))
        before, after = (
            _shown(field, values[name]) if name in values else None
            for values in (self.row.before, self.row.after)
        )
        return Value(str(capfirst(label)), before, after)


def entries(rows: Iterator[AuditEntry] | list[AuditEntry]) -> list[Entry]:
    """The entries that say something to the tenant."""
    return [entry for entry in map(Entry, rows) if entry.values]


def _fields(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {field.name: field for field in model._meta.concrete_fields}


def _shown(field: Field[Any, Any] | None, value: Any) -> str:
    """The value as text; choices by their label, moments in the current time zone."""
    if value is None or value in ("", []):
        return pgettext("value", "none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value == audit.CHANGED:
        return _("changed")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    moment = _moment(value)
    if moment:
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
    choices = dict(field.flatchoices) if field is not None else {}
    return str(choices.get(value, value))


def _moment(value: Any) -> datetime | None:
    """The moment that the text stands for, if it does."""
    found = parse_datetime(value) if isinstance(value, str) and "T" in value else None
    return found if found is not None and timezone.is_aware(found) else None
