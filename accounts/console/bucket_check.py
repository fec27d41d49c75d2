"""The page on which staff check a tenant's bucket."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts import audit, bucket_check
from accounts.bucket_check import NoBucket, TooManyChecks
from accounts.console.reasons import person
from accounts.console.tenant_pages import tenant_page
from accounts.models import AuditPlace, CosBucket, Tenant
from accounts.pages import kept_checks


def check_page(request: HttpRequest, tenant: Tenant, site: AdminSite) -> HttpResponse:
    """The bucket with the policies that it needs, and the result of a check; a POST checks it."""
    if request.method == "POST":
        page = reverse("admin:accounts_tenant_bucket", args=[tenant.pk])
        return HttpResponseRedirect(page + _checked(request, tenant))
    own = CosBucket.objects.defer("secret_key").filter(tenant=tenant).exclude(bucket="").first()
    return tenant_page(
        request,
        site,
        "admin/accounts/tenant/bucket.html",
        tenant,
        title=gettext("The bucket of %(tenant)s") % {"tenant": tenant},
        bucket=own,
        check=kept_checks.kept(person(request), own, request.GET, timezone.now()),
        policies=bucket_check.policies(own) if own else (),
    )


def _checked(request: HttpRequest, tenant: Tenant) -> str:
    """Check the bucket; returns the query of the page that shows what was found."""
    try:
        check = bucket_check.check(tenant, audit.author(request, AuditPlace.CONSOLE), timezone.now())
    except NoBucket:
        return ""
    except TooManyChecks:
        messages.error(request, gettext("The bucket was checked too often. Try again in a minute."))
        return ""
    return kept_checks.keep(person(request), check)
