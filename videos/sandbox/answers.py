"""How an answer is spoilt on its way out: one function for each verb that does so."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from videos.sandbox.protocol import ApiError, failure
from videos.sandbox.scripts import Behaviour
from videos.sandbox.upstream import limit_error

Answer = Mapping[str, Any]


def api_response(document: Answer) -> web.Response:
    """Send an envelope. The official client reads errors only from a Content-Type without a charset."""
    return web.Response(body=json.dumps(document).encode(), content_type="application/json")


async def spoil(request: web.Request, action: str, behaviour: Behaviour, answer: Answer) -> web.Response:
    """Send what the behaviour says in place of `answer`."""
    return await _SPOILERS[behaviour.verb](request, action, behaviour.arguments, answer)


def hang_up(request: web.Request) -> None:
    """Close the caller's connection; whatever the handler returns then goes nowhere."""
    if request.transport is not None:
        request.transport.close()


async def _refuse(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    return api_response(failure(ApiError(arguments["code"], arguments["message"])))


async def _throttle(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    return api_response(failure(limit_error(action)))


async def _drop(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    hang_up(request)
    return web.Response()


async def _late(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    await asyncio.sleep(arguments["seconds"])
    return api_response(answer)


async def _hang(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    await asyncio.sleep(arguments["seconds"])
    return await _drop(request, action, arguments, answer)


async def _http_status(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    return web.Response(status=arguments["status"], text=arguments["body"], content_type="text/html")


async def _malformed(request: web.Request, action: str, arguments: Answer, answer: Answer) -> web.Response:
    return web.Response(body=b'{"Response": {"TaskId": "4-Aigc', content_type="application/json")


_SPOILERS: dict[str, Callable[[web.Request, str, Answer, Answer], Awaitable[web.Response]]] = {
    "refuse": _refuse,
    "throttle": _throttle,
    "drop_before": _drop,
    "drop_after_accept": _drop,
    "delay": _late,
    "hang": _hang,
    "http_status": _http_status,
    "malformed": _malformed,
}
