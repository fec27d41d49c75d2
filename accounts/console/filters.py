"""The tenant filter of the console's lists."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, UUIDField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from config.console.theme import TextFilter
from config.db.any_of import OF_ONE_TENANT, Order, is_any_of

MOST_TENANTS = 50
"""How many tenants a partial name may match."""


class TenantFilter(TextFilter):
    """Filters by a tenant's name or a part of it; looks up the tenants first, so that an index finds rows."""

    title = _("tenant")
    parameter_name = "tenant"
    index_order: Order | None = None
    """The order of the index of one tenant's rows, if exactly one tenant matches."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = self.value()
        return self.rows_of(_tenants_named(name), queryset) if name else queryset

    def rows_of(self, tenants: list[UUID], queryset: QuerySet[Any]) -> QuerySet[Any]:
        self.index_order = OF_ONE_TENANT if len(tenants) == 1 else None
        return queryset.filter(is_any_of("tenant", tenants, UUIDField()))


def _tenants_named(name: str) -> list[UUID]:
    """The id of the tenant of that name, else of the first `MOST_TENANTS` whose name contains it."""
    tenants = Tenant.objects.order_by("name").values_list("pk", flat=True)
    return list(tenants.filter(name=name) or tenants.filter(name__icontains=name)[:MOST_TENANTS])
