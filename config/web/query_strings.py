"""The query part of addresses: links that keep what a page is asked for."""

from django.http import QueryDict


def changed(query: QueryDict, *without: str, **said: str) -> str:
    """The query `without` some of its parameters, and with what is `said` anew."""
    asked = query.copy()
    for name in (*without, *said):
        asked.pop(name, None)
    asked.update(said)
    return f"?{asked.urlencode()}"
