"""Links to result files, and the serving of them, with faults if scripted."""

import hashlib
import hmac
import math
import secrets
import time
from urllib.parse import quote, urlencode

from aiohttp import web

from videos.sandbox.answers import hang_up
from videos.sandbox.protocol import MPS, VOD
from videos.sandbox.store import TaskStore
from videos.sandbox.tasks import SandboxTask
from videos.sandbox.vod_reports import is_permanent

LIFE = {MPS: 12 * 3600, VOD: 7 * 24 * 3600}
"""How long a product's links work, in seconds."""
NEVER = "never"
LOGIN_PAGE = "<html><body><form>Please sign in.</form></body></html>"


class ResultLinks:
    """Creates result links, and serves them until they expire."""

    def __init__(self, tasks: TaskStore, *, life: float | None = None, public_url: str = "") -> None:
        """`life` is how many seconds links work, None as long as each product's."""
        self._tasks, self._life, self._public_url = tasks, life, public_url.rstrip("/")
        self._secret = secrets.token_bytes(32)

    def link(self, task: SandboxTask, origin: str) -> str:
        """Return the URL of a finished task's file; `origin` is its base unless a public URL is set.

        A file in a customer's own bucket has an unsigned URL that never expires.
        """
        base = self._public_url or origin
        if task.payload.get("StoreCosParam"):
            return f"{base}/buckets/{quote(bucket_path(task))}"
        moment = self.expires_at(task)
        expires = str(int(moment)) if math.isfinite(moment) else NEVER
        query = urlencode({"sign": self._sign(task.task_id, expires), "expires": expires})
        return f"{base}/results/{task.task_id}.mp4?{query}"

    def expires_at(self, task: SandboxTask) -> float:
        """Return when a finished task's link stops working; infinite if VOD or a bucket keeps the file."""
        if task.payload.get("StoreCosParam") or is_permanent(task):
            return math.inf
        return task.ended_at + (LIFE[task.owner.product] if self._life is None else self._life)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle `GET /results/{task_id}.mp4`: 403 for a wrong or expired link."""
        task_id = request.match_info["task_id"]
        sign, expires = request.query.get("sign", ""), request.query.get("expires", "")
        if not hmac.compare_digest(sign.encode(), self._sign(task_id, expires).encode()):
            raise web.HTTPForbidden(text="wrong signature")
        if expires != NEVER and time.time() >= int(expires):
            raise web.HTTPForbidden(text="link expired")
        return await _send(request, self._tasks.get(task_id))

    async def serve_bucket(self, request: web.Request) -> web.StreamResponse:
        """Handle `GET /buckets/{region}/{bucket}/{key}`, in place of a customer's own bucket."""
        wanted = request.match_info["path"]
        now = time.time()
        stored = (
            task for task in self._tasks if task.payload.get("StoreCosParam") and task.has_succeeded(now)
        )
        return await _send(request, next((task for task in stored if bucket_path(task) == wanted), None))

    def _sign(self, task_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{task_id} {expires}".encode(), hashlib.sha256).hexdigest()


def bucket_path(task: SandboxTask) -> str:
    """Return `region/bucket/key` of a result that is stored in a customer's bucket."""
    store = task.payload["StoreCosParam"]
    folder = (store.get("CosBucketPath") or "").strip("/")
    parts = (store["CosBucketRegion"], store["CosBucketName"], folder, f"{task.task_id}.mp4")
    return "/".join(part for part in parts if part)


async def _send(request: web.Request, task: SandboxTask | None) -> web.StreamResponse:
    if task is None or task.file is None:
        raise web.HTTPNotFound(text="no such file")
    fault = task.result_fault.use() if task.result_fault and request.method == "GET" else ""
    if fault == "404":
        raise web.HTTPNotFound(text="no such file")
    if fault == "not_video":
        return web.Response(text=LOGIN_PAGE, content_type="text/html")
    if fault == "truncated":
        return await _send_half(request, task.file.read_bytes())
    return web.FileResponse(task.file, headers={"Content-Type": "video/mp4"})


async def _send_half(request: web.Request, data: bytes) -> web.StreamResponse:
    """Announce the whole file, send half of it and close the connection."""
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    response.content_length = len(data)
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    hang_up(request)
    return response
