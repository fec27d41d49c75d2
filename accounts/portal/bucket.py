"""The tenant's own bucket for finished videos; owners edit it, the other members see it."""

from typing import ClassVar

import structlog
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, bucket_check
from accounts.bucket_check import BucketCheck, NoBucket, TooManyChecks
from accounts.models import CosBucket, Role, Tenant
from accounts.pages import kept_checks
from accounts.pages.bucket_forms import OwnBucketForm
from accounts.portal.base import TenantPage

log = structlog.get_logger(__name__)

RECORDED = ("bucket", "region", "path_prefix", "role_arn", "keep_copy")
"""The columns that the audit log records."""
_ANOTHER_KEY = {"key pair": "changed"}
_EXAMPLE_TASK = "task_0190c2f4a6b87c3d9e5f0a1b2c3d4e5f"
_EXAMPLE_MODEL = "Kling-3.0-720p"


class _Page(TenantPage):
    """The base of the pages about the bucket."""

    section = "bucket"
    template_name = "portal/bucket.html"

    def bucket(self) -> CosBucket | None:
        """The tenant's bucket without its secret key; None if it is not set."""
        return CosBucket.objects.defer("secret_key").filter(tenant=self.tenant).first()

    def record_bucket(self, change: audit.Change) -> None:
        """Record the change; `change` says of the key pair only that it changed."""
        self.record(audit.About.BUCKET.named(self.tenant), change)

    def changed(self, event: str, message: str) -> HttpResponse:
        """Log the event, show the message, and redirect to the bucket's page."""
        log.info(event, tenant=str(self.tenant.pk), person=self.person.get_username())
        messages.success(self.request, message)
        return HttpResponseRedirect(reverse("account:bucket", args=[self.tenant.pk]))

    def shown(
        self,
        bucket: CosBucket | None,
        form: OwnBucketForm | None,
        check: BucketCheck | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The bucket's page, with the result of a check if there is one."""
        is_set = bucket is not None and bucket.bucket != ""
        today = self.tenant.day_of(timezone.now())
        folder = bucket.destination(_EXAMPLE_TASK, _EXAMPLE_MODEL, today) if bucket else None
        context = self.get_context_data(
            bucket=bucket if is_set else None,
            form=form,
            folder=folder,
            example_model=_EXAMPLE_MODEL,
            policies=bucket_check.policies(bucket) if bucket and is_set else (),
            check=check,
            kept_days=self.tenant.retention_days or settings.RESULT_RETENTION_DAYS,
        )
        return self.render_to_response(context, status=status)

    def own_form(self, bucket: CosBucket | None) -> OwnBucketForm | None:
        """The form, for owners."""
        own = bucket or CosBucket(tenant=self.tenant)
        return OwnBucketForm(instance=own) if self.may(Role.OWNER) else None


class BucketPage(_Page):
    """Shows the bucket, with a form for owners."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER, "POST": Role.OWNER}

    def get(self, request: HttpRequest) -> HttpResponse:
        bucket = self.bucket()
        check = kept_checks.kept(self.person, bucket, request.GET, timezone.now())
        return self.shown(bucket, self.own_form(bucket), check)

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            Tenant.objects.locked(self.tenant.pk)  # serialises concurrent changes
            bucket = self.bucket()
            before = audit.values(bucket, RECORDED)
            form = OwnBucketForm(request.POST, instance=bucket or CosBucket(tenant=self.tenant))
            if form.is_valid():
                self._save(form, before)
        if not form.is_valid():
            return self.shown(self.bucket(), form)
        return self.changed("a bucket was set", _("Saved. New videos go to this bucket."))

    def _save(self, form: OwnBucketForm, before: audit.Values) -> None:
        form.instance.save(update_fields=form.written() if before else None)
        was, now = audit.differences(before, audit.values(form.instance, RECORDED))
        self.record_bucket((was, now | (_ANOTHER_KEY if "secret_key" in form.written() else {})))


class CheckBucketPage(_Page):
    """Checks the bucket, and leads to the bucket's page, which shows what was found."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER, "POST": Role.OWNER}

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("account:bucket", args=[self.tenant.pk]))

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            check = bucket_check.check(self.tenant, self.author, timezone.now())
        except NoBucket:
            return self.get(request)
        except TooManyChecks:
            messages.error(request, _("The bucket was checked too often. Try again in a minute."))
            bucket = self.bucket()
            return self.shown(bucket, self.own_form(bucket), status=429)
        log.info("a bucket was checked", tenant=str(self.tenant.pk), ok=check.ok)
        page = reverse("account:bucket", args=[self.tenant.pk])
        return HttpResponseRedirect(f"{page}{kept_checks.keep(self.person, check)}#check")


class RemoveBucketPage(_Page):
    """Removes the bucket from the settings; its contents stay."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.OWNER, "POST": Role.OWNER}
    template_name = "portal/bucket_remove.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        bucket = self.bucket()
        if bucket is None:
            return HttpResponseRedirect(reverse("account:bucket", args=[self.tenant.pk]))
        return self.render_to_response(self.get_context_data(bucket=bucket))

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            Tenant.objects.locked(self.tenant.pk)
            before = audit.values(self.bucket(), RECORDED)
            CosBucket.objects.filter(tenant=self.tenant).delete()
            self.record_bucket((before, {}))
        return self.changed("a bucket was removed", _("The bucket was removed from the settings."))
