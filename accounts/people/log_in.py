"""Logging in, in one step or two, and out."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate, login
from django.contrib.auth.views import LoginView, RedirectURLMixin, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from accounts import audit
from accounts.models import AuditPlace, User
from accounts.people import sessions, totp
from accounts.people.forms import WRONG_CODE, CodeForm, LogInForm

PATIENCE = timedelta(minutes=10)
"""How long after the password the code may come."""
_PENDING = "log_in"
BACKEND = "django.contrib.auth.backends.ModelBackend"


class LogInPage(LoginView):
    """The one log-in, for staff and tenants. With a second factor, the password alone logs nobody in."""

    template_name = "people/log_in.html"
    authentication_form = LogInForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask whoever is not logged in; who is, is here for a page that wants a code, or somebody else."""
        person = request.user
        if isinstance(person, User) and totp.of(person) and not _is_verified(person):
            return self._ask_for_code(person)
        if person.is_authenticated and not self.get_redirect_url():
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """The password is right."""
        person: User = form.get_user()
        if totp.of(person) is not None:
            return self._ask_for_code(person)
        begin_session(self.request, person)
        return HttpResponseRedirect(self.get_success_url())

    def _ask_for_code(self, person: User) -> HttpResponse:
        _begin(self.request, person, timezone.now())
        # What comes next is carried in the address: it may be a link with a secret, which no session keeps.
        return _redirect("people:log-in-code", self.get_redirect_url())


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class CodePage(RedirectURLMixin, FormView[CodeForm]):
    """The second step, for whom the password was right a moment ago."""

    template_name = "people/log_in_code.html"
    form_class = CodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send everybody else back to the first step."""
        person = _pending(request, timezone.now())
        if person is None:
            return _redirect("people:log-in", self.get_redirect_url())
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Log in whose code it is."""
        code = form.cleaned_data["code"]
        person = authenticate(self.request, username=self.person.username, otp_token=code)
        if not isinstance(person, User):
            form.add_error("code", WRONG_CODE)
            return self.form_invalid(form)
        del self.request.session[_PENDING]
        begin_session(self.request, person)
        return HttpResponseRedirect(self.get_success_url())

    def get_default_redirect_url(self) -> str:
        """The start."""
        return resolve_url("people:home")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Where to go next, if that is somewhere here."""
        return super().get_context_data(**kwargs, **{REDIRECT_FIELD_NAME: self.get_redirect_url()})


def begin_session(request: HttpRequest, person: User) -> None:
    """Log the person in, which the audit log tells."""
    now = timezone.now()
    login(request, person, BACKEND)
    sessions.describe(request, now)
    by = audit.author(request, AuditPlace.OWN_PAGES)
    audit.record(by, f"log-in of {person}", "", {}, {"succeeded": True}, now)


def _redirect(route: str, next_page: str) -> HttpResponse:
    page = reverse(route)
    return redirect_to_login(next_page, page) if next_page else HttpResponseRedirect(page)


def _is_verified(person: Any) -> bool:
    return bool(person.is_verified())


def _begin(request: HttpRequest, person: User, now: datetime) -> None:
    """Remember whose password was right, and which password that was."""
    request.session.cycle_key()
    hashed = person.get_session_auth_hash()
    request.session[_PENDING] = {"person": person.pk, "password": hashed, "at": now.timestamp()}


def _pending(request: HttpRequest, now: datetime) -> User | None:
    """Whose code is waited for; nobody's after a while, or after the password changed."""
    pending = request.session.get(_PENDING)
    if pending is None or now.timestamp() - pending["at"] > PATIENCE.total_seconds():
        return None
    person = User.objects.filter(pk=pending["person"], is_active=True).first()
    if person is None or not constant_time_compare(person.get_session_auth_hash(), pending["password"]):
        return None
    return person
