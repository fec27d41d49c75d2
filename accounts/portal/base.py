"""What every page of a tenant has in common: whose it is, who may open it, who may change something."""

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
    """A page of one tenant. `roles` says for each method who may use it; a viewer changes nothing.

    A tenant that the person does not belong to looks like one that does not exist; one that is suspended is
    closed to everybody. No browser keeps a page,
    so that nobody goes back to it after the log-out.
    """

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}
    section: ClassVar[str] = ""
    """Which entry of the navigation it belongs to."""
    membership: Membership

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let in who belongs here. Raises `Http404` and `PermissionDenied` for everybody else."""
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
        answer = super().dispatch(request, *args, **kwargs)
        if "Cache-Control" not in answer:  # a still may be kept for a while
            add_never_cache_headers(answer)
        return answer

    @property
    def tenant(self) -> Tenant:
        """Whose page it is."""
        return self.membership.tenant

    @property
    def person(self) -> User:
        """Who looks at it."""
        return self.membership.user

    @property
    def author(self) -> audit.Author:
        """As whom the audit log knows the person."""
        return audit.author(self.request, AuditPlace.PORTAL)

    def record(self, subject: str, change: audit.Change) -> None:
        """Write the change down, before and after, as the person's; nothing where nothing changed.

        To be called in the transaction that makes the change, without secrets.
        """
        audit.record_change(self.author, subject, change, timezone.now(), self.tenant)

    def end_sessions(self, person: User) -> None:
        """Log the person out who may do less from now on; whoever does that to themselves stays here."""
        sessions.end(person, besides=self.request.session.session_key)

    def may(self, role: Role) -> bool:
        """Whether the person's role is that or a higher one."""
        return Role(self.membership.role).rank >= role.rank

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the frame of the page shows."""
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
    """The person's place in the tenant. Raises `Http404` where there is none."""
    found = Membership.objects.filter(user=user, tenant=tenant_id).select_related("tenant", "user").first()
    if found is None:
        raise Http404
    return found
