"""The API 3.0 envelope and authentication. Pure: headers, body and clock are passed in."""

import hmac
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from videos.upstream.tencent.signing import Credential, authorization

MPS, VOD = "mps", "vod"
PRODUCTS = {"2019-06-12": MPS, "2018-07-17": VOD}
"""The product by X-TC-Version; it is the service in the scope of a signature, too."""
CREATE = "CreateAigcVideoTask"  # of both products
DESCRIBE = "DescribeAigcVideoTask"
DESCRIBE_DETAIL = "DescribeTaskDetail"
LIST = "DescribeTasks"


class Action(NamedTuple):
    """An action of a product."""

    product: str
    name: str


PER_SECOND = {
    Action(MPS, CREATE): 10,
    Action(MPS, DESCRIBE): 50,
    Action(VOD, CREATE): 20,
    Action(VOD, DESCRIBE_DETAIL): 100,
    Action(VOD, LIST): 100,
}
"""All actions, and how many calls of each an account may make in any second."""
SKEW_ALLOWED = 300  # seconds
NEEDED_HEADERS = ("Authorization", "Content-Type", "Host", "X-TC-Action", "X-TC-Timestamp", "X-TC-Version")
SIGNED_AT_LEAST = {"content-type", "host"}
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 "
    r"Credential=(?P<secret_id>[^/, ]+)/(?P<date>\d{4}-\d{2}-\d{2})/(?P<service>\w+)/tc3_request, ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class ApiError(Exception):
    """Upstream refuses the call with one of its error codes. Nothing was created."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def success(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap an action's result in the envelope."""
    return {"Response": {**answer, "RequestId": str(uuid.uuid4())}}


def failure(error: ApiError) -> dict[str, Any]:
    """Wrap an error in the envelope, which is sent with HTTP 200 too."""
    return success({"Error": {"Code": error.code, "Message": error.message}})


def authenticate(headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], *, now: float) -> str:
    """Return the SecretId that signed this call.

    `keys` maps SecretId to SecretKey, `now` is in Unix seconds. Raises `ApiError` with an `AuthFailure` code.
    """
    _require_headers(headers)
    claim = _read_authorization(headers["Authorization"], headers["X-TC-Version"])
    if claim["secret_id"] not in keys:
        raise ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    timestamp = _fresh_timestamp(headers["X-TC-Timestamp"], claim["date"], now)
    credential = Credential(claim["secret_id"], keys[claim["secret_id"]])
    expected = _signature(credential, claim, headers, body, timestamp)
    if not hmac.compare_digest(expected, claim["signature"]):
        raise ApiError("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
    return credential.secret_id


def claimed_secret_id(headers: Mapping[str, str]) -> str:
    """Return the SecretId that a call claims to come from, genuine or not; empty if it names none."""
    claim = _AUTHORIZATION.fullmatch(headers.get("Authorization", "").strip())
    return claim["secret_id"] if claim else ""


def require_action(headers: Mapping[str, str]) -> Action:
    """Return the requested action. Raises `ApiError` for an unknown version, or an action it lacks."""
    name, version = headers["X-TC-Action"], headers["X-TC-Version"]
    if version not in PRODUCTS:
        raise ApiError("NoSuchVersion", f"The version `{version}` does not exist.")
    action = Action(PRODUCTS[version], name)
    if action not in PER_SECOND:
        raise ApiError("InvalidAction", f"The action `{name}` does not exist.")
    return action


def parse_body(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the call's parameters. Raises `ApiError` unless the body is a JSON object."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError("UnsupportedProtocol", "Only application/json is supported.")
    try:
        payload = json.loads(body)
    except ValueError:
        raise ApiError("InvalidRequest", "The request body is not valid JSON.") from None
    if not isinstance(payload, dict):
        raise ApiError("InvalidRequest", "The request body is not a JSON object.")
    return payload


def _read_authorization(header: str, version: str) -> re.Match[str]:
    claim = _AUTHORIZATION.fullmatch(header.strip())
    if claim and _is_for(claim["service"], version) and {*claim["names"].split(";")} >= SIGNED_AT_LEAST:
        return claim
    raise ApiError("AuthFailure.InvalidAuthorization", "The Authorization header is not valid.")


def _is_for(service: str, version: str) -> bool:
    """Whether a signature for this service is good for the version; with an unknown one, any of ours is."""
    return service == PRODUCTS[version] if version in PRODUCTS else service in PRODUCTS.values()


def _require_headers(headers: Mapping[str, str]) -> None:
    missing = [name for name in NEEDED_HEADERS if not headers.get(name)]
    if missing:
        raise ApiError("AuthFailure.InvalidAuthorization", f"Missing header: {', '.join(missing)}.")


def _fresh_timestamp(text: str, scope_date: str, now: float) -> int:
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise ApiError("AuthFailure.InvalidAuthorization", "X-TC-Timestamp is not a number of seconds.")
    timestamp = int(text)
    date = datetime.fromtimestamp(timestamp, UTC).date().isoformat()
    if abs(now - timestamp) > SKEW_ALLOWED or date != scope_date:
        raise ApiError("AuthFailure.SignatureExpire", "The signature has expired or its date does not match.")
    return timestamp


def _signature(
    credential: Credential,
    claim: re.Match[str],
    headers: Mapping[str, str],
    body: bytes,
    timestamp: int,
) -> str:
    sent = {name.lower(): value for name, value in headers.items()}
    signed = {name: sent.get(name, "") for name in claim["names"].split(";")}
    hashed = UNSIGNED_PAYLOAD.encode() if headers.get("X-TC-Content-SHA256") == UNSIGNED_PAYLOAD else body
    header = authorization(
        credential, service=claim["service"], headers=signed, body=hashed, timestamp=timestamp
    )
    return header.rpartition("Signature=")[2]
