"""`/v1/files`: takes, lists, serves and deletes uploaded files."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import FileResponse
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from videos.api import uploads
from videos.api.base import View
from videos.api.content import MayDownload
from videos.api.paging import DEFAULT_LIMIT, MOST, NEWEST_FIRST, OLDEST_FIRST
from videos.api.parameters import Parameters
from videos.files import storing
from videos.files.serving import content_response
from videos.models import File, FileState
from videos.models.file import FileQuerySet
from videos.requests.files import parse_file_id
from videos.results import links
from videos.tasks.representation import unix


class FileView(View):
    """What all routes of files have in common: they exist only while uploads are on."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises `NotFound`, as for an unknown route, if uploads are off."""
        if not settings.UPLOADS and links.SIGNATURE not in request.query_params:
            raise NotFound
        super().initial(request, *args, **kwargs)

    def visible(self) -> FileQuerySet:
        """The tenant's files."""
        return File.objects.visible_to(self.key.tenant_id)


class FilesView(FileView):
    """`/v1/files`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ, "POST": Scope.WRITE}

    def post(self, request: Request) -> Response:
        """Take a file. Raises what `uploads.received` and `storing.keep` raise."""
        with uploads.received(request, settings.MAX_UPLOAD_BYTES) as received:
            file = storing.keep(self.key.tenant_id, received, timezone.now())
        return Response(file_object(file))

    def get(self, request: Request) -> Response:
        """A page of the files, by time of upload; a page may begin after a file that is gone."""
        after, limit, newest_first = _page_asked_for(Parameters(request.query_params))
        files = self.visible().order_by("-id" if newest_first else "id")
        if after is not None:
            files = files.filter(id__lt=after) if newest_first else files.filter(id__gt=after)
        found = list(files[: limit + 1])
        return Response(_list_object(found[:limit], has_more=len(found) > limit))


class OneFileView(FileView):
    """`/v1/files/{id}`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ, "DELETE": Scope.WRITE}

    def get(self, request: Request, file_id: str) -> Response:
        """Raises `File.DoesNotExist`."""
        return Response(file_object(self.visible().by_public_id(file_id)))

    def delete(self, request: Request, file_id: str) -> Response:
        """Raises `File.DoesNotExist` and `FileInUse`."""
        storing.delete(self.key.tenant_id, file_id)
        return Response({"id": file_id, "object": "file", "deleted": True})


class FileContentView(FileView):
    """`/v1/files/{id}/content`: the bytes as they were sent.

    Also by the signed link that upstream is sent, which works even while the tenant is suspended or uploads
    are off: its running tasks go on.
    """

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}
    permission_classes = [MayDownload]

    def get(self, request: Request, file_id: str) -> FileResponse:
        """Raises `File.DoesNotExist`, and `StoreError`."""
        is_signed = links.SIGNATURE in request.query_params
        files = File.objects.filter(state=FileState.STORED) if is_signed else self.visible()
        return content_response(files.by_public_id(file_id))


def file_object(file: File) -> dict[str, Any]:
    """The file in OpenAI's shape; `status` is always `processed`, as there is nothing to wait for."""
    return {
        "id": file.public_id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": unix(file.created_at),
        "expires_at": unix(file.expires_at),
        "filename": file.name,
        "purpose": uploads.PURPOSES[0],
        "status": "processed",
    }


def _page_asked_for(parameters: Parameters) -> tuple[UUID | None, int, bool]:
    """The file that the page begins after, its size, and whether the newest come first."""
    after = parameters.read("after", parse_file_id, "must be the id of a file")
    limit = parameters.number("limit", 1, MOST) or DEFAULT_LIMIT
    newest_first = parameters.one_of("order", (OLDEST_FIRST, NEWEST_FIRST)) != OLDEST_FIRST
    parameters.one_of("purpose", uploads.PURPOSES)
    parameters.check()
    return after, limit, newest_first


def _list_object(files: list[File], *, has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [file_object(file) for file in files],
        "first_id": files[0].public_id if files else None,
        "last_id": files[-1].public_id if files else None,
        "has_more": has_more,
    }
