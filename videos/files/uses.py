"""The files that requests name: whether they exist, and that they are kept while a task uses them."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connection

from videos.models import File, FileUse
from videos.requests import InvalidRequestError, VideoRequest, Violation
from videos.requests.files import Kinds, parse_file_id, public_file_id, unknown

# Shared: tasks may begin to use a file at the same moment, but not while it is deleted.
_HOLD = "SELECT id FROM videos_file WHERE id = ANY(%s) AND tenant_id = %s AND state = 'stored' FOR SHARE"


def kinds(tenant_id: UUID, ids: Collection[str]) -> Kinds:
    """The kinds of those files that are stored and the tenant's, by public id."""
    found = File.objects.visible_to(tenant_id).filter(pk__in=_keys(ids))
    return {file.public_id: file.what for file in found.only("id", "kind")}


def picture_names(tenant_id: UUID, ids: Collection[str]) -> dict[str, str]:
    """The names of those files that are stored pictures of the tenant's, by public id."""
    keys = _keys(ids)
    found = File.objects.visible_to(tenant_id).filter(pk__in=keys).only("id", "kind", "name") if keys else ()
    return {file.public_id: file.name for file in found if file.what.is_image}


def hold(tenant_id: UUID, request: VideoRequest) -> None:
    """Keep the files of a request from being deleted until the transaction ends.

    Raises `InvalidRequestError` if one was deleted since the request was checked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [_keys(request.files), tenant_id])
        held = {public_file_id(file_id) for (file_id,) in cursor.fetchall()}
    if gone := [file_id for file_id in request.files if file_id not in held]:
        place = request.place_of(gone[0])
        raise InvalidRequestError([Violation.of(unknown(gone[0]), place)])


def record(task_id: UUID, ids: Iterable[str]) -> None:
    """Record that a task uses the files, which must be held."""
    FileUse.objects.bulk_create(FileUse(file_id=key, task_id=task_id) for key in _keys(ids))


def _keys(ids: Iterable[str]) -> list[UUID]:
    return [key for key in map(parse_file_id, ids) if key is not None]
