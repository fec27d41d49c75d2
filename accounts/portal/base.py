"""The base of all pages of a tenant: membership, roles and audit log."""

from typing import Any, ClassVar

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from accounts import audit
from accounts.models import AuditPlace, Membership, Role, Tenant, User
from accounts.people import sessions
from accounts.portal.navigation import entries


class TenantPage(LoginRequiredMixin, TemplateResponseMixin, ContextMixin, View):
    """A page of one tenant. `roles` gives for each HTTP method the lowest role that may use it.

    Non-members get a 404, as if the tenant did not exist, and members of a suspended tenant a 403. Browsers
    keep no copy of a page, so that nobody can go back to it after the log-out.
    """

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}
    section: ClassVar[str] = ""
    """The navigation entry to highlight."""
    membership: Membership

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Raises `Http404` for non-members, and `PermissionDenied` if the role is too low."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        self.membership = membership_of(request.user, kwargs.pop("tenant_id"))
        if self.tenant.is_suspended:
            return render(request, "portal/suspended.html", {"tenant": self.tenant}, status=403)
        needed = self.roles.get("GET" if request.method == "HEAD" else request.method or "")
        if needed is None:
            return self.http_method_not_allowed(request)
        if not self.may(needed):
            raise PermissionDenied
        response = super().dispatch(request, *args, **kwargs)
        if "Cache-Control" not in response:  # a poster sets its own
            add_never_cache_headers(response)
        return response

    @property
    def tenant(self) -> Tenant:
        return self.membership.tenant

    @property
    def person(self) -> User:
        return self.membership.user

    @property
    def author(self) -> audit.Author:
        return audit.author(self.request, AuditPlace.PORTAL)

    def record(self, subject: audit.Subject, change: audit.Change) -> None:
        """Record the person's change in the audit log; does nothing if nothing changed.

        Call it in the transaction that makes the change, and pass no secrets.
        """
        audit.record_change(self.author, subject, change, timezone.now(), self.tenant)

    def end_sessions(self, person: User) -> None:
        """End the person's sessions, except the current one if they are changing themselves."""
        sessions.end(person, besides=self.request.session.session_key)

    def may(self, role: Role) -> bool:
        """Whether the person's role is `role` or a higher one."""
        return Role(self.membership.role).rank >= role.rank

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = Membership.objects.filter(user=self.person).select_related("tenant").order_by("tenant__name")
        return super().get_context_data(
            tenant=self.tenant,
            membership=self.membership,
            section=self.section,
            may_work=self.may(Role.MEMBER),
            may_own=self.may(Role.OWNER),
            memberships=mine,
            navigation=entries(self.tenant.pk, roles={role for role in Role if self.may(role)}),
            **kwargs,
        )


def membership_of(user: Any, tenant_id: Any) -> Membership:
    """The person's membership in the tenant. Raises `Http404` if there is none."""
    found = Membership.objects.filter(user=user, tenant=tenant_id).select_related("tenant", "user").first()
    if found is None:
        raise Http404
    return found
