"""The page on which staff check a tenant's bucket."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from accounts import audit, bucket_check
from accounts.bucket_check import BucketCheck, NoBucket, TooManyChecks
from accounts.models import AuditPlace, CosBucket, Tenant


def check_page(request: HttpRequest, tenant: Tenant, site: AdminSite) -> HttpResponse:
    """The bucket with the policies that it needs, and the result of a check after a POST."""
    check = _checked(request, tenant) if request.method == "POST" else None
    own = CosBucket.objects.defer("secret_key").filter(tenant=tenant).exclude(bucket="").first()
    context = {
        "title": gettext("The bucket of %(tenant)s") % {"tenant": tenant},
        "tenant": tenant,
        "bucket": own,
        "check": check,
        "policies": bucket_check.policies(own) if own else (),
    }
    return TemplateResponse(
        request, "admin/accounts/tenant/bucket.html", {**site.each_context(request), **context}
    )


def _checked(request: HttpRequest, tenant: Tenant) -> BucketCheck | None:
    try:
        return bucket_check.check(tenant, audit.author(request, AuditPlace.CONSOLE), timezone.now())
    except NoBucket:
        return None
    except TooManyChecks:
        messages.error(request, gettext("The bucket was checked too often. Try again in a minute."))
        return None
