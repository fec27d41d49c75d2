"""Amounts of money, as people read them."""

from decimal import Decimal
from typing import Any

from django import template

from accounts.money import shown

register = template.Library()


@register.filter
def money(value: Any) -> Any:
    """An amount with at least two places; anything else, such as a number of seconds, as it is."""
    return shown(value) if isinstance(value, Decimal) else value
