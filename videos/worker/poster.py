"""Poster: make the poster of a finished video. Best effort: a missing poster is fine."""

import asyncio
from uuid import UUID

import structlog

from videos.media.process import decoder
from videos.models import Task
from videos.results import files
from videos.states import Status
from videos.worker.threads import in_database

log = structlog.get_logger(__name__)


async def keep(task_id: UUID) -> None:
    """Make and save the poster of a task's video, if the video is there; failures are not retried."""
    task = await in_database(_with_media, task_id)
    if task is None:
        return
    try:
        # Not in a database thread: those must not wait for anything but the database.
        await asyncio.to_thread(_make, task)
        if not await in_database(_record, task):
            await asyncio.to_thread(files.delete_poster, task)
    except Exception as error:
        log.warning("a video has no still", task=task.public_id, reason=str(error))


def _with_media(task_id: UUID) -> Task | None:
    return Task.objects.filter(pk=task_id, status=Status.SUCCEEDED, media_removed_at=None).first()


def _make(task: Task) -> None:
    with files.local_copy(task) as video:
        pictures = decoder().pictures(video)
    files.save_poster(task, pictures.poster)


def _record(task: Task) -> bool:
    """Record the poster, so that it is removed with the media; False if the media is gone already."""
    kept = Task.objects.filter(pk=task.pk, status=Status.SUCCEEDED, media_removed_at=None)
    return kept.update(has_poster=True) == 1
