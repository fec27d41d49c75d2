"""Checks that a tenant's bucket can be used: by the platform to read videos, by upstream to write them."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts import audit, bucket_access, bucket_findings, bucket_policies, buckets
from accounts.api.throttles import Buckets
from accounts.bucket_findings import Finding
from accounts.encryption import UndecryptableError
from accounts.models import CosBucket, Tenant
from accounts.quotas.limits import Kind, LimitReached
from config.stores import preflight
from config.stores.base import Store, StoreError, Unreachable

log = structlog.get_logger(__name__)

Evidence = Callable[[UUID, str, str], bool]
"""Whether upstream has put a video of the tenant into that bucket of that region."""
CHECKS_PER_MINUTE = 10
"""Of one tenant, in each process."""
SECONDS = 6.0
"""How long a check may wait for the bucket: less than a request of the API may take."""
_FOLDER, _MODEL = "reelay-check", "model"
_CHECKED = ("bucket", "region", "path_prefix", "secret_id", "secret_key", "role_arn")
"""The columns that a check depends on; a trigger clears `checked_at` when one changes."""
_LIMIT = Buckets()
_Result = TypeVar("_Result")


class NoBucket(Exception):
    """The tenant has no bucket of its own."""

    def __init__(self) -> None:
        super().__init__("No bucket is set for this account")


class TooManyChecks(Exception):
    """The tenant's bucket was checked too often; `refusal` says when it may be checked again."""

    def __init__(self, wait: float, now: datetime) -> None:
        """`wait` is in seconds."""
        most, retry_at = CHECKS_PER_MINUTE, now + timedelta(seconds=wait)
        message = f"The limit of {most} checks of the bucket per minute is reached"
        super().__init__(message)
        self.refusal = LimitReached(Kind.RATE, "bucket_checks_per_minute", most, most, message, retry_at)


@dataclass(frozen=True)
class Policy:
    """A policy to paste at the provider."""

    name: str
    title: Promise
    where: Promise
    document: dict[str, Any]

    @property
    def text(self) -> str:
        return bucket_policies.written(self.document)


@dataclass(frozen=True)
class BucketCheck:
    """The result of a check; `checked_at` is when one last succeeded with these settings."""

    bucket: str
    region: str
    findings: tuple[Finding, ...]
    policies: tuple[Policy, ...]
    checked_at: datetime | None

    @property
    def ok(self) -> bool:
        """Whether all that can be seen is good."""
        return _is_good(self.findings)


def check(tenant: Tenant, by: audit.Author, now: datetime) -> BucketCheck:
    """Check the tenant's bucket, mark it if all is good, and record the check.

    Call it outside of transactions: it waits for the bucket. Raises `NoBucket` and `TooManyChecks`.
    """
    own = CosBucket.objects.defer("secret_key").filter(tenant=tenant).first()
    if own is None or not own.bucket:
        raise NoBucket
    if wait := _LIMIT.take(tenant.pk.int, CHECKS_PER_MINUTE):
        raise TooManyChecks(wait, now)
    findings = (*_tried(own, tenant, now), bucket_findings.of_grant(is_proven=_is_proven(own)))
    checked_at = _recorded(own, findings, by, now)
    return BucketCheck(own.bucket, own.region, findings, policies(own), checked_at)


def policies(own: CosBucket) -> tuple[Policy, ...]:
    """The policies that the bucket needs, for the key pair or role and for upstream."""
    place = bucket_policies.Place(own.bucket, own.region, buckets.begin(own.path_prefix, own.tenant_id))
    return (
        Policy(
            "access",
            _("Policy for access"),
            _(
                "For the user whose key pair is set, or for the role: read, write, list and delete in the"
                " folder."
            ),
            bucket_policies.for_access(place),
        ),
        Policy(
            "upstream",
            _("Policy for the provider"),
            _("For the bucket itself: the provider's service may write videos into the folder."),
            bucket_policies.for_upstream(place, settings.UPSTREAM_UIN),
        ),
    )


def _is_good(findings: tuple[Finding, ...]) -> bool:
    return all(found.ok or found.step == bucket_findings.GRANT for found in findings)


def _tried(own: CosBucket, tenant: Tenant, now: datetime) -> Iterator[Finding]:
    """Findings about the credentials and each step of the preflight."""
    deadline = time.monotonic() + SECONDS
    credentials, store = _opened(own, deadline)
    yield credentials
    destination = own.destination(_FOLDER, _MODEL, tenant.day_of(now))
    folder = destination.path if destination else _FOLDER
    steps = _preflight(store, folder, deadline) if store else _untried(preflight.Step)
    for step in steps:
        if step.error:
            reason = {"step": step.step, "reason": str(step.error)}
            log.info("a check of a bucket failed", tenant=str(tenant.pk), **reason)
        values = {"bucket": own.bucket, "region": own.region, "folder": f"{folder}/"}
        yield bucket_findings.of_step(step, values)


def _opened(own: CosBucket, deadline: float) -> tuple[Finding, Store | None]:
    """The finding about the credentials, and the bucket if they can be used."""
    try:
        has_pair = bool(own.secret_id and own.secret_key)  # read here, as threads have no connection
        store = _by(deadline, lambda: bucket_access.opened(own, own.bucket, own.region))
    except UndecryptableError:
        return bucket_findings.of_credentials("undecryptable", ok=False), None
    except StoreError as error:
        log.info("a role was not assumed", tenant=str(own.tenant_id), reason=str(error))
        return bucket_findings.of_role(error, own.role_arn), None
    if store is None:
        return bucket_findings.of_credentials("no_credentials", ok=False), None
    return bucket_findings.of_credentials("key_pair" if has_pair else "role", ok=True), store


def _preflight(store: Store, folder: str, deadline: float) -> list[preflight.Finding]:
    try:
        return _by(deadline, lambda: preflight.preflight(store, folder))
    except Unreachable as error:
        first, *others = preflight.Step
        return [preflight.Finding(first, error), *_untried(others)]


def _untried(steps: Iterable[preflight.Step]) -> list[preflight.Finding]:
    return [preflight.Finding(step, was_tried=False) for step in steps]


def _by(deadline: float, work: Callable[[], _Result]) -> _Result:
    """Run it in a thread of its own, which ends by the store's timeouts.

    Raises `Unreachable` if it takes until the deadline, of `time.monotonic`.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="bucket-check")
    try:
        return thread.submit(work).result(deadline - time.monotonic())
    except TimeoutError as error:
        raise Unreachable(f"no answer within {SECONDS:g} s") from error
    finally:
        thread.shutdown(wait=False)


def _is_proven(own: CosBucket) -> bool:
    has_video: Evidence = import_string(settings.BUCKET_EVIDENCE)
    return has_video(own.tenant_id, own.bucket, own.region)


def _recorded(
    own: CosBucket, findings: tuple[Finding, ...], by: audit.Author, now: datetime
) -> datetime | None:
    """Mark a good bucket unless it was changed meanwhile; returns `checked_at`."""
    failed = [f"{found.step}: {found.code}" for found in findings if found.ok is False]
    with transaction.atomic():
        tenant = Tenant.objects.locked(own.tenant_id)  # as all changes of the bucket do
        rows = CosBucket.objects.filter(tenant=tenant)
        is_marked = (
            _is_good(findings) and _is_unchanged(own, rows.first()) and rows.update(checked_at=now) == 1
        )
        after = {"check": "failed", "steps": failed} if failed else {"check": "passed"}
        audit.record(by, audit.About.BUCKET.named(tenant), "", {}, after, now, tenant)
    return now if is_marked else own.checked_at


def _is_unchanged(one: CosBucket, other: CosBucket | None) -> bool:
    return other is not None and all(getattr(one, name) == getattr(other, name) for name in _CHECKED)
