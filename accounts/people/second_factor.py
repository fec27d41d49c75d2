"""The page to set up a second factor or turn it off."""

from typing import Any

import segno
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View
from django_otp import login as verify_session

from accounts import audit
from accounts.models import Authenticator
from accounts.people import notices, totp
from accounts.people.forms import WRONG_CODE, CodeForm, ProvedForm
from accounts.people.pages import OwnPage


class _Page(OwnPage, RedirectURLMixin, TemplateResponseMixin, ContextMixin, View):
    """The base of the three views."""

    template_name = "people/second_factor.html"

    def show(self, form: CodeForm | ProvedForm | None = None, **details: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form or CodeForm(), **details))

    def _changed(self, happened: Any, *, was: bool) -> None:
        """Record in the audit log that it was turned on or off, and mail the person."""
        now, subject = timezone.now(), audit.subject_of(self.person)
        self.record(subject, ({"second factor": was}, {"second factor": not was}), now)
        notices.notify(self.request, self.person, happened, now)

    def get_default_redirect_url(self) -> str:
        return resolve_url("people:profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_on = totp.of(self.person) is not None
        return super().get_context_data(
            is_on=is_on, **{REDIRECT_FIELD_NAME: self.get_redirect_url()}, **kwargs
        )


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SecondFactorPage(_Page):
    """Shows whether a second factor is on, and starts setting one up."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Never shows an existing secret: it is shown once, when it is created."""
        is_on = totp.of(self.person) is not None
        return self.show(CodeForm() if is_on else ProvedForm(request, self.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Creates and shows a secret; a second factor in use must be turned off first."""
        if totp.of(self.person) is not None:
            return self.show()
        form = ProvedForm(request, self.person, request.POST)
        if not form.is_valid():
            return self.show(form)
        return self.show(is_waiting=True, **_secret_context(totp.begin(self.person)))


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class ConfirmPage(_Page):
    """Completes the setup."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Turns it on with a first code, which verifies this session; all others end."""
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
        return HttpResponseRedirect(self.get_success_url())


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class TurnOffPage(_Page):
    """Turns the second factor off."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Requires a code; failures count like failed log-ins."""
        form, name = CodeForm(request.POST), self.person.username
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
