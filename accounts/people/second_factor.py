"""The page on which a person sets up a second factor, or turns it off."""

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
    """What its three routes have in common."""

    template_name = "people/second_factor.html"

    def show(self, form: CodeForm | ProvedForm | None = None, **details: Any) -> HttpResponse:
        """The page, with what there is to say."""
        return self.render_to_response(self.get_context_data(form=form or CodeForm(), **details))

    def _changed(self, happened: Any, *, was: bool) -> None:
        """Write down that it is on, or off, and tell the person."""
        now, subject = timezone.now(), audit.subject_of(self.person)
        self.record(subject, ({"second factor": was}, {"second factor": not was}), now)
        notices.tell(self.request, self.person, happened, now)

    def get_default_redirect_url(self) -> str:
        """The profile."""
        return resolve_url("people:profile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Whether it is on, and where to go next."""
        is_on = totp.of(self.person) is not None
        return super().get_context_data(
            is_on=is_on, **{REDIRECT_FIELD_NAME: self.get_redirect_url()}, **kwargs
        )


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SecondFactorPage(_Page):
    """How things stand, and the beginning."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show how things stand; a secret is shown when it is made, and no more."""
        is_on = totp.of(self.person) is not None
        return self.show(CodeForm() if is_on else ProvedForm(request, self.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a secret, and show it. One that is in use is turned off first."""
        if totp.of(self.person) is not None:
            return self.show()
        form = ProvedForm(request, self.person, request.POST)
        if not form.is_valid():
            return self.show(form)
        return self.show(is_waiting=True, **_shown(totp.begin(self.person)))


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class ConfirmPage(_Page):
    """The end of setting it up."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Turn it on by a first code; this session has proved it, all others have to."""
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
        messages.success(request, _("From now on, the log-in asks you for a code."))
        return HttpResponseRedirect(self.get_success_url())


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class TurnOffPage(_Page):
    """The way back to the password alone."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Turn it off by a last code, which is counted like a log-in."""
        form, name = CodeForm(request.POST), self.person.username
        if not form.is_valid():
            return self.show(form)
        if authenticate(request, username=name, otp_token=form.cleaned_data["code"]) is None:
            form.add_error("code", WRONG_CODE)
            return self.show(form)
        totp.turn_off(self.person)
        self._changed(notices.SECOND_FACTOR_OFF, was=True)
        messages.success(request, _("The log-in asks for your password alone."))
        return HttpResponseRedirect(self.get_success_url())


def _shown(device: Authenticator) -> dict[str, Any]:
    """The secret, as text and as a picture for the camera."""
    picture = segno.make(device.address, error="m").svg_data_uri(scale=4, border=3, light="#fff")
    return {"secret": totp.secret(device), "picture": picture}
