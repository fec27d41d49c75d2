"""The HTTP server: the API 3.0 endpoint, result files, sample pictures and the control API."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from videos.sandbox import control
from videos.sandbox.accounts import Accounts
from videos.sandbox.answers import api_response, spoil
from videos.sandbox.options import Options
from videos.sandbox.production import Production
from videos.sandbox.protocol import (
    CREATE,
    LIST,
    ApiError,
    authenticate,
    claimed_secret_id,
    failure,
    parse_body,
    require_action,
    success,
)
from videos.sandbox.results import ResultLinks
from videos.sandbox.tasks import GenerationTimes, View
from videos.sandbox.upstream import REPORTS, Call, Instant, SandboxUpstream
from videos.sandbox.verbs import Behaviour

LARGEST_BODY = 10 * 1024 * 1024  # bytes
SAMPLE_PICTURES = Path(__file__).parent / "images"


class Server:
    """One sandbox: upstream's state, background rendering and routes."""

    def __init__(self, options: Options, production: Production) -> None:
        times = GenerationTimes(options.generation_seconds, options.generation_sigma, options.seed)
        self._production = production
        self.upstream = SandboxUpstream(times, Accounts(options.keys, options.vod_concurrency))
        self._links = ResultLinks(self.upstream.tasks, life=options.link_life, public_url=options.public_url)

    def application(self) -> web.Application:
        """Return the aiohttp application, which closes the production on shutdown."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/", self._api)
        app.router.add_get("/results/{task_id}.mp4", self._links.serve)
        app.router.add_get("/buckets/{path:.+}", self._links.serve_bucket)
        app.router.add_static("/images", SAMPLE_PICTURES)
        app.add_routes(control.routes(self.upstream, self._production))
        app.on_shutdown.append(self._close)
        return app

    async def _api(self, request: web.Request) -> web.StreamResponse:
        arrived = Instant(time.time(), time.monotonic())
        try:
            return await self._answer(request, await self._call(request, arrived))
        except ApiError as error:
            action, secret_id = request.headers.get("X-TC-Action", ""), claimed_secret_id(request.headers)
            self.upstream.note(arrived, action, error.code, secret_id, refused=True)
            return api_response(failure(error))

    async def _call(self, request: web.Request, arrived: Instant) -> Call:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise ApiError("RequestSizeLimitExceeded", "The request is larger than 10 MB.") from None
        secret_id = authenticate(request.headers, body, self.upstream.accounts.keys, now=arrived.unix)
        action = require_action(request.headers)
        return Call(action, secret_id, parse_body(request.headers["Content-Type"], body), arrived)

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        self.upstream.check_limit(call)
        behaviours = self.upstream.behaviours(call)
        instead, spoilt = _first(behaviours, "instead"), _first(behaviours, "answer")
        if instead:
            return await self._answer_instead(request, call, instead)
        self.upstream.count(call)
        answer = success(self._act(request, call, behaviours))
        self._note(call, spoilt.verb if spoilt else "accepted" if call.action.name == CREATE else "answered")
        return await spoil(request, call.action, spoilt, answer) if spoilt else api_response(answer)

    async def _answer_instead(self, request: web.Request, call: Call, behaviour: Behaviour) -> web.Response:
        if behaviour.verb == "refuse":  # comes from behind the gateway, so it counts
            self.upstream.count(call)
        self._note(call, behaviour.arguments.get("code", behaviour.verb), refused=True)
        return await spoil(request, call.action, behaviour, {})

    def _act(self, request: web.Request, call: Call, behaviours: list[Behaviour]) -> Mapping[str, Any]:
        shaping = [behaviour for behaviour in behaviours if behaviour.kind == "task"]
        if call.action.name == CREATE:
            task = self.upstream.create(call, shaping)
            self._production.begin(task)
            return {"TaskId": task.task_id}
        if call.action.name == LIST:
            return self.upstream.list_tasks(call, shaping)
        view = self.upstream.describe(call, shaping)
        return REPORTS[call.action.product](self._linked(view, str(request.url.origin())))

    def _linked(self, view: View, origin: str) -> View:
        task = view.task
        if not view.has_succeeded or task.withhold_url():
            return view
        return replace(view, url=self._links.link(task, origin), url_expires_at=self._links.expires_at(task))

    def _note(self, call: Call, word: str, *, refused: bool = False) -> None:
        self.upstream.note(call.arrived, call.action.name, word, call.secret_id, refused=refused)

    async def _close(self, _app: web.Application) -> None:
        await self._production.close()


def _first(behaviours: list[Behaviour], kind: str) -> Behaviour | None:
    return next((behaviour for behaviour in behaviours if behaviour.kind == kind), None)
