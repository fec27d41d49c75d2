"""Money and seconds, as pages show them."""

from decimal import Decimal

from django import template
from django.conf import settings
from django.utils.translation import pgettext

from config.amounts import format_amount

register = template.Library()
_NARROW_SPACE = "\u202f"
"""Between a number and its unit, so that they stay on one line."""


@register.filter
def money(amount: Decimal) -> str:
    """Exact, in the deployment's currency, such as `1,234.50 CNY`."""
    return f"{plain_money(amount)}{_NARROW_SPACE}{settings.CURRENCY}"


@register.filter
def plain_money(amount: Decimal) -> str:
    """Like `money` without the currency, for columns whose heading names it."""
    whole, _, places = format_amount(amount).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}.{places}"


@register.filter
def count(number: int) -> str:
    """With commas, such as `12,345`."""
    return f"{number:,}"


@register.filter
def seconds(number: int) -> str:
    """Such as `12,345 s`."""
    return f"{number:,}{_NARROW_SPACE}{second()}"


def second() -> str:
    """The translated unit."""
    return pgettext("seconds", "s")


@register.filter
def figure(value: int | Decimal) -> str:
    """An amount or a count in a table, without its unit."""
    return plain_money(value) if isinstance(value, Decimal) else count(value)
