"""Amounts of money as text: decimals with six places, in the one currency of the deployment (`CURRENCY`)."""

from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

PLACES = 6
ZERO = Decimal(0)
_UNIT = Decimal(1).scaleb(-PLACES)


def rounded(amount: Decimal) -> Decimal:
    """The amount with six places, rounded half up."""
    return amount if amount.same_quantum(_UNIT) else amount.quantize(_UNIT, ROUND_HALF_UP)


def format_amount(amount: Decimal) -> str:
    """The exact amount as text, with at least two places, such as `3.00` or `0.225`."""
    whole, _, places = f"{rounded(amount):f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def format_with_currency(amount: Decimal) -> str:
    """The amount as text with its currency, such as `3.00 CNY`."""
    return f"{format_amount(amount)} {settings.CURRENCY}"
