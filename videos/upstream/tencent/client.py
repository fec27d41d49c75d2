"""Tencent Cloud API 3.0 over HTTP. All errors of libraries and of the API become `UpstreamError` here.

Errors arrive with HTTP 200 and an `Error.Code` in the response. Source: the facts, sections 8 and 9.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httpx

from videos.upstream.base import Connection, NotSent, OutcomeUnknown, Unavailable, UpstreamError
from videos.upstream.tencent import errors
from videos.upstream.tencent.signing import Credential, authorization
from videos.upstream.transport import pooled, single_use

CONTENT_TYPE = "application/json"
MOST_BYTES = 1024 * 1024
"""Of a decompressed response; real ones have a few KiB."""
CONNECT_SECONDS = 5.0
"""Without a connection by then, certainly nothing was sent."""

_CONNECTION_FAILED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the proxy opened no tunnel for the request
)
_NOT_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_FOREIGN = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)


class TencentClient:
    """Calls one product of Tencent Cloud with one account."""

    def __init__(
        self,
        connection: Connection,
        *,
        service: str,
        version: str,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` returns Unix seconds, tests pass a `transport`. Raises `ValueError` for a bad proxy."""
        self.connection = connection
        self._endpoint = httpx.URL(connection.endpoint).copy_with(path="/")
        # Without httpx's client: its redirects, cookies and defaults cost as much again as the call.
        self._kept_alive = transport or pooled(connection.proxy_url)
        self._single_use = transport or single_use(connection.proxy_url)
        self._credential = Credential(connection.secret_id, connection.secret_key)
        self._service = service
        self._version = version
        self._clock = clock

    async def call(
        self, action: str, payload: Mapping[str, Any], *, seconds: float, once: bool = False
    ) -> dict[str, Any]:
        """Call an action and return its `Response`; the whole call may take `seconds`.

        `once` is for calls that must not be repeated: see `transport.single_use`. Raises `UpstreamError`.
        """
        http = self._single_use if once else self._kept_alive
        request = self._build(action, payload, seconds)
        try:
            async with asyncio.timeout(seconds):
                return _result(*await _send(http, request))
        except _FOREIGN as error:
            failure, cause = _from_transport(error), error
        # Outside the handler, as aiohttp's errors hold the proxy's password.
        raise failure from (None if self.connection.proxy_url else cause)

    async def aclose(self) -> None:
        await self._kept_alive.aclose()
        await self._single_use.aclose()

    def _build(self, action: str, payload: Mapping[str, Any], seconds: float) -> httpx.Request:
        """Build the whole request before anything is sent, so that a failure here has cost nothing."""
        timeout = httpx.Timeout(None, connect=min(CONNECT_SECONDS, seconds / 2)).as_dict()
        try:
            body = json.dumps(payload, ensure_ascii=False).encode()
            headers = self._headers(action, body)
            return httpx.Request(
                "POST", self._endpoint, content=body, headers=headers, extensions={"timeout": timeout}
            )
        except Exception as error:
            raise NotSent(f"the request could not be made ({type(error).__name__})") from error

    def _headers(self, action: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        signed = {"content-type": CONTENT_TYPE, "host": self._endpoint.netloc.decode()}
        return signed | {
            "authorization": authorization(
                self._credential, service=self._service, headers=signed, body=body, timestamp=timestamp
            ),
            "accept-encoding": "gzip",
            "user-agent": "Reelay",
            "x-tc-action": action,
            "x-tc-version": self._version,
            "x-tc-timestamp": str(timestamp),
            **({"x-tc-region": self.connection.region} if self.connection.region else {}),
        }


async def _send(http: httpx.AsyncBaseTransport, request: httpx.Request) -> tuple[int, bytes]:
    """Return the status and body of the response. Raises `OutcomeUnknown` beyond `MOST_BYTES`."""
    response = await http.handle_async_request(request)
    try:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise OutcomeUnknown(f"the answer is longer than {MOST_BYTES} bytes")
        return response.status_code, body
    finally:
        await response.aclose()


def _from_transport(error: Exception) -> UpstreamError:
    name = type(error.__cause__ or error).__name__
    if _certainly_not_received(error):
        return Unavailable(f"not reached ({name})")
    return OutcomeUnknown(f"no answer ({name})")


def _certainly_not_received(error: Exception) -> bool:
    # httpx-aiohttp raises ConnectTimeout even if the connection broke after the request was sent.
    # Only the cause is reliable.
    if isinstance(error.__cause__, aiohttp.ClientError):
        return isinstance(error.__cause__, _CONNECTION_FAILED)
    return isinstance(error, _NOT_CONNECTED)


def _result(status: int, body: bytes) -> dict[str, Any]:
    response = _response(status, body)
    if response is None:
        raise OutcomeUnknown(f"HTTP {status} without an answer of the API")
    if "Error" in response:
        raise _from_answer(response)
    return response


def _response(status: int, body: bytes) -> dict[str, Any] | None:
    try:
        response = json.loads(body)["Response"] if status == httpx.codes.OK else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return response if isinstance(response, dict) else None


def _from_answer(response: Mapping[str, Any]) -> UpstreamError:
    error = response["Error"] if isinstance(response["Error"], dict) else {}
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    return errors.error(code, message, str(response.get("RequestId", "")))
