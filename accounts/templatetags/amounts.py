"""Money and seconds, as pages show them.

Amounts have two decimals, and are exact in a `title` if they have more; only the price of a second is exact
in the text, as it is multiplied.
"""

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from config.amounts import ZERO, format_amount

register = template.Library()
_NARROW_SPACE = "\u202f"
"""Between a number and its unit, so that they stay on one line."""
_CENT = Decimal("0.01")


@register.filter
def money(amount: Decimal) -> SafeString:
    """In the deployment's currency, such as `1,234.50 CNY`."""
    return _shown(amount, f"{_NARROW_SPACE}{settings.CURRENCY}")


@register.filter
def plain_money(amount: Decimal) -> SafeString:
    """Like `money` without the currency, for columns whose heading names it."""
    return _shown(amount)


@register.filter
def signed_money(amount: Decimal) -> SafeString:
    """Like `plain_money`, with the sign of a change, such as `+8.00`."""
    return _shown(amount, plus="+" if amount > 0 else "")


@register.filter
def rate(per_second: Decimal) -> str:
    """The exact price of a second, with at least two decimals, such as `0.225`."""
    return _with_commas(format_amount(per_second))


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


def _shown(amount: Decimal, unit: str = "", plus: str = "") -> SafeString:
    # Adding zero makes a negative amount that rounds to zero plain zero.
    short = amount.quantize(_CENT, ROUND_HALF_UP) + ZERO
    text = f"{plus}{_with_commas(format_amount(short))}{unit}"
    if short == amount:
        return format_html("{}", text)
    exact = f"{plus}{_with_commas(format_amount(amount))}{unit}"
    return format_html('<abbr class="amount" title="{}">{}</abbr>', exact, text)


def _with_commas(amount: str) -> str:
    whole, _, places = amount.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}.{places}"
