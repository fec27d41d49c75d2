"""Amounts of money: decimals with six places, in the one currency of the deployment (`CURRENCY`)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.db import models

PLACES = 6
ZERO = Decimal(0)
_UNIT = Decimal(1).scaleb(-PLACES)
_MAX_DIGITS = 18


def rounded(amount: Decimal) -> Decimal:
    """To six places, half up."""
    return amount if amount.same_quantum(_UNIT) else amount.quantize(_UNIT, ROUND_HALF_UP)


def shown(amount: Decimal) -> str:
    """As clients and people read it: exact, with at least two places, such as `3.00` or `0.225`."""
    whole, _, places = f"{rounded(amount):f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def shown_with_currency(amount: Decimal) -> str:
    """As people read it where no column says the currency, such as `3.00 CNY`."""
    return f"{shown(amount)} {settings.CURRENCY}"


_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")


class MoneyField(models.DecimalField[_SetType, _GetType]):
    """A column of money."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_digits": _MAX_DIGITS, "decimal_places": PLACES}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """For migrations: what is fixed here is not repeated there."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
