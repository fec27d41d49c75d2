"""`POST /v1/account/bucket/check`: whether the tenant's bucket can be used, and how to mend what cannot."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone, translation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit, bucket_check, networks
from accounts.bucket_check import BucketCheck
from accounts.models import AuditPlace, Scope
from videos.api.base import View


class BucketCheckView(View):
    """`POST /v1/account/bucket/check`."""

    scopes = {"POST": Scope.MANAGE}

    def post(self, request: Request) -> Response:
        address = networks.shown(request._request) or None
        by = audit.Author(None, AuditPlace.API, address, str(self.key))
        with translation.override("en"):  # the language of the API
            return Response(_shown(bucket_check.check(self.key.tenant, by, timezone.now())))


def _shown(check: BucketCheck) -> dict[str, Any]:
    return {
        "object": "bucket_check",
        "ok": check.ok,
        "checked_at": None if check.checked_at is None else int(check.checked_at.timestamp()),
        "bucket": check.bucket,
        "region": check.region,
        "findings": [asdict(found) for found in check.findings],
        "policies": {policy.name: policy.document for policy in check.policies},
    }
