"""The result of a check of a bucket, kept for the page that follows it."""

from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from accounts import bucket_check, once
from accounts.bucket_check import BucketCheck
from accounts.bucket_findings import Finding
from accounts.models import CosBucket, User

_KIND = "bucket check"
_QUERY = "checked"
"""The parameter with the check that the page shows."""


def keep(person: User, check: BucketCheck) -> str:
    """Keep the check; returns the query of the page that shows it to the person."""
    findings = [asdict(finding) for finding in check.findings]
    form_id = once.put(person, _KIND, bucket=check.bucket, region=check.region, findings=findings)
    return f"?{urlencode({_QUERY: form_id})}"


def kept(person: User, own: CosBucket | None, query: QueryDict, now: datetime) -> BucketCheck | None:
    """The check that the page is asked to show, if the person made it of this bucket some minutes ago."""
    form_id = once.form_id_in(query, _QUERY)
    found = once.result_of(person, form_id, _KIND, now)
    if not found or own is None or (found["bucket"], found["region"]) != (own.bucket, own.region):
        return None
    findings = tuple(Finding(**finding) for finding in found["findings"])
    return BucketCheck(own.bucket, own.region, findings, bucket_check.policies(own), own.checked_at)
