"""Finds the key of a request and, in the same statement, what else the request needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection

from accounts import keys
from accounts.models import APIKey, Tenant
from config.db import prepared
from config.db.columns import Columns
from config.db.prepared import Row

_KEY, _TENANT = (
    [field.attname for field in model._meta.concrete_fields]  # as `from_db` takes them
    for model in (APIKey, Tenant)
)
_OWN = Columns(
    {"key": [f'key."{name}"' for name in _KEY], "tenant": [f'tenant."{name}"' for name in _TENANT]}
)


class Found(NamedTuple):
    """A key with its tenant, and the groups of columns that were looked up with it."""

    key: APIKey
    beside: dict[str, Row]


@dataclass(frozen=True)
class LookUp:
    """A statement that finds a key by its prefix and, in the same snapshot, the columns `beside` of `joins`.

    In `joins`, the key and its tenant are called `key` and `tenant`.
    """

    beside: Columns = field(default_factory=lambda: Columns({}))
    joins: str = ""

    @cached_property
    def statement(self) -> str:
        """The SQL, with the key's `prefix` among its values; compact, so that psycopg caches its parsing."""
        text = f"""SELECT {self._columns.sql}
            FROM accounts_apikey key JOIN accounts_tenant tenant ON tenant.id = key.tenant_id {self.joins}
            WHERE key.prefix = %(prefix)s::text"""  # noqa: S608 - made of the names of columns
        return " ".join(text.split())

    @cached_property
    def _columns(self) -> Columns:
        return _OWN | self.beside

    def read(self, row: Row) -> Found:
        groups = self._columns.read(row)
        key = APIKey.from_db(connection.alias, _KEY, groups["key"])
        key.tenant = Tenant.from_db(connection.alias, _TENANT, groups["tenant"])
        return Found(key, groups)


class Wanted(NamedTuple):
    """What a request looks up: the statement, and its values without the key's prefix."""

    look_up: LookUp
    values: Mapping[str, Any]


KEY_ALONE = Wanted(LookUp(), {})


def find_key(text: str, now: datetime, wanted: Wanted = KEY_ALONE) -> Found | None:
    """The usable key with that text, and what is wanted with it, in one query; None if there is no such key.

    Keys are never cached, so a revocation takes effect at once everywhere.
    """
    parsed = keys.parse(text)
    del text  # a debug page shows the variables of every frame
    if parsed is None:
        return None
    values = {**wanted.values, "prefix": parsed.prefix}
    row = prepared.fetch_first(wanted.look_up.statement, values)
    found = wanted.look_up.read(row) if row else None
    is_valid = found is not None and keys.same(found.key.digest, parsed.digest) and found.key.is_usable(now)
    return found if is_valid else None
