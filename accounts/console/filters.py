"""The filter by tenant, of the console's lists."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, UUIDField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from config.console.theme import TextFilter
from config.db.any_of import is_any_of

MOST_TENANTS = 50
"""That a part of a name may mean; more of it says which."""


class TenantFilter(TextFilter):
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
