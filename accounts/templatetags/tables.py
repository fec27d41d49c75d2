"""Tables whose rows become cards on a phone, where each cell shows its heading (`data-label`)."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import template

register = template.Library()


@register.filter
def under(values: Iterable[Any], headings: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Each value with the heading of its column."""
    return zip(headings, values, strict=True)
