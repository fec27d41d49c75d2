"""Log-in with a password and, if one is set up, a second factor."""

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
from accounts.people.forms import WRONG_CODE, AnyCodeForm, LogInForm

CODE_TIMEOUT = timedelta(minutes=10)
"""How long after the password the code is accepted."""
_PENDING = "log_in"
BACKEND = "django.contrib.auth.backends.ModelBackend"


class LogInPage(LoginView):
    """The log-in of staff and tenants. With a second factor, the password alone is not enough."""

    template_name = "people/log_in.html"
    authentication_form = LogInForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A person logged in may still owe a code, or need another account for the `next` page."""
        person = request.user
        if isinstance(person, User) and totp.of(person) and not _is_verified(person):
            return self._ask_for_code(person)
        if person.is_authenticated and not self.get_redirect_url():
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        person: User = form.get_user()
        if totp.of(person) is not None:
            return self._ask_for_code(person)
        begin_session(self.request, person)
        return HttpResponseRedirect(self.get_success_url())

    def _ask_for_code(self, person: User) -> HttpResponse:
        _remember(self.request, person, timezone.now())
        # `next` stays in the URL: it may contain a secret, which must not be stored in the session.
        return _redirect("people:log-in-code", self.get_redirect_url())


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class CodePage(RedirectURLMixin, FormView[AnyCodeForm]):
    """The second step, for a person whose password was just verified."""

    template_name = "people/log_in_code.html"
    form_class = AnyCodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = _pending(request, timezone.now())
        if person is None:
            return _redirect("people:log-in", self.get_redirect_url())
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: AnyCodeForm) -> HttpResponse:
        code = form.cleaned_data["code"]
        person = authenticate(self.request, username=self.person.username, otp_token=code)
        if not isinstance(person, User):
            form.add_error("code", WRONG_CODE)
            return self.form_invalid(form)
        del self.request.session[_PENDING]
        begin_session(self.request, person)
        return HttpResponseRedirect(self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return resolve_url("people:home")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, **{REDIRECT_FIELD_NAME: self.get_redirect_url()})


def begin_session(request: HttpRequest, person: User) -> None:
    """Log the person in and record it in the audit log."""
    now = timezone.now()
    login(request, person, BACKEND)
    sessions.describe(request, now)
    by = audit.author(request, AuditPlace.OWN_PAGES)
    audit.record(by, audit.About.LOG_IN.named(str(person)), "", {}, {"succeeded": True}, now)


def _redirect(route: str, next_page: str) -> HttpResponse:
    page = reverse(route)
    return redirect_to_login(next_page, page) if next_page else HttpResponseRedirect(page)


def _is_verified(person: Any) -> bool:
    return bool(person.is_verified())


def _remember(request: HttpRequest, person: User, now: datetime) -> None:
    """Store in the session who gave the right password, and its hash, to notice a change."""
    request.session.cycle_key()
    hashed = person.get_session_auth_hash()
    request.session[_PENDING] = {"person": person.pk, "password": hashed, "at": now.timestamp()}


def _pending(request: HttpRequest, now: datetime) -> User | None:
    """The person whose code is due; None after `CODE_TIMEOUT`, or if the password changed."""
    pending = request.session.get(_PENDING)
    if pending is None or now.timestamp() - pending["at"] > CODE_TIMEOUT.total_seconds():
        return None
    person = User.objects.filter(pk=pending["person"], is_active=True).first()
    if person is None or not constant_time_compare(person.get_session_auth_hash(), pending["password"]):
        return None
    return person
