"""The view of both actions: authenticates, counts, and calls the action."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts import networks
from accounts.api import throttles
from accounts.api.lookup import KEY_ALONE, Found, Wanted
from accounts.api.signed import find_signer
from accounts.models import APIKey, Scope
from config.middleware import request_id
from config.routes import ACTION_HEADER
from videos.dialects.tencent import answers, errors, fields, rate_limits
from videos.dialects.tencent.call import Call
from videos.dialects.tencent.codes import Code, Refused
from videos.dialects.tencent.create import create
from videos.dialects.tencent.describe import describe
from videos.requests.strict_json import MOST_VALUES, MalformedJSON, TooManyValues, loads
from videos.tasks import admission

VERSION = "2019-06-12"
_JSON = "application/json"
_SHOWN = 100
"""Characters of a client's value that a message shows."""


@dataclass(frozen=True)
class Action:
    """An action, and what it takes to call it."""

    name: str
    scope: str
    per_second: int
    """Calls that a tenant may make within any second."""
    wanted: Callable[[datetime], Wanted]
    """What is looked up with the key."""
    run: Callable[[Call], dict[str, Any]]


def _snapshot(now: datetime) -> Wanted:
    return admission.snapshot_lookup(now, [None])


ACTIONS = {
    action.name: action
    for action in (
        Action(fields.CREATE, Scope.WRITE, 10, _snapshot, create),
        Action(fields.DESCRIBE, Scope.READ, 50, lambda _: KEY_ALONE, describe),
    )
}


@csrf_exempt
def serve(request: HttpRequest) -> HttpResponse:
    """Answer a call with HTTP 200, whatever becomes of it; other exceptions are worded by the middleware."""
    try:
        return answers.success(_result(request, timezone.now()), request_id(request))
    except errors.EXPECTED as error:
        return answers.refused(errors.refusal_of(error), request_id(request))


def _result(request: HttpRequest, now: datetime) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    action = _action(request, headers)
    signer = find_signer(headers, lambda: request.body, now, action.wanted(now))
    _check_allowed(signer, action, request, now)
    payload = fields.check(action.name, _payload(request.body))
    return action.run(Call(signer.key, payload, now, request, signer.beside))


def _action(request: HttpRequest, headers: Mapping[str, str]) -> Action:
    """The action that is called. Raises `Refused`."""
    if request.method != "POST" or request.content_type != _JSON:
        raise Refused(Code.PROTOCOL, f"Only POST requests of {_JSON} are supported")
    for name in ("X-TC-Action", "X-TC-Version"):
        if not headers.get(name.lower()):
            raise Refused(Code.MISSING, f"The header {name} is required")
    name, version = headers[ACTION_HEADER], headers["x-tc-version"]
    if version != VERSION:
        raise Refused(Code.VERSION, f"The version {version[:_SHOWN]} does not exist; {VERSION} does")
    if name not in ACTIONS:
        raise Refused(Code.ACTION, f"The action {name[:_SHOWN]} does not exist; {' and '.join(ACTIONS)} do")
    if headers.get("x-tc-token"):
        raise Refused(Code.TOKEN, "X-TC-Token is not supported; there are no temporary credentials")
    return ACTIONS[name]


def _check_allowed(signer: Found, action: Action, request: HttpRequest, now: datetime) -> None:
    """Whether the key pair may call the action, from there and now; records its use. Raises `Refused`."""
    key, address = signer.key, networks.caller(request.META)
    if not key.allows_address(address):
        raise Refused(Code.ADDRESS, "This key pair may not be used from this address")
    key.record_use(now, address)
    if action.scope not in key.scopes:
        raise Refused(Code.SCOPE, f"This key pair lacks the scope {action.scope} for this action")
    _count(key, action)


def _count(key: APIKey, action: Action) -> None:
    if throttles.take(key) > 0:
        raise Refused(Code.RATE, "The limit of requests per minute of this key pair is reached")
    if not rate_limits.take(key.tenant_id, action.name, action.per_second):
        raise Refused(
            Code.RATE, f"{action.name} takes at most {action.per_second} calls a second of a tenant"
        )


def _payload(body: bytes) -> dict[str, Any]:
    """The parameters. Raises `Refused` unless they are a JSON object in UTF-8."""
    try:
        payload = loads(body.decode())
    except UnicodeDecodeError:
        raise Refused(Code.REQUEST, "The request body is not UTF-8") from None
    except TooManyValues as error:
        raise Refused(Code.REQUEST, f"The request body has more than {MOST_VALUES} values") from error
    except MalformedJSON as error:
        raise Refused(Code.REQUEST, f"The request body is not valid JSON: {error}") from error
    if not isinstance(payload, dict):
        raise Refused(Code.REQUEST, "The request body must be a JSON object")
    return payload
