"""Memberships on the pages of the staff console, where each tenant is left an owner, too."""

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
from accounts.people import sessions

_Parent = TypeVar("_Parent", Tenant, User)


class ChangedColumnsFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Saves of the rows that are there what was changed."""

    def save_existing(self, form: Any, obj: Model, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Save the changed columns."""
        row = form.save(commit=False)
        row.save(update_fields=form.changed_data)
        return row


class _PlacesFormSet(ChangedColumnsFormSet):
    """Refuses to leave a tenant without an owner; in turn with others who change its members.

    Nobody gives a place that they may not give.
    """

    giver: User
    """Who fills in the form."""

    def clean(self) -> None:
        """Look at the places where all that is kept of them is sound. Raises `ValidationError`."""
        super().clean()
        if all(form.is_valid() for form in self.forms if not _ends(form)):
            self._check_gifts()
            self.keep_owners()

    def _check_gifts(self) -> None:
        """Raise `ValidationError` for a place that is given, or raised, by whom it must not be."""
        for form in self.forms:
            if form.has_changed() and not _ends(form):
                place = form.cleaned_data
                before = None if form.instance._state.adding else form.initial.get("role")
                appointing.check_gift(self.giver, place.get("user", self.instance), before, place["role"])

    def keep_owners(self) -> None:
        """Raise `ValidationError` where a tenant would have no owner any more."""
        raise NotImplementedError

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Log whoever may do less from now on out everywhere."""
        for form in self.initial_forms:
            if self._takes_something(form):
                sessions.end(form.instance.user)
        return super().save(commit)

    def _takes_something(self, form: Any) -> bool:
        role = self.role_in(form)
        is_lower = role is None or Role(role).rank < Role(form.initial["role"]).rank
        return is_lower or "tenant" in form.changed_data

    def role_in(self, form: Any) -> str | None:
        """What the form makes of the place; None where it ends."""
        return None if _ends(form) else form.cleaned_data["role"]


class MembersFormSet(_PlacesFormSet):
    """The places in one tenant."""

    instance: Tenant

    def keep_owners(self) -> None:
        """A new tenant has none yet."""
        if self.instance._state.adding:
            return
        roles = {form.instance.pk: self.role_in(form) for form in self.initial_forms if form.has_changed()}
        newcomers = [self.role_in(form) for form in self.extra_forms if form.has_changed()]
        _keep_owner(self.instance, roles, newcomers)


class PlacesFormSet(_PlacesFormSet):
    """The places of one person."""

    instance: User

    def keep_owners(self) -> None:
        """Each tenant for itself, in one order, so that two pages do not wait for each other."""
        for tenant, membership_id, role in sorted(self._left(), key=lambda left: left[0].pk):
            _keep_owner(tenant, {membership_id: role}, [])

    def _left(self) -> Iterator[tuple[Tenant, int, str | None]]:
        """The places that were there, and what becomes of each; who goes to another tenant leaves one."""
        tenants = Tenant.objects.in_bulk([form.initial["tenant"] for form in self.initial_forms])
        for form in self.initial_forms:
            if form.has_changed():
                role = None if "tenant" in form.changed_data else self.role_in(form)
                yield tenants[form.initial["tenant"]], form.instance.pk, role


class MembershipsInline(TableInline[Membership, _Parent]):
    """Memberships, on the page of a tenant or of a person."""

    model = Membership

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Forms that know who fills them in."""
        return type("FormSet", (super().get_formset(request, obj, **kwargs),), {"giver": person(request)})


def _ends(form: Any) -> bool:
    """Whether the row is to be deleted, whatever else is in it."""
    return bool(form.cleaned_data.get(DELETION_FIELD_NAME))


def _keep_owner(tenant: Tenant, roles: dict[int, str | None], newcomers: list[str | None]) -> None:
    try:
        memberships.keep_owner(tenant, roles, newcomers)
    except LastOwner as error:
        raise ValidationError("%(tenant)s: %(why)s", params={"tenant": tenant, "why": NEEDS_OWNER}) from error
