"""Poster: make the poster and the preview of a finished video. Best effort: missing ones are fine."""

import asyncio
from uuid import UUID

import structlog

from videos.media.process import Pictures, painter
from videos.models import Task
from videos.results import files
from videos.states import Status
from videos.worker.threads import in_database

log = structlog.get_logger(__name__)


async def keep(task_id: UUID) -> None:
    """Make and save the pictures of a task's video, if the video is there; failures are not retried."""
    task = await in_database(_with_media, task_id)
    if task is None:
        return
    try:
        # Not in a database thread: those must not wait for anything but the database.
        pictures = await asyncio.to_thread(_make, task)
        if not await in_database(_record, task, pictures):
            await asyncio.to_thread(files.delete_pictures, task)
    except Exception as error:
        log.warning("a video has no still", task=task.public_id, reason=str(error))


def _with_media(task_id: UUID) -> Task | None:
    return Task.objects.filter(pk=task_id, status=Status.SUCCEEDED, media_removed_at=None).first()


def _make(task: Task) -> Pictures:
    with files.local_copy(task) as video:
        pictures = painter().pictures(video)
    files.save_pictures(task, pictures.poster, pictures.preview)
    return pictures


def _record(task: Task, pictures: Pictures) -> bool:
    """Record the pictures, so that they are removed with the media; False if the media is gone already."""
    kept = Task.objects.filter(pk=task.pk, status=Status.SUCCEEDED, media_removed_at=None)
    return kept.update(has_poster=True, has_preview=pictures.preview is not None) == 1
