"""Model instances for the hot paths, made without `Model.__init__`, which sets one field after the other.

Only for models without signals on their initialisation, and for values that need no conversion.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

Instance = TypeVar("Instance", bound=models.Model)


def loaded(model: type[Instance], names: Iterable[str], values: Iterable[Any]) -> Instance:
    """As `Model.from_db`, from the values of these columns; the others are read when they are needed."""
    state = ModelState()
    state.adding, state.db = False, connection.alias
    return _instance(model, state, dict(zip(names, values, strict=True)))


def unsaved(model: type[Instance], /, **values: Any) -> Instance:
    """As `model(**values)`, with the names of columns."""
    constant, made = _defaults(model)
    return _instance(
        model, ModelState(), {**constant, **{name: make() for name, make in made.items()}, **values}
    )


def _instance(model: type[Instance], state: ModelState, values: dict[str, Any]) -> Instance:
    instance = model.__new__(model)
    instance.__dict__ = {"_state": state, **values}
    return instance


class _Defaults(NamedTuple):
    constant: Mapping[str, Any]
    made: Mapping[str, Callable[[], Any]]
    """Those that each instance has its own of, such as lists."""


@cache
def _defaults(model: type[models.Model]) -> _Defaults:
    fields = model._meta.concrete_fields
    made = {
        field.attname: field.default for field in fields if field.has_default() and callable(field.default)
    }
    constant = {field.attname: field.get_default() for field in fields if field.attname not in made}
    return _Defaults(constant, made)
