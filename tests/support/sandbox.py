"""A sandbox upstream on loopback in a thread, and a client that signs calls to it."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.worker_process import TOO_LONG
from videos.sandbox.clip import Clip
from videos.sandbox.options import Options
from videos.sandbox.production import Production
from videos.sandbox.protocol import CREATE, DESCRIBE, DESCRIBE_DETAIL, LIST, MPS, PRODUCTS, VOD
from videos.sandbox.server import Server
from videos.sandbox.studio import RenderError
from videos.upstream.tencent.signing import Credential, authorization

ALICE = Credential("AKIDalice", "alice-secret")
BOB = Credential("AKIDbob", "bob-secret")
KEYS = {account.secret_id: account.secret_key for account in (ALICE, BOB)}
NOW = 1_773_141_337  # 2026-03-10
VIDEO = b"not really a video, but bytes to be served" * 10
KLING = {"ModelName": "Kling", "ModelVersion": "2.5", "Prompt": "a cat runs", "Duration": 5}
APPLICATION = 1_500_000_001
KLING_VOD = {
    "SubAppId": APPLICATION,
    "ModelName": "Kling",
    "ModelVersion": "2.5",
    "Prompt": "a cat runs",
    "OutputConfig": {"Duration": 5},
}
VERSIONS = {product: version for version, product in PRODUCTS.items()}


def signed_headers(
    account: Credential = ALICE,
    *,
    action: str = CREATE,
    body: bytes = b"{}",
    timestamp: int = NOW,
    host: str = "mps.example",
    service: str = MPS,
    version: str = VERSIONS[MPS],
) -> dict[str, str]:
    signed = {"Content-Type": "application/json", "Host": host}
    proof = authorization(account, service=service, headers=signed, body=body, timestamp=timestamp)
    common = {"X-TC-Action": action, "X-TC-Version": version, "X-TC-Timestamp": str(timestamp)}
    return {**signed, **common, "Authorization": proof}


class PlainStudio:
    """Writes the same few bytes for every clip immediately."""

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    async def render(self, clip: Clip, path: Path) -> None:
        if "unrenderable" in clip.prompt:
            raise RenderError("no space left")
        self.clips.append(clip)
        path.write_bytes(VIDEO)  # noqa: ASYNC240 - a few bytes

    async def close(self) -> None:
        """Nothing to stop."""


class Sandbox:
    """A sandbox on loopback and a client's calls to it."""

    def __init__(self, port: int, studio: PlainStudio) -> None:
        self.host = f"127.0.0.1:{port}"
        self.studio = studio

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection(self.host, timeout=TOO_LONG)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()

    def raw_call(
        self, action: str, payload: Any, account: Credential = ALICE, product: str = MPS, **changes: str
    ) -> tuple[int, bytes]:
        body = json.dumps(payload).encode()
        headers = signed_headers(
            account,
            action=action,
            body=body,
            timestamp=int(time.time()),
            host=self.host,
            service=product,
            version=VERSIONS[product],
        )
        status, _, answer = self.send("POST", "/", body, headers | changes)
        return status, answer

    def call(
        self, action: str, payload: Any, account: Credential = ALICE, product: str = MPS, **changes: str
    ) -> dict[str, Any]:
        status, answer = self.raw_call(action, payload, account, product, **changes)
        assert status == 200
        response: dict[str, Any] = json.loads(answer)["Response"]
        assert response["RequestId"]
        return response

    def create(self, prompt: str = "a cat runs", **changes: Any) -> str:
        task_id: str = self.call(CREATE, KLING | {"Prompt": prompt} | changes)["TaskId"]
        return task_id

    def describe(self, task_id: str) -> dict[str, Any]:
        return self.call(DESCRIBE, {"TaskId": task_id})

    def done(self, task_id: str) -> dict[str, Any]:
        """End the task and wait for its file."""
        self.control("finish", {"task_id": task_id})
        while (answer := self.describe(task_id))["Status"] not in ("DONE", "FAIL"):
            time.sleep(0.02)  # another thread writes the file
        return answer

    def try_vod(self, account: Credential = ALICE, **changes: Any) -> dict[str, Any]:
        """Return the answer to a create call of VOD, which may be an error."""
        return self.call(CREATE, KLING_VOD | changes, account, VOD)

    def create_vod(self, prompt: str = "a cat runs", account: Credential = ALICE, **changes: Any) -> str:
        task_id: str = self.try_vod(account, Prompt=prompt, **changes)["TaskId"]
        return task_id

    def describe_vod(self, task_id: str, account: Credential = ALICE, **changes: Any) -> dict[str, Any]:
        payload = {"TaskId": task_id, "SubAppId": APPLICATION} | changes
        return self.call(DESCRIBE_DETAIL, payload, account, VOD)

    def list_vod(self, account: Credential = ALICE, **filters: Any) -> dict[str, Any]:
        return self.call(LIST, {"SubAppId": APPLICATION} | filters, account, VOD)

    def done_vod(self, task_id: str, account: Credential = ALICE) -> dict[str, Any]:
        """End the task and wait for its file."""
        self.control("finish", {"task_id": task_id})
        while (answer := self.describe_vod(task_id, account))["Status"] != "FINISH":
            time.sleep(0.02)  # another thread writes the file
        return answer

    def control(self, path: str, document: Any) -> Any:
        status, _, answer = self.send("POST", f"/_sandbox/{path}", json.dumps(document).encode())
        assert status == 200, answer
        return json.loads(answer)

    def script(self, **script: Any) -> None:
        self.control("scripts", script)

    def state(self, query: str = "") -> Any:
        return json.loads(self.send("GET", f"/_sandbox/state{query}")[2])

    def download(self, url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.send(method, url.removeprefix(f"http://{self.host}"), headers=headers)


@contextmanager
def running(folder: Path, **changes: Any) -> Iterator[Sandbox]:
    options = Options(keys=KEYS, **changes)
    studio = PlainStudio()
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), list[int]()
    stopped = asyncio.Event()

    async def serve() -> None:
        production = Production(studio, folder)
        if options.canned:
            await production.render_canned()
        app = Server(options, production).application()
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        ready.set()
        await stopped.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(TOO_LONG)
        yield Sandbox(ports[0], studio)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
