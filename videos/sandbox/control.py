"""The control API under `/_sandbox/`: adds scripts and shows the state. Unsigned JSON."""

import json
import math
import time
from typing import Any

from aiohttp import web

from videos.sandbox.production import Production
from videos.sandbox.protocol import CREATE, DESCRIBE
from videos.sandbox.scripts import ScriptError, parse_script
from videos.sandbox.tasks import SandboxTask
from videos.sandbox.upstream import SandboxUpstream


def routes(upstream: SandboxUpstream, production: Production) -> list[web.RouteDef]:
    """Return the routes of the control API."""
    panel = _Panel(upstream, production)
    return [
        web.get("/_sandbox/healthz", panel.healthz),
        web.get("/_sandbox/state", panel.state),
        web.post("/_sandbox/scripts", panel.scripts),
        web.post("/_sandbox/finish", panel.finish),
        web.post("/_sandbox/reset", panel.reset),
    ]


class _Panel:
    def __init__(self, upstream: SandboxUpstream, production: Production) -> None:
        self._upstream, self._production = upstream, production

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def state(self, request: web.Request) -> web.Response:
        state = _counts(self._upstream)
        if request.query.get("tasks") != "0":
            now = time.time()
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
        running = [task for task in self._upstream.tasks if task.status(now) not in ("DONE", "FAIL")]
        finished = [task for task in running if wanted in (None, task.task_id)]
        for task in finished:
            task.finish(now)
        return web.json_response({"finished": len(finished)})

    async def reset(self, request: web.Request) -> web.Response:
        self._production.stop()
        self._upstream.clear()
        return web.json_response({"status": "ok"})


def _counts(upstream: SandboxUpstream) -> dict[str, Any]:
    outcomes = upstream.record.outcomes
    return {
        "creates": {"accepted": outcomes[CREATE, "let in"], "refused": outcomes[CREATE, "refused"]},
        "describes": {"answered": outcomes[DESCRIBE, "let in"], "refused": outcomes[DESCRIBE, "refused"]},
        "refused_for_limits": upstream.record.refused_for_limits,
        "scripts_waiting": len(upstream.scripts),
    }


def _described(task: SandboxTask, now: float) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "secret_id": task.secret_id,
        "prompt": task.prompt,
        "payload": task.payload,
        "created_at": task.created_at,
        "done_at": task.ended_at if now >= task.ended_at and math.isfinite(task.ended_at) else None,
        "status": task.status(now),
        "describes": task.describes,
    }


async def _document(request: web.Request) -> Any:
    body = await request.read()
    try:
        return json.loads(body) if body.strip() else {}
    except ValueError:
        raise _bad_request("the body is not JSON") from None


def _bad_request(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": message}), content_type="application/json")
