"""The provider without a network: an HTTP transport over the sandbox's own objects, with a clock passed in.

It speaks both products. There are no rate limits: tests that need them start a sandbox.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.support.playable import TINY
from videos.sandbox.accounts import Accounts
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
from videos.sandbox.tasks import GenerationTimes, SandboxTask, View
from videos.sandbox.upstream import REPORTS, Call, Instant, SandboxUpstream

RESULTS = "https://1500000001.vod2.myqcloud.com"


class Provider(httpx.AsyncBaseTransport):
    """Answers each request at once; subclasses come between."""

    def __init__(
        self, keys: Mapping[str, str], times: GenerationTimes, clock: Callable[[], datetime], folder: Path
    ) -> None:
        self.upstream = SandboxUpstream(times, Accounts(keys, 1))
        self.skew = 0.0
        """Seconds by which its clock is ahead, as far as signatures go: those are made by the real clock."""
        self.lists_nothing = False
        """Whether the list of tasks is behind, and shows none."""
        self._clock = clock
        self._file = folder / "provider.mp4"
        self._file.write_bytes(TINY)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.respond(request)

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=TINY)
        now = self._clock().timestamp()
        arrived = Instant(now, now)
        try:
            return answered(success(self._act(self._call(request, arrived))))
        except ApiError as error:
            action, secret_id = request.headers["x-tc-action"], claimed_secret_id(request.headers)
            self.upstream.note(arrived, action, error.code, secret_id, refused=True)
            return answered(failure(error))

    def runs(self) -> list[SandboxTask]:
        """The tasks that were worked on, and so paid for."""
        return [task for task in self.upstream.tasks if not task.overflowed]

    def _call(self, request: httpx.Request, arrived: Instant) -> Call:
        keys, now = self.upstream.accounts.keys, time.time() + self.skew
        secret_id = authenticate(request.headers, request.content, keys, now=now)
        body = parse_body(request.headers["content-type"], request.content)
        return Call(require_action(request.headers), secret_id, body, arrived)

    def _act(self, call: Call) -> Mapping[str, Any]:
        behaviours = self.upstream.behaviours(call)
        for behaviour in behaviours:
            if behaviour.verb == "refuse":
                raise ApiError(behaviour.arguments["code"], behaviour.arguments["message"])
        answer = _ANSWERS.get(call.action.name, Provider._describe)(self, call, behaviours)
        self.upstream.note(call.arrived, call.action.name, "answered", call.secret_id, refused=False)
        return answer

    def _create(self, call: Call, behaviours: list[Any]) -> Mapping[str, Any]:
        task = self.upstream.create(call, behaviours)
        task.deliver(self._file, task.created_at)
        return {"TaskId": task.task_id}

    def _list(self, call: Call, behaviours: list[Any]) -> Mapping[str, Any]:
        answer = self.upstream.list_tasks(call, behaviours)
        return {"TaskSet": [], "ScrollToken": ""} if self.lists_nothing else answer

    def _describe(self, call: Call, behaviours: list[Any]) -> Mapping[str, Any]:
        view = self.upstream.describe(call, behaviours)
        return REPORTS[call.action.product](self._linked(view))

    def _linked(self, view: View) -> View:
        if not view.has_succeeded or view.task.withhold_url():
            return view
        return replace(view, url=f"{RESULTS}/{view.task.task_id}.mp4")


_ANSWERS: dict[str, Callable[[Provider, Call, list[Any]], Mapping[str, Any]]] = {
    CREATE: Provider._create,
    LIST: Provider._list,
}


def answered(document: Mapping[str, Any]) -> httpx.Response:
    """An answer of the API, whether good or bad."""
    return httpx.Response(200, json=document)
