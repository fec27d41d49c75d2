"""The keys of a tenant's programs, which its members make, change, rotate and revoke."""

from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, once
from accounts.members.naming import Names
from accounts.models import APIKey, Role
from accounts.models.api_key import AUDITED_FIELDS, NotRotatable
from accounts.once import ChangedForm, FormIdField
from accounts.pages import key_changes
from accounts.pages.key_forms import ChangedKeyForm, NewKeyForm, PortalKeyForm
from accounts.pages.key_states import active_keys, chip_of, has_ended, keys_of, left_keys, state_of
from accounts.pages.paging import Page
from accounts.people import notices
from accounts.portal.base import TenantPage
from config.routes import API_PREFIX
from config.web.links import absolute

log = structlog.get_logger(__name__)

PAGE = 50
OVERLAPS = {
    "day": (timedelta(hours=24), gettext_lazy("24 hours")),
    "week": (timedelta(days=7), gettext_lazy("7 days")),
    "none": (timedelta(0), gettext_lazy("Not at all: revoke it immediately")),
}
"""How long a key keeps working after it was replaced."""
MOST_AT_ONCE = 500
"""How many keys are listed and revoked at once."""
MADE = "key"
"""The kind of result of the forms that make a key."""
_MODELS = f"{API_PREFIX}models"


class RotationForm(forms.Form):
    """How long the old key keeps working."""

    form_id = FormIdField()
    overlap = forms.ChoiceField(
        label=gettext_lazy("How long the old key keeps working"),
        choices=[(name, label) for name, (_, label) in OVERLAPS.items()],
        initial="day",
        widget=forms.RadioSelect,
    )


class _Page(TenantPage):
    """The base of the pages about keys."""

    section = "keys"

    def keys(self) -> QuerySet[APIKey]:
        """The keys of the tenant's programs, without those that stand for people."""
        return keys_of(self.tenant)

    def key(self, key_id: int) -> APIKey:
        """One of `keys()`. Raises `Http404` for any other."""
        return get_object_or_404(self.keys().select_related("tenant", "replaced_by"), pk=key_id)

    def with_key(self, key: APIKey, **context: Any) -> dict[str, Any]:
        """The context of a page about one key."""
        state = state_of(key, timezone.now())
        maker = Names(self.tenant).of(key.made_by_id, key.made_by_name)
        return self.get_context_data(
            key=key, maker=maker, chip=chip_of(state), is_over=state.is_over, **context
        )

    def to_made(self, form_id: UUID) -> HttpResponse:
        """Leads to the page with the text of the key that the form made."""
        return HttpResponseRedirect(reverse("account:made-key", args=[self.tenant.pk, form_id]))

    def record_key(self, key: APIKey, before: audit.Values) -> None:
        """Record in the audit log what changed since `before`."""
        key_changes.record(key, before, self.author, timezone.now())

    def note(self, event: str, key: APIKey) -> None:
        """Log an event with the key, the tenant and the person."""
        log.info(event, key=key.prefix, tenant=str(self.tenant.pk), person=self.person.get_username())


class KeysPage(_Page):
    """Lists the keys that work, or with `?ended` those that no longer do."""

    template_name = "portal/keys.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now, shows_ended = timezone.now(), "ended" in request.GET
        keys = (
            self.keys().filter(has_ended(now)) if shows_ended else active_keys(self.tenant, now)
        ).select_related("replaced_by")
        page = Page.of(keys, request.GET, PAGE)
        names = Names(self.tenant)
        rows = [
            (key, chip_of(state_of(key, now)), names.of(key.made_by_id, key.made_by_name))
            for key in page.rows
        ]
        has_left = self.may(Role.OWNER) and left_keys(self.tenant, now).exists()
        context = {"page": page, "rows": rows, "shows_ended": shows_ended, "has_left_keys": has_left}
        return self.render_to_response(self.get_context_data(**context))


class NewKeyPage(_Page):
    """Makes a key."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    template_name = "portal/keys_new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(NewKeyForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewKeyForm(request.POST)
        if not form.is_valid():
            return self._show(form)
        try:
            with once.submission(request, MADE) as sent:
                if sent.is_first:
                    key, text = self._mint(form)
                    sent.keep(key=key.pk, text=text)
        except ChangedForm:
            form.add_error(None, str(once.CHANGED))
            return self._show(form)
        return self.to_made(sent.form_id)

    def _mint(self, form: NewKeyForm) -> tuple[APIKey, str]:
        fields = {name: value for name, value in form.cleaned_data.items() if name != once.FORM_ID}
        key, text = APIKey.objects.mint(self.tenant, made_by=self.person, **fields)
        self.record_key(key, {})
        notices.new_key(key, self.author, timezone.now(), self.request)
        self.note("an API key was made", key)
        return key, text

    def _show(self, form: NewKeyForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form))


class MadeKeyPage(_Page):
    """Shows the text of a new key to the person who made it, for `once.LIFE` or until they have copied it."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    template_name = "portal/keys_made.html"

    def get(self, request: HttpRequest, form_id: UUID) -> HttpResponse:
        made = once.result_of(self.person, form_id, MADE, timezone.now())
        key = made and self.keys().filter(pk=made["key"]).first()
        if not made or not key:
            messages.info(request, _("The key can no longer be shown. Rotate it to get a new one."))
            return self._to_keys()
        old = self.keys().filter(pk=made.get("old", 0)).first()
        models = absolute(_MODELS, request)
        context = {"key": key, "text": made["text"], "old": old, "is_over": made.get("is_over")}
        page = self.get_context_data(models=models, host=urlsplit(models).netloc, **context)
        return self.render_to_response(page)

    def post(self, request: HttpRequest, form_id: UUID) -> HttpResponse:
        """Shows it no more."""
        once.forget(self.person, form_id)
        return self._to_keys()

    def _to_keys(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("account:keys", args=[self.tenant.pk]))


class KeyPage(_Page):
    """Shows a key, with a form for members."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER, "POST": Role.MEMBER}
    template_name = "portal/keys_key.html"

    def get(self, request: HttpRequest, key_id: int) -> HttpResponse:
        key = self.key(key_id)
        return self.render_to_response(self.with_key(key, form=self._form(key)))

    def post(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Saves the changes, unless the key was revoked."""
        with transaction.atomic():
            key = get_object_or_404(self.keys().select_for_update(no_key=True), pk=key_id)
            before = audit.values(key, AUDITED_FIELDS)
            form = ChangedKeyForm(request.POST, instance=key)
            if key.revoked_at is None and form.is_valid():
                key.save(update_fields=form.written())
                self.record_key(key, before)
        if key.revoked_at is None and not form.is_valid():
            return self.render_to_response(self.with_key(self.key(key_id), form=form))
        self._report(key)
        return HttpResponseRedirect(reverse("account:key", args=[self.tenant.pk, key.pk]))

    def _report(self, key: APIKey) -> None:
        if key.revoked_at is not None:
            messages.error(
                self.request, _("This key has been revoked in the meantime. No changes were saved.")
            )
            return
        self.note("an API key was changed", key)
        messages.success(self.request, _("Saved."))

    def _form(self, key: APIKey) -> PortalKeyForm | None:
        may_change = self.may(Role.MEMBER) and key.revoked_at is None
        return ChangedKeyForm(instance=key) if may_change else None


class RotateKeyPage(_Page):
    """Replaces a key by a new one with the same settings."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    template_name = "portal/keys_rotate.html"

    def get(self, request: HttpRequest, key_id: int) -> HttpResponse:
        return self._show(key_id, RotationForm())

    def post(self, request: HttpRequest, key_id: int) -> HttpResponse:
        form = RotationForm(request.POST)
        if not form.is_valid():
            return self._show(key_id, form)
        try:
            with once.submission(request, MADE) as sent:
                if sent.is_first:
                    sent.keep(**self._rotate(self.key(key_id), form))
        except NotRotatable:  # the page says why
            return self._show(key_id, form)
        except ChangedForm:
            form.add_error(None, str(once.CHANGED))
            return self._show(key_id, form)
        return self.to_made(sent.form_id)

    def _rotate(self, key: APIKey, form: RotationForm) -> dict[str, Any]:
        overlap, _label = OVERLAPS[form.cleaned_data["overlap"]]
        new, text = key_changes.rotate(key, overlap, self.author, timezone.now(), self.request)
        self.note("an API key was rotated", key)
        return {"key": new.pk, "text": text, "old": key.pk, "is_over": not overlap}

    def _show(self, key_id: int, form: RotationForm) -> HttpResponse:
        return self.render_to_response(self.with_key(self.key(key_id), form=form))


class RevokeKeyPage(_Page):
    """Revokes a key at once and for good."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.MEMBER, "POST": Role.MEMBER}
    template_name = "portal/keys_revoke.html"

    def get(self, request: HttpRequest, key_id: int) -> HttpResponse:
        return self.render_to_response(self.with_key(self.key(key_id)))

    def post(self, request: HttpRequest, key_id: int) -> HttpResponse:
        key = self._revoke(key_id)
        self.note("an API key was revoked", key)
        messages.success(request, _("%(key)s was revoked and no longer works.") % {"key": key})
        return HttpResponseRedirect(reverse("account:keys", args=[self.tenant.pk]))

    @transaction.atomic
    def _revoke(self, key_id: int) -> APIKey:
        key = get_object_or_404(self.keys().select_for_update(no_key=True), pk=key_id)
        key_changes.revoke(key, self.author, timezone.now())
        return key


class LeftKeysPage(_Page):
    """Lists the working keys of former members, and revokes those that were listed."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.OWNER, "POST": Role.OWNER}
    template_name = "portal/keys_left.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        rows = [(key, chip_of(state_of(key, now))) for key in left_keys(self.tenant, now)[:MOST_AT_ONCE]]
        return self.render_to_response(self.get_context_data(rows=rows))

    def post(self, request: HttpRequest) -> HttpResponse:
        revoked = self._revoke(request.POST.getlist("key"))
        for key in revoked:
            self.note("an API key was revoked", key)
        messages.success(
            request, _("%(number)d keys were revoked and no longer work.") % {"number": len(revoked)}
        )
        return HttpResponseRedirect(reverse("account:keys", args=[self.tenant.pk]))

    @transaction.atomic
    def _revoke(self, key_ids: list[str]) -> list[APIKey]:
        now = timezone.now()
        working = left_keys(self.tenant, now).select_for_update(of=("self",), no_key=True)
        revoked = [key for key in working if str(key.pk) in key_ids]
        for key in revoked:
            key_changes.revoke(key, self.author, now)
        return revoked
