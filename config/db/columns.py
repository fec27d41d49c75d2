"""The columns of a hand-written statement: those it selects, in groups, and those of arrays it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from config.db.prepared import Row


@dataclass(frozen=True)
class Columns:
    """What a statement selects: SQL expressions in order, by the name of their group."""

    groups: Mapping[str, Sequence[str]]

    def __or__(self, other: "Columns") -> "Columns":
        return Columns({**self.groups, **other.groups})

    @property
    def sql(self) -> str:
        return ", ".join(column for group in self.groups.values() for column in group)

    def read(self, row: Row) -> dict[str, Row]:
        """The values of each group, by its name."""
        return {name: row[values] for name, values in self._values.items()}

    @cached_property
    def _values(self) -> Mapping[str, slice]:
        """The slice of a row that each group is."""
        ends = [0]
        for group in self.groups.values():
            ends.append(ends[-1] + len(group))
        return {name: slice(*ends[nth : nth + 2]) for nth, name in enumerate(self.groups)}


def unnested(columns: Mapping[str, str]) -> str:
    """SQL for the rows `asked` of arrays by name and type of element, numbered from 0 by `nth`."""
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    names = ", ".join(columns)
    return f"""(SELECT {names}, nth::int - 1 AS nth FROM unnest({arrays}) WITH ORDINALITY
        AS each ({names}, nth)) asked"""  # noqa: S608 - made of the names of columns
