"""Poster: keep a still of a finished video. Best effort: a video without one is as good."""

import asyncio
from uuid import UUID

import structlog
from django.core.files.storage import storages

from videos.models import Task
from videos.results import files, posters
from videos.states import Status
from videos.worker.threads import in_database

log = structlog.get_logger(__name__)


async def keep(task_id: UUID) -> None:
    """Keep a still of one task's video, if that is there; what fails is not tried again."""
    task = await in_database(_with_media, task_id)
    if task is None:
        return
    try:
        # A thread of its own: the database's are for what waits on nothing else.
        await asyncio.to_thread(_make, task)
        if not await in_database(_note, task):
            await asyncio.to_thread(files.delete_poster, task)
    except Exception as error:
        log.warning("a video has no still", task=task.public_id, reason=str(error))


def _with_media(task_id: UUID) -> Task | None:
    return Task.objects.filter(pk=task_id, status=Status.SUCCEEDED, media_removed_at=None).first()


def _make(task: Task) -> None:
    with storages["results"].open(task.media_name) as video:
        still = posters.still(video)
    files.save_poster(task, still)


def _note(task: Task) -> bool:
    """Whether the media is still there; whoever removes it from now on knows of the still."""
    kept = Task.objects.filter(pk=task.pk, status=Status.SUCCEEDED, media_removed_at=None)
    return kept.update(has_poster=True) == 1
