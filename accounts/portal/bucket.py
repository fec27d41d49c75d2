"""The tenant's own bucket: where its finished videos go. Its owners set it, the others see it."""

from datetime import date
from typing import Any, ClassVar

import structlog
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import CosBucket, Role, Tenant
from accounts.pages.bucket_forms import OwnBucketForm
from accounts.portal.base import TenantPage

log = structlog.get_logger(__name__)

RECORDED = ("bucket", "region", "path_prefix")
"""What is kept on record of a bucket."""
_ANOTHER_KEY = {"key pair": "changed"}
_EXAMPLE_TASK = "task_0190c2f4a6b87c3d9e5f0a1b2c3d4e5f"
_EXAMPLE_MODEL = "Kling-3.0-720p"


class _OfBucket(TenantPage):
    """What the pages about the bucket have in common."""

    section = "bucket"

    def bucket(self) -> CosBucket | None:
        """The tenant's, without its secret key; None where it has none."""
        return CosBucket.objects.defer("secret_key").filter(tenant=self.tenant).first()

    def record_bucket(self, change: audit.Change) -> None:
        """Write down what changed; of its key pair only that it did."""
        self.record(f"COS bucket of {self.tenant}", change)

    def changed(self, event: str, message: str) -> HttpResponse:
        """Log who did it, say so, and go back to the page."""
        log.info(event, tenant=str(self.tenant.pk), person=self.person.get_username())
        messages.success(self.request, message)
        return HttpResponseRedirect(reverse("account:bucket", args=[self.tenant.pk]))


class BucketPage(_OfBucket):
    """The settings."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER, "POST": Role.OWNER}
    template_name = "portal/bucket.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with the bucket, and to owners with the form."""
        bucket = self.bucket()
        form = OwnBucketForm(instance=bucket or _none_yet(self.tenant)) if self.may(Role.OWNER) else None
        return self.render_to_response(self._shown(bucket, form))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Write what was changed; for videos made from now on."""
        with transaction.atomic():
            Tenant.objects.locked(self.tenant.pk)  # two owners at once
            bucket = self.bucket()
            before = audit.values(bucket, RECORDED)
            form = OwnBucketForm(request.POST, instance=bucket or _none_yet(self.tenant))
            if form.is_valid():
                self._save(form, before)
        if not form.is_valid():
            return self.render_to_response(self._shown(self.bucket(), form))
        return self.changed("a bucket was set", _("Saved. Videos made from now on go to this bucket."))

    def _save(self, form: OwnBucketForm, before: audit.Values) -> None:
        form.instance.save(update_fields=form.written() if before else None)
        was, now = audit.differences(before, audit.values(form.instance, RECORDED))
        self.record_bucket((was, now | (_ANOTHER_KEY if "secret_key" in form.written() else {})))

    def _shown(self, bucket: CosBucket | None, form: OwnBucketForm | None) -> dict[str, Any]:
        is_set = bucket is not None and bucket.bucket != ""
        folder = bucket.destination(_EXAMPLE_TASK, _EXAMPLE_MODEL, self._today()) if bucket else None
        return self.get_context_data(
            bucket=bucket if is_set else None, form=form, folder=folder, example_model=_EXAMPLE_MODEL
        )

    def _today(self) -> date:
        return self.tenant.day_of(timezone.now())


class RemoveBucketPage(_OfBucket):
    """Takes the bucket out of the settings; what is in it stays there."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.OWNER, "POST": Role.OWNER}
    template_name = "portal/bucket_remove.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask whether it is meant."""
        bucket = self.bucket()
        if bucket is None:
            return HttpResponseRedirect(reverse("account:bucket", args=[self.tenant.pk]))
        return self.render_to_response(self.get_context_data(bucket=bucket))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remove it, and its key pair."""
        with transaction.atomic():
            Tenant.objects.locked(self.tenant.pk)
            before = audit.values(self.bucket(), RECORDED)
            CosBucket.objects.filter(tenant=self.tenant).delete()
            self.record_bucket((before, {}))
        return self.changed("a bucket was removed", _("The bucket was removed from the settings."))


def _none_yet(tenant: Tenant) -> CosBucket:
    return CosBucket(tenant=tenant)
