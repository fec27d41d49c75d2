"""Base classes of the staff console's lists: CSV export, and no counting of many rows."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.text import capfirst

from accounts.console.recording import RecordedAdmin
from config.console import export
from config.console.deletion import protected_rows
from config.console.filters import BY_TIME, parameters_of
from config.console.paging import UncountedPaginator
from config.console.theme import TabularInline
from config.db.any_of import OF_ONE_TENANT, Order
from config.web.csv_files import MOST_ROWS

_Row = TypeVar("_Row", bound=Model)
_Parent = TypeVar("_Parent", bound=Model)


class ListAdmin(RecordedAdmin[_Row]):
    """A list of few rows, which may be counted, with a CSV export.

    Rows can only be deleted one by one, on their pages.
    """

    list_before_template = "admin/list_tools.html"
    show_facets = ShowFacets.NEVER
    most_exported = MOST_ROWS
    exported: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """Values for the file of columns that the list shows as text with markup, such as amounts."""
    file_columns: tuple[str, ...] = ()
    """The columns of the CSV file; empty: those of the list."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=name), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Raises `IncorrectLookupParameters` for a NUL, which PostgreSQL refuses in text."""
        if any("\0" in value for _name, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The rows of all pages of the list, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"../?{ERROR_FLAG}=1")
        order = getattr(changelist, "index_order", None)
        return export.as_csv(self, request, changelist.queryset, order)

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return protected_rows(objs) or super().get_deleted_objects(objs, request)


class UncountedChangeList(ChangeList):
    """Sorts in the order of the index that the filters use, and shows no number of rows."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return self.index_order or super().get_ordering(request, queryset)

    @property
    def index_order(self) -> Order | None:
        """The order of the index that the filters use, if they use one."""
        orders = [order for spec in self.filter_specs if (order := getattr(spec, "index_order", None))]
        return next((order for order in (BY_TIME, OF_ONE_TENANT, *orders) if order in orders), None)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # so that the theme shows no total


class BigListAdmin(ListAdmin[_Row]):
    """A list of many rows, newest first, which is never counted, sorted or read in full."""

    ordering = ["-pk"]
    paginator = UncountedPaginator
    list_filter_submit = True
    sortable_by = ()
    show_full_result_count = False
    list_disable_select_all = True
    list_max_show_all = 0
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allows only the list's own filters: other columns may have no index."""
        return any(lookup in parameters_of(entry) for entry in self.list_filter)


class ReadOnlyAdmin(BigListAdmin[_Row]):
    """A read-only list."""

    actions = None
    has_history = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False


class TableInline(TabularInline[_Row, _Parent]):
    """Editable rows in a table; fields get an `aria-label`, since only the column's head names them."""

    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = capfirst(str(db_field.verbose_name))
        return field


class ReadOnlyInline(TabularInline[_Row, _Parent]):
    """Read-only rows on the page of their parent."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: _Parent | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: _Parent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: _Parent | None = None) -> bool:
        return False
