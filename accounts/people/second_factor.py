"""The pages to set up a second factor, to get recovery codes for it, and to turn it off."""

from typing import Any
from urllib.parse import urlencode

import segno
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate
from django.contrib.auth.views import RedirectURLMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View
from django_otp import login as verify_session

from accounts import audit, once
from accounts.models import Authenticator
from accounts.people import notices, recovery, totp
from accounts.people.forms import WRONG_CODE, AnyCodeForm, CodeForm, ProvedForm
from accounts.people.pages import OwnPage

_BEGUN, _CODES = "second factor", "recovery codes"
"""The kinds of what forms make."""
_QUERY = "made"
"""The parameter with the form whose result the page shows."""


class _Page(OwnPage, RedirectURLMixin, TemplateResponseMixin, ContextMixin, View):
    """The base of the views."""

    template_name = "people/second_factor.html"

    def show(self, form: CodeForm | ProvedForm | None = None, **details: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form or AnyCodeForm(), **details))

    def to_codes(self, codes: list[str], destination: str) -> HttpResponse:
        """Leads to the page with the recovery codes, which shows them only to who has just got them."""
        form_id = once.put(self.person, _CODES, codes=codes, destination=destination)
        query = urlencode({_QUERY: form_id})
        return HttpResponseRedirect(f"{reverse('people:recovery-codes')}?{query}")

    def just_made(self, kind: str) -> dict[str, Any] | None:
        """What the form in the query has just made of that kind."""
        form_id = once.form_id_in(self.request.GET, _QUERY)
        return once.result_of(self.person, form_id, kind, timezone.now())

    def _changed(self, happened: Any, *, was: bool) -> None:
        """Record in the audit log that it was turned on or off, and mail the person."""
        now, subject = timezone.now(), audit.subject_of(self.person)
        self.record(subject, ({"second factor": was}, {"second factor": not was}), now)
        notices.notify(self.request, self.person, happened, now)

    def get_default_redirect_url(self) -> str:
        return resolve_url("people:profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        device = totp.of(self.person)
        codes_left = recovery.left(device) if device else 0
        return super().get_context_data(
            is_on=device is not None,
            left=codes_left,
            **{REDIRECT_FIELD_NAME: self.get_redirect_url()},
            **kwargs,
        )


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SecondFactorPage(_Page):
    """Shows whether a second factor is on, and starts setting one up."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Shows the secret of a device only to who has just begun to set it up, until its first code."""
        device = self._begun()
        if device is not None:
            return self.show(CodeForm(), is_waiting=True, **_secret_context(device))
        is_on = totp.of(self.person) is not None
        return self.show(AnyCodeForm() if is_on else ProvedForm(request, self.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Creates a secret and leads to it; a second factor in use must be turned off first."""
        if totp.of(self.person) is not None:
            return self.show()
        form = ProvedForm(request, self.person, request.POST)
        if not form.is_valid():
            return self.show(form)
        form_id = once.put(self.person, _BEGUN, device=totp.begin(self.person).pk)
        query = {_QUERY: form_id, **({REDIRECT_FIELD_NAME: to} if (to := self.get_redirect_url()) else {})}
        return HttpResponseRedirect(f"{reverse('people:second-factor')}?{urlencode(query)}")

    def _begun(self) -> Authenticator | None:
        """The device in the query, while it waits for its first code."""
        begun = self.just_made(_BEGUN)
        device = totp.pending(self.person) if begun else None
        return device if device and begun and device.pk == begun["device"] else None


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class ConfirmPage(_Page):
    """Completes the setup."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Turns it on with a first code, which verifies this session; others end. Leads to recovery codes."""
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self.show(form, is_waiting=True)
        device = totp.confirm(self.person, form.cleaned_data["code"])
        if device is None:
            form.add_error("code", WRONG_CODE)
            return self.show(form, is_waiting=True)
        verify_session(request, device)
        self._changed(notices.SECOND_FACTOR_ON, was=False)
        self.end_other_sessions()
        messages.success(request, _("From now on, you need a code to log in."))
        return self.to_codes(recovery.renew(device), self.get_success_url())


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class RecoveryCodesPage(_Page):
    """Replaces the recovery codes, given the password."""

    template_name = "people/recovery_codes.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if totp.of(self.person) is None:
            return HttpResponseRedirect(reverse("people:second-factor"))
        made = self.just_made(_CODES)
        if made:
            return self.render_to_response(self.get_context_data(**made))
        return self.show(ProvedForm(request, self.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        device = totp.of(self.person)
        if device is None:
            return self.get(request)
        form = ProvedForm(request, self.person, request.POST)
        if not form.is_valid():
            return self.show(form)
        return self.to_codes(self._renew(device), reverse("people:second-factor"))

    @transaction.atomic
    def _renew(self, device: Authenticator) -> list[str]:
        now, before = timezone.now(), recovery.left(device)
        codes = recovery.renew(device)
        change = {recovery.RECORDED: before}, {recovery.RECORDED: audit.CHANGED}
        self.record(audit.subject_of(self.person), change, now)
        notices.notify(self.request, self.person, notices.RECOVERY_CODES_RENEWED, now)
        return codes


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class TurnOffPage(_Page):
    """Turns the second factor off."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Requires a code, of the app or for recovery; failures count like failed log-ins."""
        form, name = AnyCodeForm(request.POST), self.person.username
        if not form.is_valid():
            return self.show(form)
        if authenticate(request, username=name, otp_token=form.cleaned_data["code"]) is None:
            form.add_error("code", WRONG_CODE)
            return self.show(form)
        totp.turn_off(self.person)
        self._changed(notices.SECOND_FACTOR_OFF, was=True)
        messages.success(request, _("From now on, you log in with your password only."))
        return HttpResponseRedirect(self.get_success_url())


def _secret_context(device: Authenticator) -> dict[str, Any]:
    """The secret as text and as a QR code."""
    picture = segno.make(device.address, error="m").svg_data_uri(scale=4, border=3, light="#fff")
    return {"secret": totp.secret(device), "picture": picture}
