"""The files that come with a request for a video: stored for its task, or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

from videos.errors import FileInUse
from videos.files import storing
from videos.models import File
from videos.requests.files import Upload


@contextmanager
def stored(tenant_id: UUID, uploads: Iterable[Upload], now: datetime) -> Iterator[dict[str, str]]:
    """Store the files; gives their ids by what stands for them in the request.

    Raises what `storing.keep` raises. If the block raises anything, they are deleted again.
    """
    ids: dict[str, str] = {}
    try:
        for upload in uploads:
            ids[upload] = storing.keep(tenant_id, upload.content, now).public_id
        yield ids
    except BaseException:
        discard(tenant_id, ids.values())
        raise


def discard(tenant_id: UUID, ids: Iterable[str]) -> None:
    """Delete files that no task came to use."""
    for file_id in ids:
        with suppress(FileInUse, File.DoesNotExist):
            storing.delete(tenant_id, file_id)
