"""The server's side of the render process."""

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any, Protocol

from videos.sandbox.clip import Clip

PROJECT = Path(__file__).resolve().parents[2]


class RenderError(Exception):
    """The render process could not make the video, or died."""


class Studio(Protocol):
    """Renders the videos the sandbox serves."""

    async def render(self, clip: Clip, path: Path) -> None:
        """Write a clip's MP4. Raises `RenderError`."""

    async def close(self) -> None:
        """Stop all work at once."""


class ProcessStudio:
    """Renders one video at a time in a child process, which starts with the first job."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._numbers = itertools.count()

    async def render(self, clip: Clip, path: Path) -> None:
        job = {"clip": clip.document(), "path": str(path)}
        async with self._turn:
            error = await self._attempt(job)
            if error is None:  # the process died: retry once in a new one
                error = await self._attempt(job)
        if error != "":
            raise RenderError(error or "the render process died twice")

    async def close(self) -> None:
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _attempt(self, job: dict[str, Any]) -> str | None:
        process = await self._running()
        answer = await self._exchange(process, {**job, "job": next(self._numbers)})
        if answer is None:
            await process.wait()
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "videos.sandbox.render_process",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=PROJECT,
            )  # fmt: skip
        return self._process

    async def _exchange(self, process: asyncio.subprocess.Process, job: dict[str, Any]) -> str | None:
        """Send a job and return its error, empty for none; None if the process ended.

        Results of cancelled jobs are skipped.
        """
        if process.stdin is None or process.stdout is None:
            raise RenderError("the render process has no pipes")
        process.stdin.write(json.dumps(job).encode() + b"\n")
        async for line in process.stdout:
            answer = json.loads(line)
            if answer["job"] == job["job"]:
                return str(answer["error"])
        return None
