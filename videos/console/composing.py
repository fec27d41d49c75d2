"""Creating a task for any tenant, with the same form as the portal's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import APIKey, Purpose, Tenant
from videos.composer.pages import Composer, Judged
from videos.composer.rerun import body_again
from videos.console.account_health import why_untaken
from videos.models import Task, UpstreamAccount
from videos.requests.values import without_unstorable
from videos.routing.availability import accounts_for

MOST_NAMES = 20
"""Tenant names suggested while typing."""


@dataclass(frozen=True)
class Request:
    """What staff filled in: the tenant and the video form."""

    tenant: Tenant | None
    tenant_name: str
    composer: Composer

    @classmethod
    def fresh(cls, request: HttpRequest) -> "Request":
        """A new form; `from` copies a task. Without it, `tenant` or the only tenant there is is preset."""
        may_look = request.user.has_perm("videos.view_task")
        task = _task(request.GET.get("from", "")) if may_look else None
        tenant = task.tenant if task else _tenant(request.GET.get("tenant", ""))
        body = body_again(task) if task else {}
        composer = Composer.fresh(body, tenant, timezone.now(), tells_limits=may_see_limits(request))
        return cls(tenant, tenant.name if tenant else "", composer)

    @classmethod
    def sent(cls, request: HttpRequest) -> "Request":
        name = _typed(request.POST.get("tenant", ""))
        tenant = Tenant.objects.filter(name=name).first() if name else None
        seen = may_see_limits(request)
        return cls(tenant, name, Composer.sent(request, _key(tenant), timezone.now(), tells_limits=seen))

    def context(self, request: HttpRequest, judged: Judged) -> dict[str, Any]:
        context = self.composer.context(request, judged)
        model, is_taken = context["offer"].spec.name, context["untaken_notice"] is None
        return {
            **context,
            "idle_accounts": () if is_taken else _idle(model, self.tenant),
            "may_see_accounts": request.user.has_perm("videos.view_upstreamaccount"),
            "tenant_name": self.tenant_name,
            "names": names_like(""),
            "for_staff": True,
            "pictures_at": f"{request.path}pictures/{self.tenant.pk}/" if self.tenant else "",
        }


def may_see_limits(request: HttpRequest) -> bool:
    """Whether the member of staff may see the limits and balances of tenants."""
    return bool(request.user.has_perm("accounts.view_tenant"))


def names_like(text: str) -> list[str]:
    """The first `MOST_NAMES` tenant names that contain the text, in alphabetical order."""
    found = Tenant.objects.filter(name__icontains=_typed(text)).order_by("name")
    return list(found.values_list("name", flat=True)[:MOST_NAMES])


def _idle(model: str, tenant: Tenant | None) -> list[tuple[UpstreamAccount, str]]:
    """The accounts that the model's tasks go to, with why each takes none."""
    return [(account, why_untaken(account)) for account in accounts_for(model, tenant)]


def _typed(name: str) -> str:
    """The typed name without what PostgreSQL cannot store, such as NUL."""
    return str(without_unstorable(name)).strip()


def _key(tenant: Tenant | None) -> APIKey | None:
    return None if tenant is None else APIKey.objects.of_people(tenant, Purpose.CONSOLE)


def _task(public_id: str) -> Task | None:
    tasks = Task.objects.select_related("tenant").defer("payload", "fingerprint")
    try:
        return tasks.by_public_id(public_id)
    except Task.DoesNotExist:
        return None


def _tenant(asked: str) -> Tenant | None:
    """The tenant with this id, or the only one."""
    try:
        return Tenant.objects.get(pk=UUID(asked))
    except (ValueError, Tenant.DoesNotExist):
        tenants = Tenant.objects.order_by("pk")[:2]
        return tenants[0] if len(tenants) == 1 else None
