"""What staff changed of limits, prices and balances, and tenants of their keys, bucket and members.

It is written in the transaction of the change itself.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model

from accounts.models import StaffChange, Tenant, User
from accounts.money import shown

Values = dict[str, Any]
"""The values of some columns, by their names, as JSON has them."""


def record(
    actor: User,
    subject: str,
    reason: str,
    before: Values,
    after: Values,
    now: datetime,
    tenant: Tenant | None = None,
) -> StaffChange:
    """Write down that `actor` changed `subject`, which concerns `tenant`, and why; it is there for good.

    To be called in the transaction that makes the change, with the values of what was changed alone.
    """
    return StaffChange.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.get_username(),
        tenant=tenant,
        subject=subject,
        reason=reason,
        before=before,
        after=after,
    )


def values(row: Model | None, fields: Iterable[str]) -> Values:
    """The row's values of these fields: money as strings, moments in ISO 8601; none of a row that is not."""
    return {} if row is None else {name: _plain(getattr(row, name)) for name in fields}


def changes(before: Model | None, after: Model | None, fields: Iterable[str]) -> tuple[Values, Values]:
    """What of these fields changed, as it was and as it is; None is a row that is not there."""
    names = list(fields)
    return differences(values(before, names), values(after, names))


def differences(before: Values, after: Values) -> tuple[Values, Values]:
    """The values that only one of the two has."""
    return _without(before, after), _without(after, before)


def _without(mine: Values, other: Values) -> Values:
    return {name: value for name, value in mine.items() if name not in other or other[name] != value}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return shown(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)
