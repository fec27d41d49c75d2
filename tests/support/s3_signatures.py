"""Checks signatures of S3 and COS as the servers do, from the documents and apart from our own code."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

SKEW = timedelta(minutes=15)
ALL = frozenset({"read", "write", "list", "delete"})


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail


@dataclass
class Key:
    """A key pair and what it may do; `token` makes it a temporary one."""

    secret: str
    token: str = ""
    rights: frozenset[str] = ALL
    token_expired: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked. Header names are in lower case, path and query decoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """The parts of a signature that both kinds have."""

    key_id: str
    token: str
    signature: str
    compute: Callable[[str], str]
    """Of the secret."""
    text: str
    """What was signed, which S3 repeats in its error."""


def check(request: Request, keys: Mapping[str, Key], region: str, now: datetime) -> Key:
    """The key that signed the request, or `Refused`."""
    signed = _signed(request, region, now)
    key = keys.get(signed.key_id)
    if key is None:
        raise Refused(403, "InvalidAccessKeyId")
    if signed.token != key.token:
        raise Refused(400, "InvalidToken")
    if key.token_expired:
        raise Refused(400, "ExpiredToken")
    if not hmac.compare_digest(signed.compute(key.secret), signed.signature):
        raise Refused(403, "SignatureDoesNotMatch", signed.text)
    return key


def _signed(request: Request, region: str, now: datetime) -> Signed:
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256 "):
        return _sigv4_in_header(request, authorization, region, now)
    if request.query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
        return _sigv4_in_query(request, region, now)
    if authorization.startswith("q-sign-algorithm=sha1&"):
        token = request.headers.get("x-cos-security-token", "")
        return _cos(request, dict(pair.split("=", 1) for pair in authorization.split("&")), token, now)
    if request.query.get("q-sign-algorithm") == "sha1":
        return _cos(request, request.query, request.query.get("x-cos-security-token", ""), now)
    raise Refused(403, "AccessDenied")


def _sigv4_in_header(request: Request, authorization: str, region: str, now: datetime) -> Signed:
    fields = dict(part.strip().split("=", 1) for part in authorization.split(" ", 1)[1].split(","))
    sent = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(sent - now) > SKEW:
        raise Refused(403, "RequestTimeTooSkewed")
    payload = request.headers["x-amz-content-sha256"]
    if payload.startswith("STREAMING-"):
        raise Refused(501, "NotImplemented")
    if payload != "UNSIGNED-PAYLOAD" and payload != hashlib.sha256(request.body).hexdigest():
        raise Refused(400, "XAmzContentSHA256Mismatch")
    token = request.headers.get("x-amz-security-token", "")
    names = fields["SignedHeaders"].split(";")
    _must_be_signed(names, {name for name in request.headers if name.startswith("x-amz-")} | {"host"})
    return _sigv4(request, request.query, fields, names, payload, (region, sent, token))


def _sigv4_in_query(request: Request, region: str, now: datetime) -> Signed:
    fields = {name.removeprefix("X-Amz-"): value for name, value in request.query.items()}
    signed_at = datetime.strptime(fields["Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if signed_at - SKEW > now or now > signed_at + timedelta(seconds=int(fields["Expires"])):
        raise Refused(403, "AccessDenied", "Request has expired")
    names = fields["SignedHeaders"].split(";")
    _must_be_signed(names, {"host"})
    query = {name: value for name, value in request.query.items() if name != "X-Amz-Signature"}
    token = fields.get("Security-Token", "")
    return _sigv4(request, query, fields, names, "UNSIGNED-PAYLOAD", (region, signed_at, token))


def _must_be_signed(names: list[str], needed: set[str]) -> None:
    if missing := needed - set(names):
        raise Refused(403, "AccessDenied", f"There were headers that were not signed: {missing}")


def _sigv4(
    request: Request,
    query: Mapping[str, str],
    fields: Mapping[str, str],
    names: list[str],
    payload: str,
    about: tuple[str, datetime, str],
) -> Signed:
    region, moment, token = about
    key_id, scope = fields["Credential"].split("/", 1)
    if scope != f"{moment:%Y%m%d}/{region}/s3/aws4_request":
        raise Refused(400, "AuthorizationHeaderMalformed", f"expecting '{region}'")
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query.items())
    lines = [
        request.method,
        quote(request.path, safe="/"),
        "&".join(f"{name}={value}" for name, value in pairs),
    ]
    lines += [f"{name}:{' '.join(request.headers[name].split())}" for name in names]
    canonical = "\n".join([*lines, "", ";".join(names), payload])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment:%Y%m%dT%H%M%SZ}\n{scope}\n{digest}"

    def compute(secret: str) -> str:
        key = f"AWS4{secret}".encode()
        for step in scope.split("/"):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    return Signed(key_id, token, fields["Signature"], compute, canonical)


def _cos(request: Request, fields: Mapping[str, str], token: str, now: datetime) -> Signed:
    begin, end = (int(moment) for moment in fields["q-sign-time"].split(";"))
    if not begin <= now.timestamp() <= end:
        raise Refused(403, "AccessDenied", "Request has expired")
    headers = _chosen(request.headers, fields["q-header-list"])
    parameters = _chosen(request.query, fields["q-url-param-list"])
    own = {"x-cos-security-token"}
    unsigned = {n.lower() for n in request.query if not n.startswith("q-")} - own - set(parameters)
    if unsigned or "host" not in headers:
        raise Refused(403, "AccessDenied", f"unsigned: {unsigned}")
    http = [request.method.lower(), request.path, _joined(parameters), _joined(headers), ""]
    digest = hashlib.sha1("\n".join(http).encode()).hexdigest()  # noqa: S324 - as COS prescribes
    text = f"sha1\n{fields['q-sign-time']}\n{digest}\n"

    def compute(secret: str) -> str:
        key = hmac.new(secret.encode(), fields["q-key-time"].encode(), hashlib.sha1).hexdigest()
        return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()

    return Signed(fields["q-ak"], token, fields["q-signature"], compute, "\n".join(http))


def _chosen(given: Mapping[str, str], names: str) -> dict[str, str]:
    """Those that the list names, which is of encoded names in lower case."""
    encoded = {quote(name, safe="").lower(): value for name, value in given.items()}
    wanted = [name for name in names.split(";") if name]
    if missing := [name for name in wanted if name not in encoded]:
        raise Refused(403, "SignatureDoesNotMatch", f"missing: {missing}")
    return {name: quote(encoded[name], safe="") for name in wanted}


def _joined(pairs: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs.items()))
