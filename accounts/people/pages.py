"""What the pages of somebody who is logged in have in common."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.models import User


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
