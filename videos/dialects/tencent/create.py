"""CreateAigcVideoTask: creates a video by the rules and verbs of the generic API."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.api import throttles
from videos import inputs
from videos.dialects.tencent import request
from videos.dialects.tencent.call import Call
from videos.dialects.tencent.codes import Code, Refused
from videos.models import Task
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import admission, creation, idempotency, lifecycle, orders
from videos.tasks.admission import Bucket, Caller
from videos.tasks.idempotency import Fingerprint

_HOW = "it is set up, and checked, on the page Bucket of the portal"


def create(call: Call) -> dict[str, Any]:
    """Create the task. Raises `Refused`, and the errors of `creation.create`."""
    translation = request.translate(call.payload)
    fingerprint = Fingerprint(idempotency.hash_of(translation.body))
    caller = Caller.of(call.key, call.now, fingerprint).seen(call.beside)
    _check_bucket(call.payload, admission.snapshot_in(caller).bucket)
    try:
        task = _created(caller, translation.body, call.payload)
    except InvalidRequestError as error:
        raise translation.refusal(error) from error
    throttles.forgive(call.key)  # the limit of tasks per minute counted it
    return {"TaskId": task.public_id}


def _created(caller: Caller, body: Mapping[str, Any], payload: Mapping[str, Any]) -> Task:
    """The new task, with its operator, and in the bucket that the request names."""
    checked = orders.check(body, caller, admission.snapshot_in(caller))
    inputs.check(checked.request)  # not in the transaction: it asks other servers
    with transaction.atomic():
        task = creation.create_checked(checked).task
        # The tenant's bucket may have changed since the check.
        _check_bucket(
            payload, Bucket(task.store_bucket, task.store_region, checked.snapshot.bucket.path_prefix)
        )
        if operator := payload.get("Operator"):
            lifecycle.record_event(task, Verb.OPERATOR, task.created_at, by=operator)
    return task


def _check_bucket(payload: Mapping[str, Any], bucket: Bucket) -> None:
    """A bucket that is named must be the tenant's, where videos go in any case. Raises `Refused`."""
    asked = payload.get("StoreCosParam")
    if asked is None:
        return
    if not bucket.name:
        raise Refused(Code.VALUE, f"StoreCosParam must name the tenant's own bucket: it has none yet; {_HOW}")
    if (asked["CosBucketName"], asked["CosBucketRegion"]) != (bucket.name, bucket.region):
        told = f"{bucket.name} in {bucket.region}"
        raise Refused(Code.VALUE, f"StoreCosParam must name the tenant's own bucket, {told}; {_HOW}")
    if asked.get("CosBucketPath", "").strip("/") not in ("", bucket.path_prefix):
        told = f"must be empty, or the folder of the tenant's bucket, {bucket.path_prefix or '/'}"
        raise Refused(Code.VALUE, f"StoreCosParam.CosBucketPath {told}; {_HOW}")
