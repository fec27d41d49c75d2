"""The column type of amounts of money."""

from typing import Any, TypeVar

from django.db import models

from config.amounts import PLACES

_MAX_DIGITS = 18

_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")


class MoneyField(models.DecimalField[_SetType, _GetType]):
    """A column for amounts of money."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_digits": _MAX_DIGITS, "decimal_places": PLACES}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave the fixed arguments out of migrations."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
