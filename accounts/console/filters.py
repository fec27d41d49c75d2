"""Filters of the console's lists that are forms: typed, or chosen from what is known beforehand."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.db.models import QuerySet, UUIDField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from config.db.any_of import is_any_of

MOST_TENANTS = 50
"""That a part of a name may mean; more of it says which."""


class FormFilter(admin.SimpleListFilter):
    """A filter with a form of its own, which keeps what else the list is asked for."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        """Nothing to choose from."""
        return []

    def has_output(self) -> bool:
        """It shows even so."""
        return True

    def others(self) -> list[tuple[str, str]]:
        """What else the list is asked for."""
        mine = {self.parameter_name, PAGE_VAR, ERROR_FLAG}
        return [(name, str(value)) for name, value in self.request.GET.items() if name not in mine]


class InputFilter(FormFilter):
    """A filter that is typed, where there would be too much to choose from."""

    template = "admin/input_filter.html"


class ChoiceFilter(FormFilter):
    """A filter that is chosen from a list, by the value of one column."""

    template = "admin/choice_filter.html"
    column: ClassVar[str]

    def options(self) -> list[tuple[str, str]]:
        """What there is to choose from, as text."""
        return [(str(value), str(label)) for value, label in self.lookup_choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the chosen value. Raises `IncorrectLookupParameters` for one that is not on offer."""
        value = self.value()
        if not value:
            return queryset
        if value not in dict(self.options()):
            raise IncorrectLookupParameters
        return self.chosen(queryset, value)

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows with that value, which is on offer."""
        return queryset.filter(**{self.column: value})


class TenantFilter(InputFilter):
    """By a part of the tenant's name. The tenants are looked up first: their rows then have an index."""

    title = _("tenant")
    parameter_name = "tenant"
    is_of_one = False
    """Whether one tenant has such a name."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the tenants with such a name."""
        name = self.value()
        return self.rows_of(_named(name), queryset) if name else queryset

    def rows_of(self, tenants: list[UUID], queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of these tenants."""
        self.is_of_one = len(tenants) == 1
        return queryset.filter(is_any_of("tenant", tenants, UUIDField()))


def _named(name: str) -> list[UUID]:
    """The tenants with that in their name: the first ones, as the alphabet goes."""
    tenants = Tenant.objects.filter(name__icontains=name).order_by("name")
    return list(tenants.values_list("pk", flat=True)[:MOST_TENANTS])
