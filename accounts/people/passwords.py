"""Changing a password, and setting a forgotten one anew by a link in a mail."""

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
    """A new password for the old one; all other browsers of the person are logged out."""

    template_name = "people/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """With the request, whose tries are counted."""
        return {**super().get_form_kwargs(), "request": self.request}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Say so on the profile, and by mail."""
        messages.success(self.request, _("Your password is changed."))
        answer = super().form_valid(form)
        _changed(self.request, form.user, besides=self.request.session.session_key)
        return answer


@method_decorator(never_cache, name="dispatch")
class ForgottenPage(views.PasswordResetView):
    """Mails a link to whom the address belongs, and says the same to everybody."""

    template_name = "people/forgotten.html"
    form_class = ResetForm
    email_template_name = "reset_password"
    success_url = reverse_lazy("people:reset-sent")

    def form_valid(self, form: Any) -> HttpResponse:
        """With the address of ours that the link begins with, and who asks."""
        self.extra_email_context = {"base": absolute("", self.request), "request": self.request}
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class ResetSentPage(views.PasswordResetDoneView):
    """That a mail is under way, if there is anybody to get it."""

    template_name = "people/reset_sent.html"


class ResetPage(views.PasswordResetConfirmView):
    """Where the link leads."""

    template_name = "people/reset.html"
    success_url = reverse_lazy("people:log-in")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Have them log in with it; a second factor is asked for as ever."""
        messages.success(self.request, _("Your password is set. Log in with it."))
        answer = super().form_valid(form)
        _changed(self.request, form.user)
        return answer


def _changed(request: HttpRequest, person: User, *, besides: str | None = None) -> None:
    """Write down that the password is another, tell the person, and log them out everywhere else."""
    now, by = timezone.now(), audit.claimed(request, AuditPlace.OWN_PAGES, person)
    audit.record(by, audit.subject_of(person), "", {}, {"password": audit.CHANGED}, now)
    notices.tell(request, person, notices.PASSWORD_CHANGED, now)
    sessions.end(person, besides=besides)
