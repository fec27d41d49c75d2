"""Cells of CSV files, which people open in spreadsheets."""

import re
from decimal import Decimal
from typing import Any

from accounts.money import shown

_SIGNS = "=+\\-@＝＋－＠"  # noqa: RUF001 - wide ones count too
_FORMULA = re.compile(rf'(\A *(?=[{_SIGNS}\t\r\n]))|[;|\t\r\n\v\f\x85\u2028\u2029][ "]*(?=[{_SIGNS}])')
"""Where a formula may begin: at the start of a cell, and behind whatever else a spreadsheet may split at.

Which separator that is, each person's spreadsheet decides; at any but a comma it takes quotes in the middle
of a line for text.
"""


def cell(value: Any) -> Any:
    """What a spreadsheet shows as it stands, whatever it splits at: a name never runs as a formula."""
    if isinstance(value, Decimal):
        return shown(value)
    return _FORMULA.sub(_quoted, value) if isinstance(value, str) else value


def _quoted(start: re.Match[str]) -> str:
    """A `'` before a whole cell, or before a sign within one."""
    return f"{start[0]}'" if start[1] is None else f"'{start[1]}"
