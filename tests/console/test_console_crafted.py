"""Crafted query parameters never break the console's lists."""

from itertools import product
from urllib.parse import urlencode

from django.contrib import admin

from config.console.filters import parameters_of
from tests.conftest import MakeTask
from tests.console.test_admin_lists import ALL
from tests.support.console import Person
from tests.support.rows import each

CRAFTED = ("a\0b", "'%\\", "9" * 40)


def parameters(address: str) -> list[str]:
    """The query parameters of the list, with Django's lookups."""
    app, model = address.strip("/").split("/")[1:]
    (rows,) = (
        rows for kind, rows in admin.site._registry.items() if kind._meta.label_lower == f"{app}.{model}"
    )
    names = sorted({name for entry in rows.list_filter for name in parameters_of(entry)})
    return ["q", "p", *names, *(f"{name}__exact" for name in names)]


@each("address", ALL)
def test_no_query_parameter_breaks_a_list(address: str, make_task: MakeTask) -> None:
    make_task()
    sophie = Person("sophie")
    for name, value, page in product(parameters(address), CRAFTED, (address, f"{address}export/")):
        assert sophie.get(f"{page}?{urlencode({name: value})}").status_code < 500, (name, value)
