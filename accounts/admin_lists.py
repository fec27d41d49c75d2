"""What the lists of the staff console have in common."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import Tenant


class InputFilter(admin.SimpleListFilter):
    """A filter that is typed, where there would be too much to choose from."""

    template = "admin/input_filter.html"
    input_type = "text"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Nothing to choose from."""
        return []

    def has_output(self) -> bool:
        """It shows all the same."""
        return True

    def others(self) -> list[tuple[str, str]]:
        """What else the list is asked for, which stays as it is."""
        mine = {self.parameter_name, PAGE_VAR, ERROR_FLAG}
        return [(name, str(value)) for name, value in self.request.GET.items() if name not in mine]


class TenantFilter(InputFilter):
    """By a part of the tenant's name. The tenants are looked up first: their rows then have an index."""

    title = "tenant"
    parameter_name = "tenant"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the tenants with such a name."""
        name = self.value()
        if not name:
            return queryset
        tenants = Tenant.objects.filter(name__icontains=name).values_list("pk", flat=True)
        return queryset.filter(tenant__in=list(tenants))
