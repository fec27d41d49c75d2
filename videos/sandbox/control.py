"""The control API under `/_sandbox/`: adds scripts and shows the state. Unsigned JSON."""

import json
import time
from typing import Any

from aiohttp import web

from videos.sandbox.accounts import FIGURES
from videos.sandbox.production import Production
from videos.sandbox.protocol import CREATE, DESCRIBE, DESCRIBE_DETAIL, LIST
from videos.sandbox.scripts import parse_script
from videos.sandbox.tasks import SandboxTask
from videos.sandbox.upstream import SandboxUpstream
from videos.sandbox.verbs import ScriptError


def routes(upstream: SandboxUpstream, production: Production) -> list[web.RouteDef]:
    """Return the routes of the control API."""
    panel = _Panel(upstream, production)
    return [
        web.get("/_sandbox/healthz", panel.healthz),
        web.get("/_sandbox/state", panel.state),
        web.post("/_sandbox/scripts", panel.scripts),
        web.post("/_sandbox/finish", panel.finish),
        web.post("/_sandbox/keys", panel.keys),
        web.post("/_sandbox/concurrency", panel.concurrency),
        web.post("/_sandbox/reset", panel.reset),
    ]


class _Panel:
    def __init__(self, upstream: SandboxUpstream, production: Production) -> None:
        self._upstream, self._production = upstream, production

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def state(self, request: web.Request) -> web.Response:
        now = time.time()
        state = {**_counts(self._upstream), "accounts": _accounts(self._upstream, now)}
        if request.query.get("tasks") != "0":
            state["tasks"] = [_described(task, now) for task in self._upstream.tasks]
        if request.query.get("arrivals") != "0":
            state["arrivals"] = list(self._upstream.record.arrivals)
        return web.json_response(state)

    async def scripts(self, request: web.Request) -> web.Response:
        """Add one script or a list of them, all or none."""
        document = await _document(request)
        try:
            scripts = [
                parse_script(each) for each in (document if isinstance(document, list) else [document])
            ]
        except ScriptError as error:
            raise _bad_request(str(error)) from None
        for script in scripts:
            self._upstream.scripts.add(script)
        return web.json_response({"added": len(scripts), "waiting": len(self._upstream.scripts)})

    async def finish(self, request: web.Request) -> web.Response:
        """End the generation of one task or of all running ones."""
        document = await _document(request)
        wanted = document.get("task_id") if isinstance(document, dict) else None
        now = time.time()
        running = [task for task in self._upstream.tasks if not task.has_ended(now)]
        finished = [task for task in running if wanted in (None, task.task_id)]
        for task in finished:
            task.finish(now)
        return web.json_response({"finished": len(finished)})

    async def keys(self, request: web.Request) -> web.Response:
        """Set the secret keys of accounts, which are added if they are new."""
        document = await _document(request)
        if not isinstance(document, dict) or not all(
            _is_text(part) for pair in document.items() for part in pair
        ):
            raise _bad_request("the body maps each SecretId to its SecretKey")
        self._upstream.accounts.keys.update(document)
        return web.json_response({"accounts": list(self._upstream.accounts.keys)})

    async def concurrency(self, request: web.Request) -> web.Response:
        """Set how many VOD tasks an account may run at once, or without `secret_id` each of them."""
        document = await _document(request)
        given = {"secret_id": None, **document} if isinstance(document, dict) else {}
        if set(given) != {"limit", "secret_id"} or not _is_limit(given["limit"]):
            raise _bad_request("the body has `limit`, a number or null, and optionally `secret_id`")
        if given["secret_id"] is not None and not _is_text(given["secret_id"]):
            raise _bad_request("`secret_id` must be text")
        self._upstream.accounts.allow(given["limit"], given["secret_id"])
        return web.json_response({"status": "ok"})

    async def reset(self, request: web.Request) -> web.Response:
        self._production.stop()
        self._upstream.clear()
        return web.json_response({"status": "ok"})


def _counts(upstream: SandboxUpstream) -> dict[str, Any]:
    return {
        "creates": _outcomes(upstream, "accepted", CREATE),
        "describes": _outcomes(upstream, "answered", DESCRIBE, DESCRIBE_DETAIL),
        "lists": _outcomes(upstream, "answered", LIST),
        "refused_for_limits": upstream.record.refused_for_limits,
        "scripts_waiting": len(upstream.scripts),
    }


def _outcomes(upstream: SandboxUpstream, let_in: str, *actions: str) -> dict[str, int]:
    words = {let_in: "let in", "refused": "refused"}
    outcomes = upstream.record.outcomes
    return {name: sum(outcomes[action, word] for action in actions) for name, word in words.items()}


def _accounts(upstream: SandboxUpstream, now: float) -> dict[str, dict[str, int]]:
    figures = upstream.accounts.figures
    return {
        secret_id: {
            **{name: figures[secret_id][name] if secret_id in figures else 0 for name in FIGURES},
            "open": upstream.count_open(secret_id, now),
        }
        for secret_id in upstream.accounts.names()
    }


def _described(task: SandboxTask, now: float) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "product": task.owner.product,
        "secret_id": task.owner.secret_id,
        "sub_app_id": task.owner.sub_app_id,
        "session": task.session,
        "prompt": task.prompt,
        "payload": task.payload,
        "created_at": task.created_at,
        "done_at": task.ended_at if task.has_ended(now) else None,
        "status": task.status(now),
        "overflowed": task.overflowed,
        "describes": task.describes,
    }


async def _document(request: web.Request) -> Any:
    body = await request.read()
    try:
        return json.loads(body) if body.strip() else {}
    except ValueError:
        raise _bad_request("the body is not JSON") from None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_limit(value: object) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _bad_request(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": message}), content_type="application/json")
