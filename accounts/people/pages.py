"""What the pages of somebody who is logged in have in common."""

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
    """A page about the person who is logged in; everybody else is sent to the log-in."""

    request: HttpRequest

    @property
    def person(self) -> User:
        """Who is logged in. Raises `PermissionDenied` where that is nobody."""
        if not isinstance(self.request.user, User):
            raise PermissionDenied
        return self.request.user

    def record(self, subject: str, change: audit.Change, now: datetime) -> None:
        """Write down what the person changed of themselves, in the transaction that does."""
        audit.record_change(audit.author(self.request, AuditPlace.OWN_PAGES), subject, change, now)

    def end_other_sessions(self) -> None:
        """Log the person out everywhere but here."""
        sessions.end(self.person, besides=self.request.session.session_key)
