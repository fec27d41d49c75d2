"""Query strings of links that keep a page's parameters."""

from django.http import QueryDict


def changed(query: QueryDict, *without: str, **values: str) -> str:
    """The query string with `values` set, and without the parameters `without`."""
    copy = query.copy()
    for name in (*without, *values):
        copy.pop(name, None)
    copy.update(values)
    return f"?{copy.urlencode()}"
