"""The start page, which only redirects."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic.base import View

from accounts.models import Membership, User


@method_decorator(never_cache, name="dispatch")
class HomePage(View):
    """Redirects to a tenant of the person, or to the console, the profile or the log-in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(_destination(request.user))


def _destination(user: User | AnonymousUser) -> str:
    if not isinstance(user, User):
        return reverse("people:log-in")
    membership = Membership.objects.filter(user=user).order_by("tenant__name").first()
    if membership is not None:
        return reverse("portal:overview", args=[membership.tenant_id])
    return reverse("admin:index" if user.is_staff else "people:profile")
