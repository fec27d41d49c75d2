"""Pages to change a password, or to reset a forgotten one by a mailed link."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts import audit
from accounts.models import AuditPlace, User
from accounts.people import notices, sessions
from accounts.people.forms import PasswordForm, ResetForm
from config.web.links import absolute


@method_decorator(never_cache, name="dispatch")
class PasswordPage(views.PasswordChangeView):
    """Changes the password and ends the person's other sessions."""

    template_name = "people/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password was changed."))
        response = super().form_valid(form)
        _changed(self.request, form.user, besides=self.request.session.session_key)
        return response


@method_decorator(never_cache, name="dispatch")
class ForgottenPage(views.PasswordResetView):
    """Mails a reset link; the response does not reveal whether the address has an account."""

    template_name = "people/forgotten.html"
    form_class = ResetForm
    email_template_name = "reset_password"
    success_url = reverse_lazy("people:reset-sent")

    def form_valid(self, form: Any) -> HttpResponse:
        self.extra_email_context = {"base": absolute("", self.request), "request": self.request}
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class ResetSentPage(views.PasswordResetDoneView):
    """Says that a mail was sent if the address has an account."""

    template_name = "people/reset_sent.html"


class ResetPage(views.PasswordResetConfirmView):
    """The page the reset link opens; afterwards the person logs in, with any second factor."""

    template_name = "people/reset.html"
    success_url = reverse_lazy("people:log-in")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is set. Log in with it."))
        response = super().form_valid(form)
        _changed(self.request, form.user)
        return response


def _changed(request: HttpRequest, person: User, *, besides: str | None = None) -> None:
    """Record the new password in the audit log, mail the person and end their sessions except `besides`."""
    now, by = timezone.now(), audit.claimed(request, AuditPlace.OWN_PAGES, person)
    audit.record(by, audit.subject_of(person), "", {}, {"password": audit.CHANGED}, now)
    notices.notify(request, person, notices.PASSWORD_CHANGED, now)
    sessions.end(person, besides=besides)
