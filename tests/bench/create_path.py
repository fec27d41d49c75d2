"""The files a create passes through, from the bytes of its request to the row, in order.

    python -m tests.bench.create_path

What counts is a file that passes the create on to another one; a helper ends where it was called from. The
rules of requests and the catalogue are pure, and count as one step each. A file is left once none of its
functions is at work any more; a return is a later call of it that passes the create on again.
"""

import asyncio
import json
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from tests.bench import stage

if TYPE_CHECKING:
    from config.edge.application import Application

ROOT = Path(__file__).resolve().parents[2]
OURS = ("config", "accounts", "videos")
WRITER = "videos/tasks/batch.py"
"""The file with `_write`, which writes the row."""
ONE_STEP = ("videos/requests/", "videos/catalogue/")
MOST_FILES, MOST_RETURNS = 22, 4
BODY = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs along the beach"}


class Passage:
    """The files a create passed, which of them passed it on, and which did so again after they were left."""

    def __init__(self) -> None:
        self.is_on = False
        self.files: list[str] = []
        self.path: list[str] = []
        """The files that passed it on, in order; the others are helpers, which end where they began."""
        self.returns: list[str] = []
        self._stack: list[_Call] = []

    def follow(self, frame: FrameType, event: str, _argument: object) -> None:
        """Record a call or a return; called by `sys.setprofile`."""
        file = _file_of(frame) if self.is_on else None
        if file is None:
            return
        if event == "call":
            self._enter(file)
        elif file == WRITER and frame.f_code.co_name == "_write":
            self.is_on = False
        elif event == "return" and self._stack:
            self._stack.pop()

    def _enter(self, file: str) -> None:
        caller = self._stack[-1] if self._stack else None
        if caller is not None and caller.file != file:
            self._passed_on(caller)
        is_return = file in self.path and all(call.file != file for call in self._stack)
        self._stack.append(_Call(file, is_return=is_return))
        if file not in self.files:
            self.files.append(file)

    def _passed_on(self, call: "_Call") -> None:
        if call.file not in self.path:
            self.path.append(call.file)
        elif call.is_return:
            self.returns.append(call.file)
        call.is_return = False


@dataclass
class _Call:
    """A function at work."""

    file: str
    is_return: bool
    """Its file had passed the create on and been left; this call has not passed it on yet."""


def _file_of(frame: FrameType) -> str | None:
    """The file of one of our functions; None for other code and for module-level code."""
    code = frame.f_code
    if code.co_name == "<module>" or not code.co_filename.startswith(str(ROOT)):
        return None
    file = Path(code.co_filename).relative_to(ROOT).as_posix()
    if not file.startswith(tuple(f"{name}/" for name in OURS)):
        return None
    return next((step for step in ONE_STEP if file.startswith(step)), file)


def main() -> int:
    """Print the files and returns of the third create; returns 1 if there are too many."""
    passage = Passage()
    with stage.empty_gateway():
        stage.make_account()
        [caller] = stage.make_callers(1)
        threading.setprofile(passage.follow)
        sys.setprofile(passage.follow)
        asyncio.run(_creates(passage, caller.text or ""))
        sys.setprofile(None)
    path, returns = passage.path, passage.returns
    for number, file in enumerate(path, 1):
        stage.report(f"{number:3} {file}")
    stage.report(f"{len(path)} files pass it on, of {len(passage.files)} that take part")
    stage.report(f"{len(returns)} returns: {', '.join(returns)}")
    return int(len(path) > MOST_FILES or len(returns) > MOST_RETURNS)


async def _creates(passage: Passage, key: str) -> None:
    from config.edge.application import Application
    from config.edge.connections import Connections
    from config.edge.limits import BodyLimits
    from config.wsgi import application as wsgi

    limits = BodyLimits(max_body=1024 * 1024, max_upload=0)
    served = Application(wsgi, threads=1, limits=limits, connections=Connections(0))
    for passage.is_on in (False, False, True):
        status = await _create(served, key)
        passage.is_on = False
        if status != HTTPStatus.OK:
            raise RuntimeError(f"the create was answered with {status}")


async def _create(served: "Application", key: str) -> int:
    body = json.dumps(BODY).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await served(_scope(key, len(body)), receive, send)
    return int(sent[0]["status"])


def _scope(key: str, length: int) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/videos",
        "raw_path": b"/v1/videos",
        "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", "8000"),
        "client": ("127.0.0.1", "50000"),
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(length).encode()),
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
