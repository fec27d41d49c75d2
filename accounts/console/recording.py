"""Console pages that write to the audit log instead of Django's admin log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from accounts import audit
from accounts.models import AuditPlace
from accounts.pages.audit_sentences import sentence
from config.console.theme import ModelAdmin

_Row = TypeVar("_Row", bound=Model)

MOST_SHOWN = 100
"""Entries in the history of a row; the audit log has all of them."""
NO_VALUES = frozenset({"reason", "form_id", "id", "ptr"})
"""Form fields that are not values of the row."""


@dataclass(frozen=True)
class RowChange:
    """What a form changed in a row; `row` is None for the row of the page itself."""

    row: Model | None
    before: audit.Values
    after: audit.Values
    reason: str = ""


class RecordedAdmin(ModelAdmin[_Row]):
    """Records what its forms change in the audit log; a page may record some of it itself."""

    recorded_by_page: ClassVar[frozenset[Any]] = frozenset()
    """Fields of its form and models of its inlines that the page records itself."""
    records_all: ClassVar[bool] = False
    """Whether the page records everything itself."""
    has_history: ClassVar[bool] = True
    """Whether rows change, so that their pages lead to what was changed."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> _Row | None:
        """The row, locked if a form changes it, so that nobody else does until it is saved and recorded."""
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return row
        rows = type(row)._base_manager.filter(pk=row.pk).order_by()  # an order may join other tables
        list(rows.select_for_update(no_key=True).values("pk"))
        return super().get_object(request, object_id, from_field)

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        """The `RowChange`s, for `log_addition` and `log_change`."""
        reason = str(form.cleaned_data.get("reason") or "")
        own = [_form_change(None, form, self.recorded_by_page, reason, is_new=add)]
        others = [formset for formset in formsets or [] if formset.model not in self.recorded_by_page]
        return [*own, *(change for formset in others for change in _formset_changes(formset, reason))]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self._record(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self._record(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """Called before the rows are deleted."""
        for row in queryset:
            self._record(request, row, [RowChange(None, audit.all_values(row), {})])

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's audit log entries, for users who may view the row."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Change history: %s") % row,
            "entries": [(entry, sentence(entry)) for entry in audit.of_row(row, MOST_SHOWN)],
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/history.html", context)

    def _record(self, request: HttpRequest, of_page: Model, changes: Iterable[RowChange]) -> None:
        by, now = audit.author(request, AuditPlace.CONSOLE), timezone.now()
        for change in () if self.records_all else changes:
            values = change.before, change.after
            audit.record_row(by, change.row or of_page, values, now, change.reason)


def _formset_changes(formset: Any, reason: str) -> Iterator[RowChange]:
    changed = {id(form.instance): form for form in formset.forms if form.has_changed()}
    for row in formset.new_objects:
        yield _form_change(row, changed[id(row)], frozenset(), reason, is_new=True)
    for row, _names in formset.changed_objects:
        yield _form_change(row, changed[id(row)], frozenset(), reason, is_new=False)
    for row in formset.deleted_objects:
        yield RowChange(row, audit.all_values(row), {}, reason)


def _form_change(
    row: Model | None, form: Any, excluded: frozenset[Any], reason: str, *, is_new: bool
) -> RowChange:
    names = [name for name in form.changed_data if name not in excluded | NO_VALUES]
    after = {name: _masked(name, form.cleaned_data.get(name)) for name in names}
    before = {} if is_new else {name: _initial(form, name) for name in names if not audit.is_secret(name)}
    return RowChange(row, before, after, reason)


def _initial(form: BaseForm, name: str) -> Any:
    """The initial value as plain data; chosen rows as `audit.plain` names them."""
    value = form.get_initial_for_field(form.fields[name], name)
    queryset: Any = getattr(form.fields[name], "queryset", None)
    if queryset is None:
        return audit.plain(value)
    chosen = [getattr(item, "pk", item) for item in (value if isinstance(value, list) else [value])]
    found = audit.plain(queryset.filter(pk__in=[key for key in chosen if key is not None]))
    return found if isinstance(value, list) else next(iter(found), None)


def _masked(name: str, value: Any) -> Any:
    return audit.CHANGED if audit.is_secret(name) else audit.plain(value)
