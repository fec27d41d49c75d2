"""Cells of CSV files, which people open in spreadsheets."""

from decimal import Decimal
from typing import Any

from accounts.money import shown

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide ones count too


def cell(value: Any) -> Any:
    """What a spreadsheet shows as it stands: a name never runs as a formula."""
    if isinstance(value, Decimal):
        return shown(value)
    is_formula = isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value
