"""Renders the files of accepted tasks in the background."""

import asyncio
import logging
import time
from pathlib import Path

from videos.sandbox.clip import Clip, clip_of
from videos.sandbox.studio import RenderError, Studio
from videos.sandbox.tasks import SandboxTask

logger = logging.getLogger(__name__)

CANNED = Clip(prompt="One clip stands in for all.", model="canned", width=640, height=360, seconds=1)


class Production:
    """Renders tasks through a studio, or gives them all the canned clip at once."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self._studio, self.folder = studio, folder
        self._canned: Path | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def render_canned(self) -> None:
        """Render the clip that all tasks then get. Raises `RenderError`."""
        path = self.folder / "canned.mp4"
        await self._studio.render(CANNED, path)
        self._canned = path

    def begin(self, task: SandboxTask) -> None:
        """Start rendering the task's file, unless the task is set to fail."""
        if self._canned:
            task.deliver(self._canned, task.created_at)
        elif not task.failure:
            work = asyncio.create_task(self._render(task))
            self._running.add(work)
            work.add_done_callback(self._running.discard)

    def stop(self) -> None:
        for work in self._running:
            work.cancel()

    async def close(self) -> None:
        """Cancel all rendering and close the studio."""
        self.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._studio.close()

    async def _render(self, task: SandboxTask) -> None:
        path = self.folder / f"{task.task_id}.mp4"
        try:
            await self._studio.render(clip_of(task.owner.product, task.payload), path)
        except RenderError as error:
            logger.warning("task %s was not rendered: %s", task.task_id, error)
            task.fail(f"Rendering failed: {error}", time.time())
        else:
            task.deliver(path, time.time())
