"""The start: whoever comes is sent where they belong."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic.base import View

from accounts.models import Membership, User


@method_decorator(never_cache, name="dispatch")
class HomePage(View):
    """Sends a member to a tenant of theirs, staff to the console, and everybody else to the log-in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with a redirect."""
        return HttpResponseRedirect(_destination(request.user))


def _destination(user: User | AnonymousUser) -> str:
    if not isinstance(user, User):
        return reverse("people:log-in")
    mine = Membership.objects.filter(user=user).order_by("tenant__name").first()
    if mine is not None:
        return reverse("portal:videos", args=[mine.tenant_id])
    return reverse("admin:index" if user.is_staff else "people:profile")
