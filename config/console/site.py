"""The site of the staff console: who may enter, and where they log in."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.i18n import JavaScriptCatalog
from django_otp import user_has_device
from unfold.sites import UnfoldAdminSite

_MAY_ENTER = "reelay_may_enter_console"


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    """Admits staff; those who have or need a second factor only after it was checked.

    Staff log in, log out and change passwords on the same pages as everybody.
    """

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may enter; computed once a request."""
        kept = vars(request)
        if _MAY_ENTER not in kept:
            kept[_MAY_ENTER] = bool(super().has_permission(request)) and not lacks_second_factor(request)
        return bool(kept[_MAY_ENTER])

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the log-in, or staff who need a second factor to the page that sets it up."""
        destination = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if request.user.is_authenticated and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        is_staff = super().has_permission(request)
        page = "people:second-factor" if is_staff and not user_has_device(request.user) else "people:log-in"
        return redirect_to_login(destination, reverse(page))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return LogoutView.as_view()(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Our own search: that of the theme finds names of tables only, in English."""
        page: Callable[[AdminSite, HttpRequest], HttpResponse] = import_string(settings.CONSOLE_SEARCH)
        return page(self, request)

    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """The texts of Django's scripts, with those that only we have in Chinese."""
        return JavaScriptCatalog.as_view(packages=["django.contrib.admin", "config"])(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("people:password"))

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("people:profile"))


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether this session needs a second factor that was not checked."""
    person: Any = request.user
    if person.is_verified():
        return False
    return bool(settings.STAFF_TOTP_REQUIRED or user_has_device(person))
