"""The base of pages that need a person to be logged in."""

from datetime import datetime

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts import audit
from accounts.models import AuditPlace, User
from accounts.people import sessions


@method_decorator(never_cache, name="dispatch")
class OwnPage(LoginRequiredMixin):
    """A page about the person logged in; anonymous visitors are redirected to the log-in."""

    request: HttpRequest

    @property
    def person(self) -> User:
        """The person logged in. Raises `PermissionDenied` if there is none."""
        if not isinstance(self.request.user, User):
            raise PermissionDenied
        return self.request.user

    def record(self, subject: audit.Subject, change: audit.Change, now: datetime) -> None:
        """Record the person's change in the audit log, in the transaction that makes it."""
        audit.record_change(audit.author(self.request, AuditPlace.OWN_PAGES), subject, change, now)

    def end_other_sessions(self) -> None:
        sessions.end(self.person, besides=self.request.session.session_key)
