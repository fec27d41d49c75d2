"""Faulty responses: one function for each script verb that changes a response."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from videos.sandbox.protocol import Action, ApiError, failure
from videos.sandbox.upstream import limit_error
from videos.sandbox.verbs import Behaviour

Answer = Mapping[str, Any]


def api_response(document: Answer) -> web.Response:
    """Return an envelope. The official client reads errors only if Content-Type has no charset."""
    return web.Response(body=json.dumps(document).encode(), content_type="application/json")


async def spoil(request: web.Request, action: Action, behaviour: Behaviour, answer: Answer) -> web.Response:
    """Return the faulty response of the behaviour in place of `answer`."""
    return await _FAULTS[behaviour.verb](request, action, behaviour.arguments, answer)


def hang_up(request: web.Request) -> None:
    """Close the caller's connection; the handler's response is then discarded."""
    if request.transport is not None:
        request.transport.close()


async def _refuse(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    return api_response(failure(ApiError(arguments["code"], arguments["message"])))


async def _throttle(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    return api_response(failure(limit_error(action)))


async def _drop(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    hang_up(request)
    return web.Response()


async def _delay(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    await asyncio.sleep(arguments["seconds"])
    return api_response(answer)


async def _hang(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    await asyncio.sleep(arguments["seconds"])
    return await _drop(request, action, arguments, answer)


async def _http_status(
    request: web.Request, action: Action, arguments: Answer, answer: Answer
) -> web.Response:
    return web.Response(status=arguments["status"], text=arguments["body"], content_type="text/html")


async def _malformed(request: web.Request, action: Action, arguments: Answer, answer: Answer) -> web.Response:
    return web.Response(body=b'{"Response": {"TaskId": "4-Aigc', content_type="application/json")


_FAULTS: dict[str, Callable[[web.Request, Action, Answer, Answer], Awaitable[web.Response]]] = {
    "refuse": _refuse,
    "throttle": _throttle,
    "drop_before": _drop,
    "drop_after_accept": _drop,
    "delay": _delay,
    "hang": _hang,
    "http_status": _http_status,
    "malformed": _malformed,
}
