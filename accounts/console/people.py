"""People in the staff console, with memberships and second factors, and the groups of staff."""

from http import HTTPStatus
from typing import Any, TypeVar

from axes.utils import reset as forget_failures
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ManyToManyField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.forms import (
    AdminPasswordChangeForm,
    UnfoldReadOnlyPasswordHashWidget,
    UserChangeForm,
    UserCreationForm,
)

from accounts import audit
from accounts.console.lists import ListAdmin, TableInline
from accounts.console.memberships import MembershipsInline, PlacesFormSet
from accounts.console.reasons import record
from accounts.members import memberships
from accounts.models import Authenticator, User
from accounts.people import notices, sessions

_Row = TypeVar("_Row", bound=Model)

POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")
"""The fields that make somebody staff; only a superuser changes them."""
DEEDS = {
    "add": _("Can add"),
    "change": _("Can change"),
    "delete": _("Can delete"),
    "view": _("Can view"),
    "appoint": _("Can make somebody an owner"),
    "connect": _("Can change the endpoint"),
}
"""The label of a permission, by the first word of its codename."""
ACCESS = ("email",)
"""Only a superuser changes these: a password reset link goes to this address."""

admin.site.unregister(Group)


class DeviceInline(TableInline[Any, User]):
    """A person's second factor, without its secret; a superuser can remove it if the phone is lost."""

    model = Authenticator
    verbose_name = _("second factor")
    verbose_name_plural = _("second factors (remove one when the phone is lost)")
    fields = ("label", "is_confirmed", "created", "last_used")
    readonly_fields = fields

    @admin.display(description=_("name"))
    def label(self, device: Authenticator) -> str:
        return str(device.name)

    @admin.display(description=_("confirmed"), boolean=True)
    def is_confirmed(self, device: Authenticator) -> bool:
        return bool(device.confirmed)

    @admin.display(description=_("created at"))
    def created(self, device: Any) -> str:
        return display_for_value(device.created_at, "-")

    @admin.display(description=_("last used at"))
    def last_used(self, device: Any) -> str:
        return display_for_value(device.last_used_at, "-")

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The fields are read-only; the permission is needed to submit the form that removes a row."""
        return self.has_delete_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_active and request.user.is_superuser


class PlacesInline(MembershipsInline[User]):
    """A person's memberships."""

    formset = PlacesFormSet
    autocomplete_fields = ["tenant"]
    verbose_name = _("membership")
    verbose_name_plural = _("member of")


class PasswordWidget(UnfoldReadOnlyPasswordHashWidget):  # type: ignore[misc]  # the theme has no types
    """Whether there is a password, without its algorithm, salt and hash."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if len(context["summary"]) > 1:
            context["summary"] = [{"label": pgettext("a password", "Set")}]
        return context


class PersonForm(UserChangeForm):  # type: ignore[misc]  # the theme has no types
    """A person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = PasswordWidget()


class PermissionsField(forms.ModelMultipleChoiceField[Permission]):
    """Permissions labelled in the viewer's language: the names that Django stores are English."""

    def label_from_instance(self, permission: Permission) -> str:
        deed = permission.codename.partition("_")[0]
        return f"{permission.content_type} | {DEEDS.get(deed, permission.name)}"


def _of_pages() -> QuerySet[Permission]:
    """The permissions that pages ask for: those on rows that have a page, or a place on one."""
    pages = admin.site._registry.values()
    models = {model for page in pages for model in (page.model, *(inline.model for inline in page.inlines))}
    types = ContentType.objects.get_for_models(*models, for_concrete_models=False).values()
    return Permission.objects.filter(content_type__in=list(types))


def _granted(row: Model) -> Any:
    """The manager of the permissions that the person or group was granted directly."""
    return getattr(row, "user_permissions" if isinstance(row, User) else "permissions")


class PermissionsAdmin(ListAdmin[_Row]):
    """A page on which permissions are granted; those that it does not offer are kept as they are."""

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]  # the stubs name the parameter change
        """Names the permissions that the form keeps without offering them."""
        form: Any = super().get_form(request, obj, **kwargs)
        kept = _not_of_pages(obj) if obj else []
        for field in form.base_fields.values():
            if isinstance(field, PermissionsField) and kept:
                names = ", ".join(field.label_from_instance(permission) for permission in kept)
                kept_text = gettext("No page uses these permissions; they stay as they are: %s.") % names
                field.help_text = f"{field.help_text} {kept_text}"
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Gives back what the form took away without having offered it."""
        kept = _not_of_pages(form.instance)
        super().save_related(request, form, formsets, change)
        _granted(form.instance).add(*kept)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionsField
            kwargs["queryset"] = _of_pages().select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(User)
class UserAdmin(BaseUserAdmin[User], PermissionsAdmin[User]):
    """People."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "full_name", "is_staff", "is_active", "last_login"]
    file_columns = ("username", "email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ["is_staff", "is_superuser", "is_active"]
    search_help_text = _("User name, name or e-mail address")
    inlines = [PlacesInline, DeviceInline]
    actions = ["let_in"]

    @admin.display(description=pgettext_lazy("of a person", "Name"))
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        """None for a new person, and no table of second factors for somebody without."""
        if obj is None:
            return []
        has_device = Authenticator.objects.filter(user=obj).exists()
        return [inline for inline in self.inlines if inline is not DeviceInline or has_device]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser makes somebody staff, or changes where password reset links go."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if _is_superuser(request) else [*fixed, *POWERS, *ACCESS]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Hides the password field from all but superusers."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or _is_superuser(request):
            return fieldsets
        return [(title, {**options, "fields": _without_password(options)}) for title, options in fieldsets]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser changes staff: setting their password would give access to their permissions."""
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The last owner of a tenant cannot be deleted."""
        *found, protected = super().get_deleted_objects(objs, request)
        alone = [tenant for person in objs for tenant in memberships.owned_alone(person)]
        return (*found, [*protected, *(f"{tenant}: {memberships.NEEDS_OWNER}" for tenant in alone)])

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's signature
        """Raises `PermissionDenied` unless the user is a superuser."""
        if not _is_superuser(request):
            raise PermissionDenied
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if response.status_code == HTTPStatus.FOUND:
                self._password_changed(request, id)
        return response

    def _password_changed(self, request: HttpRequest, person_id: str) -> None:
        person = User.objects.get(pk=person_id)
        sessions.end(person, besides=request.session.session_key)
        notices.notify(request, person, notices.PASSWORD_CHANGED, timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Ends the sessions of a person who loses permissions."""
        person: User = form.instance
        before = _permissions_of(person)
        super().save_related(request, form, formsets, change)
        lost = {"is_active", "is_staff", "is_superuser"} & {*form.changed_data}
        if any(not form.cleaned_data[name] for name in lost) or before - _permissions_of(person):
            sessions.end(person, besides=request.session.session_key)

    @admin.action(description=_("Unlock log-in for the selected people"), permissions=["change"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Unlock the log-in of the selected people; only a superuser unlocks staff."""
        for person in queryset if _is_superuser(request) else queryset.filter(is_staff=False):
            forget_failures(username=person.get_username())
            record(request, audit.subject_of(person), "", ({"locked out": True}, {"locked out": False}))
            text = gettext("%(person)s may try to log in again.") % {"person": person}
            messages.success(request, text)


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, PermissionsAdmin[Group]):
    """Groups of staff. Only a superuser edits them: others could grant themselves permissions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request)


def _not_of_pages(row: Model) -> list[Permission]:
    """The permissions that the person or group was granted and that no page asks for."""
    return list(_granted(row).exclude(pk__in=_of_pages()).select_related("content_type"))


def _permissions_of(person: User) -> set[str]:
    """The person's permissions, reread from the database."""
    return set(User.objects.get(pk=person.pk).get_all_permissions())


def _may_change(request: HttpRequest, person: User | None) -> bool:
    is_protected = person is not None and (person.is_staff or person.is_superuser)
    return _is_superuser(request) or not is_protected


def _without_password(options: Any) -> list[str]:
    return [name for name in options["fields"] if name != "password"]


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser
