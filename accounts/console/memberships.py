"""Memberships on the pages of the staff console; every tenant keeps an owner."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest

from accounts.console.lists import TableInline
from accounts.console.reasons import person
from accounts.members import appointing, memberships
from accounts.members.memberships import NEEDS_OWNER, LastOwner
from accounts.models import Membership, Role, Tenant, User
from accounts.pages.changes_form import ChangesForm
from accounts.people import sessions

FIXED = frozenset({"user", "tenant"})
"""The fields of a membership that only a new one may set."""

_Parent = TypeVar("_Parent", Tenant, User)


class ChangedColumnsFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Saves only the changed columns of existing rows; its forms are `ChangesForm`s."""

    def save_existing(self, form: Any, obj: Model, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        row = form.save(commit=False)
        row.save(update_fields=form.written())
        return row


class _MembershipsFormSet(ChangedColumnsFormSet):
    """Refuses roles that the editor may not give, and changes that leave a tenant without an owner.

    The second check locks the tenant, so that concurrent changes of its members wait.
    """

    giver: User
    """The person who edits the form."""

    def clean(self) -> None:
        """Checks roles only if every row that is kept is valid. Raises `ValidationError`."""
        super().clean()
        if all(form.is_valid() for form in self.forms if not _is_deleted(form)):
            self._check_roles()
            self.keep_owners()

    def add_fields(self, form: Any, index: int | None) -> None:
        """A membership keeps its person and its tenant: another one is a deletion and an addition."""
        super().add_fields(form, index)
        if not form.instance._state.adding:
            for name in FIXED.intersection(form.fields):
                form.fields[name].disabled = True

    def _check_roles(self) -> None:
        """Raise `ValidationError` if the editor may not give a new or changed role."""
        changed = [form for form in self.forms if form.has_changed() and not _is_deleted(form)]
        stored = Membership.objects.in_bulk([form.instance.pk for form in changed if form.instance.pk])
        for form in changed:
            appointing.check_gift(self.giver, stored.get(form.instance.pk), form.instance)

    def keep_owners(self) -> None:
        """Raise `ValidationError` if a tenant would lose its last owner."""
        raise NotImplementedError

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Ends the sessions of people who lose permissions."""
        for form in self.initial_forms:
            if self._takes_permissions(form):
                sessions.end(form.instance.user)
        return super().save(commit)

    def _takes_permissions(self, form: Any) -> bool:
        role = self.role_in(form)
        return role is None or Role(role).rank < Role(form.initial["role"]).rank

    def role_in(self, form: Any) -> str | None:
        """The role the form gives; None if it deletes the membership."""
        return None if _is_deleted(form) else form.cleaned_data["role"]


class MembersFormSet(_MembershipsFormSet):
    """The memberships of one tenant."""

    instance: Tenant

    def keep_owners(self) -> None:
        if self.instance._state.adding:
            return
        roles = {form.instance.pk: self.role_in(form) for form in self.initial_forms if form.has_changed()}
        added = [self.role_in(form) for form in self.extra_forms if form.has_changed()]
        _keep_owner(self.instance, roles, added)


class PlacesFormSet(_MembershipsFormSet):
    """The memberships of one person."""

    instance: User

    def keep_owners(self) -> None:
        """Locks the tenants in a fixed order, so that two pages do not deadlock."""
        for tenant, membership_id, role in sorted(self._changed_roles(), key=lambda row: row[0].pk):
            _keep_owner(tenant, {membership_id: role}, [])

    def _changed_roles(self) -> Iterator[tuple[Tenant, int, str | None]]:
        """Yields tenant, id and new role of each changed membership; role None: the person leaves."""
        tenants = Tenant.objects.in_bulk([form.initial["tenant"] for form in self.initial_forms])
        for form in self.initial_forms:
            if form.has_changed():
                yield tenants[form.initial["tenant"]], form.instance.pk, self.role_in(form)


class MembershipsInline(TableInline[Membership, _Parent]):
    """Memberships on the page of a tenant or a person."""

    model = Membership
    form = ChangesForm[Membership]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return type("FormSet", (super().get_formset(request, obj, **kwargs),), {"giver": person(request)})


def _is_deleted(form: Any) -> bool:
    return bool(form.cleaned_data.get(DELETION_FIELD_NAME))


def _keep_owner(tenant: Tenant, roles: dict[int, str | None], added: list[str | None]) -> None:
    try:
        memberships.keep_owner(tenant, roles, added)
    except LastOwner as error:
        raise ValidationError("%(tenant)s: %(why)s", params={"tenant": tenant, "why": NEEDS_OWNER}) from error
