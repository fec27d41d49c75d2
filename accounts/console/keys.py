"""API keys in the staff console."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from accounts import audit, once
from accounts.console.key_columns import KeyColumns
from accounts.console.lists import BigListAdmin
from accounts.console.once import OnceActionForm, OnceAdmin, said, say_again
from accounts.console.reasons import person
from accounts.models import APIKey, AuditPlace, Purpose
from accounts.models.api_key import RESTRICTIONS, ROTATION_OVERLAP, NotRotatable
from accounts.once import FORM_ID, ChangedForm, FormIdField
from accounts.pages import key_changes
from accounts.pages.key_forms import KeyForm, KindField
from accounts.pages.key_states import dated_chip
from accounts.people import notices
from config.console.filters import ChoiceFilter

CONFIRMED = "confirmed"
"""The field of the form that confirms a revocation."""


class APIKeyForm(KeyForm):
    """The key form with the console's widgets, and a choice of tenant."""

    class Meta(KeyForm.Meta):
        fields = ["tenant", *KeyForm.Meta.fields]
        widgets = {
            "allowed_networks": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scopes" in self.fields:
            scopes = cast("forms.MultipleChoiceField", self.fields["scopes"])
            scopes.widget = UnfoldAdminCheckboxSelectMultipleWidget(choices=scopes.choices)


class NewAPIKeyForm(APIKeyForm):
    """A new key, with the choice of its kind."""

    kind = KindField(widget=UnfoldAdminRadioSelectWidget)
    form_id = FormIdField()


class WhoseFilter(ChoiceFilter):
    """Filters by purpose; the default shows the keys of programs only."""

    title = _("who uses it")
    parameter_name = "used_by"
    all_option = None
    _purposes = {
        "programs": (Purpose.PROGRAM,),
        "people": (Purpose.PORTAL, Purpose.CONSOLE),
        "anybody": tuple(Purpose),
    }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [
            ("programs", _("Programs")),
            ("people", _("People on the pages")),
            ("anybody", _("Programs and people")),
        ]

    def value(self) -> str:
        return super().value() or "programs"

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(purpose__in=self._purposes[value])


@admin.register(APIKey)
class APIKeyAdmin(KeyColumns, OnceAdmin[APIKey], BigListAdmin[APIKey]):
    """API keys. The text of a new key is shown to the person who made it, for `once.LIFE`.

    Keys are revoked, never deleted, since the record of what was made with them stays. Those that stand for
    people at a form are read-only: nobody was ever given their text.
    """

    form = APIKeyForm
    list_display = [
        "name",
        "state",
        "tenant",
        "prefix",
        "may",
        "last_used_at",
        "created_at",
    ]
    file_columns = (
        "name",
        "state",
        "tenant",
        "prefix",
        "purpose",
        "may",
        "created_at",
        "made_by_name",
        "expires_at",
        "last_used_at",
        "last_used_address",
    )
    list_select_related = ["tenant"]
    list_filter = [WhoseFilter]
    search_fields = ["name", "prefix", "tenant__name"]
    search_help_text = _("Name or prefix of a key, name of a tenant")
    autocomplete_fields = ["tenant"]
    readonly_fields = [
        "state",
        "purpose",
        "prefix",
        "created_at",
        "made_by_name",
        "revoked_at",
        "replaced_by",
        "last_used_at",
        "last_used_address",
    ]
    fields = [*APIKeyForm.Meta.fields, *readonly_fields]
    actions = ["rotate", "revoke"]
    change_form_outer_before_template = "admin/accounts/apikey/revoke_link.html"
    action_form = OnceActionForm

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Mints a new key; saves only the changed columns of an existing one."""
        if change:
            obj.save(update_fields=form.written())
            return
        restrictions = {name: getattr(obj, name) for name in RESTRICTIONS}
        minted, text = APIKey.objects.mint(
            obj.tenant,
            obj.name,
            obj.scopes,
            obj.expires_at,
            made_by=person(request),
            kind=form.cleaned_data["kind"],
            **restrictions,
        )
        obj.pk, obj.prefix, obj.digest = minted.pk, minted.prefix, minted.digest
        notices.new_key(minted, audit.author(request, AuditPlace.CONSOLE), timezone.now(), request)
        self.keep(request, keys=[(minted.pk, text)])

    def response_add(
        self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._to_made(once.form_id_in(request.POST))

    def get_urls(self) -> list[URLPattern]:
        made = self.admin_site.admin_view(self.made_view)
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [
            path("made/<uuid:form_id>/", made, name="accounts_apikey_made"),
            path("<int:key_id>/revoke/", revoke, name="accounts_apikey_revoke"),
            *super().get_urls(),
        ]

    def made_view(self, request: HttpRequest, form_id: UUID) -> HttpResponse:
        """The text of the keys that the person's form made; a POST shows it no more."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            once.forget(person(request), form_id)
            return self._to_list()
        made = once.result_of(person(request), form_id, self.kind, timezone.now())
        if not made:
            messages.info(request, once.NOT_SHOWN)
            return self._to_list()
        found = APIKey.objects.select_related("tenant").in_bulk([pk for pk, _text in made["keys"]])
        shown = [(found[pk], text) for pk, text in made["keys"] if pk in found]
        context = {"title": gettext("New API keys"), "opts": self.opts, "keys": shown}
        page = "admin/accounts/apikey/made.html"
        return TemplateResponse(request, page, {**self.admin_site.each_context(request), **context})

    def _to_made(self, form_id: UUID | None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_apikey_made", args=[form_id]))

    def _to_list(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_apikey_changelist"))

    def get_form(self, request: HttpRequest, obj: APIKey | None = None, **kwargs: Any) -> Any:  # type: ignore[override]  # the stubs name the parameter change
        return super().get_form(request, obj, **(kwargs if obj else {"form": NewAPIKeyForm, **kwargs}))

    def get_fields(self, request: HttpRequest, obj: APIKey | None = None) -> Any:
        return self.fields if obj else [*APIKeyForm.Meta.fields, "kind", FORM_ID]

    def get_readonly_fields(self, request: HttpRequest, obj: APIKey | None = None) -> list[str]:
        """A key keeps its tenant, and a replaced one the end that its rotation set."""
        fixed = ["tenant"] if obj else []
        ending = ["expires_at"] if obj and obj.replaced_by_id else []
        return [*self.readonly_fields, *fixed, *ending]

    def has_change_permission(self, request: HttpRequest, obj: APIKey | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and _stands_for_people(obj))

    def has_delete_permission(self, request: HttpRequest, obj: APIKey | None = None) -> bool:
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """A rotation adds a key and changes another."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    @admin.action(
        description=format_lazy(
            _("Rotate the selected keys (the old ones work {hours} hours more)"),
            hours=ROTATION_OVERLAP // timedelta(hours=1),
        ),
        permissions=["rotate"],
    )
    def rotate(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse | None:
        """Leads to the page with the new keys, or back to the list if there are none."""
        try:
            with once.submission(request, self.kind) as sent:
                if not sent.is_first:
                    say_again(request, sent)
                elif made := self._rotate(request, queryset):
                    sent.keep(keys=made, said=said(request))
        except ChangedForm:
            messages.error(request, once.CHANGED)
            return None
        return self._to_made(sent.form_id) if sent.result else None

    def _rotate(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> list[tuple[int, str]]:
        """The new keys, with their texts; adds an error message for each key that cannot be rotated."""
        by, now, made = audit.author(request, AuditPlace.CONSOLE), timezone.now(), []
        for key in self._of_programs(request, queryset):
            try:
                new, text = key_changes.rotate(key, ROTATION_OVERLAP, by, now, request)
            except NotRotatable as refusal:
                messages.error(request, f"{refusal}.")
            else:
                made.append((new.pk, text))
        return made

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> HttpResponse | None:
        """Ask for a confirmation, and revoke once it is given."""
        keys = list(self._of_programs(request, queryset.filter(revoked_at=None)))
        if not keys:
            messages.info(request, gettext("None of these keys can be revoked."))
            return None
        if CONFIRMED not in request.POST:
            return self._confirmation(request, keys, reverse("admin:accounts_apikey_changelist"))
        self._revoke(request, keys)
        return None

    def revoke_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """The same for one key, on a page of its own."""
        key = get_object_or_404(APIKey.objects.of_programs().select_related("tenant"), pk=key_id)
        if not self.has_change_permission(request, key):
            raise PermissionDenied
        page = reverse("admin:accounts_apikey_change", args=[key.pk])
        if key.revoked_at is not None:
            messages.info(request, gettext("It is already revoked."))
        elif request.method == "POST":
            self._revoke(request, [key])
        else:
            return self._confirmation(request, [key], page)
        return HttpResponseRedirect(page)

    @transaction.atomic
    def _revoke(self, request: HttpRequest, keys: Iterable[APIKey]) -> None:
        by, now = audit.author(request, AuditPlace.CONSOLE), timezone.now()
        chosen = APIKey.objects.filter(pk__in=[key.pk for key in keys]).select_related("tenant")
        for key in chosen.select_for_update(of=("self",), no_key=True):
            if key.revoked_at is None:
                key_changes.revoke(key, by, now)
            messages.success(request, gettext("Revoked: %(key)s") % {"key": key})

    def _confirmation(self, request: HttpRequest, keys: Sequence[APIKey], back: str) -> HttpResponse:
        """What the revocation stops. The form is sent to where it was asked for."""
        context = {
            "title": gettext("Revoke API keys") if len(keys) > 1 else gettext("Revoke a key"),
            "keys": [(key, dated_chip(key, timezone.now())) for key in keys],
            "confirmed": CONFIRMED,
            "form_id": uuid4(),
            "back": back,
        }
        return TemplateResponse(
            request, "admin/accounts/apikey/revoke.html", {**self.admin_site.each_context(request), **context}
        )

    def _of_programs(self, request: HttpRequest, keys: QuerySet[APIKey]) -> Iterator[APIKey]:
        """Yields the keys of programs, and adds an error message for each other key."""
        for key in keys:
            if _stands_for_people(key):
                message = gettext(
                    "%(key)s belongs to the pages, not to a program, so it cannot be rotated or revoked."
                )
                messages.error(request, message % {"key": key})
            else:
                yield key


def _stands_for_people(key: APIKey) -> bool:
    return key.purpose != Purpose.PROGRAM
