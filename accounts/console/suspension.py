"""The page on which staff suspend a tenant, or make it active again."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.console.reasons import ReasonForm, record
from accounts.console.tenant_pages import tenant_page
from accounts.models import Tenant

SUSPEND, REACTIVATE = "suspend", "reactivate"


def suspension_page(request: HttpRequest, tenant: Tenant, site: AdminSite) -> HttpResponse:
    """What the change means, and a form for its reason. The form says which change its reader meant."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _change(request, tenant, form.cleaned_data["reason"], suspends=request.POST.get("change") == SUSPEND)
        return HttpResponseRedirect(reverse("admin:accounts_tenant_overview", args=[tenant.pk]))
    title = _("Reactivate %(tenant)s") if tenant.is_suspended else _("Suspend %(tenant)s")
    return tenant_page(
        request,
        site,
        "admin/accounts/tenant/suspension.html",
        tenant,
        title=title % {"tenant": tenant},
        form=form,
        change=REACTIVATE if tenant.is_suspended else SUSPEND,
    )


@transaction.atomic
def _change(request: HttpRequest, tenant: Tenant, reason: str, *, suspends: bool) -> None:
    """Suspend or reactivate the tenant, unless somebody else did so meanwhile."""
    current = Tenant.objects.locked(tenant.pk)
    if current.is_suspended == suspends:
        messages.info(request, _("Somebody else has already done this. Nothing was changed."))
        return
    before = audit.values(current, ("suspended_at",))
    current.suspended_at = timezone.now() if suspends else None
    current.save(update_fields=["suspended_at"])
    change = before, audit.values(current, ("suspended_at",))
    record(request, audit.subject_of(current), reason, change, current)
    messages.success(request, _("The tenant is suspended.") if suspends else _("The tenant is active again."))
