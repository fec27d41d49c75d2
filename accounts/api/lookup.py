"""Finds the keys of requests and, in the same statement, what else the requests need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from accounts import keys
from accounts.keys import ParsedKey
from accounts.models import APIKey, Tenant
from config.db import instances, prepared
from config.db.columns import Columns, unnested
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
    """A statement that finds keys by prefix and, in the same snapshot, the columns `beside` of `joins`.

    In `joins`, the key and its tenant are called `key` and `tenant`, and the columns that each request has of
    its own `asked`; `own` gives their types.
    """

    beside: Columns = field(default_factory=lambda: Columns({}))
    joins: str = ""
    own: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def statement(self) -> str:
        """The SQL; its values are arrays of the keys' `prefix` and of `own`, and those that `joins` names."""
        text = f"""SELECT asked.nth, {self._columns.sql} FROM {unnested({"prefix": "text", **self.own})}
            JOIN accounts_apikey key ON key.prefix = asked.prefix
            JOIN accounts_tenant tenant ON tenant.id = key.tenant_id {self.joins}"""  # noqa: S608 - made of the names of columns
        return " ".join(text.split())

    @cached_property
    def _columns(self) -> Columns:
        return _OWN | self.beside

    def read(self, row: Row, build: "Build") -> Found:
        groups = self._columns.read(row[1:])
        return Found(build(groups["key"], groups["tenant"]), groups)


Build = Callable[[Row, Row], APIKey]
"""Makes a key with its tenant from their rows."""


class Wanted(NamedTuple):
    """What requests look up: the statement, its values in common, and what each request has of its own."""

    look_up: LookUp
    values: Mapping[str, Any]
    own: Mapping[str, Sequence[Any]]
    """A list for each name of `look_up.own`, in the order of the requests."""


KEY_ALONE = Wanted(LookUp(), {}, {})


def build_key(key: Row, tenant: Row) -> APIKey:
    """A key with its tenant, from their rows."""
    built = instances.loaded(APIKey, _KEY, key)
    built.tenant = instances.loaded(Tenant, _TENANT, tenant)
    return built


def find_key(text: str, now: datetime, wanted: Wanted = KEY_ALONE) -> Found | None:
    """The usable key with that text, and what is wanted with it, in one query; None if there is none."""
    parsed = keys.parse(text)
    del text  # a debug page shows the variables of every frame
    return None if parsed is None else find_keys([parsed], now, wanted)[0]


def find_keys(
    parsed: Sequence[ParsedKey], now: datetime, wanted: Wanted, build: Build = build_key
) -> list[Found | None]:
    """The usable keys of several requests, each with what is wanted, in one query and in their order.

    Keys are never cached, so a revocation takes effect at once everywhere.
    """
    values = {**wanted.values, **wanted.own, "prefix": [one.prefix for one in parsed]}
    found: list[Found | None] = [None] * len(parsed)
    for row in prepared.fetch_all_first(wanted.look_up.statement, values):
        one = wanted.look_up.read(row, build)
        if keys.same(one.key.digest, parsed[row[0]].digest) and one.key.is_usable(now):
            found[row[0]] = one
    return found
