"""Answers with the content of an uploaded file."""

from uuid import UUID

from django.http import FileResponse, Http404
from django.utils.http import content_disposition_header

from config import stores
from config.edge.answers import PassedThrough
from config.stores.base import BLOCK, Missing
from videos.files.storing import object_key
from videos.models import File

_PICTURE_SECONDS = 3600
"""How long a browser keeps a picture beside a form, which is drawn anew often; its content never changes."""


def content_response(file: File) -> FileResponse:
    """The content, with the recognised type, to be saved and never to be shown or run by a browser.

    Raises `File.DoesNotExist` if it is gone from the store.
    """
    try:
        window = stores.results().open(object_key(file))
    except Missing as error:
        raise File.DoesNotExist from error
    response = FileResponse(PassedThrough(window), content_type=file.what.content_type)
    response.block_size = BLOCK
    response["content-length"] = str(file.bytes)
    response["content-disposition"] = content_disposition_header(as_attachment=True, filename=file.name)
    response["x-content-type-options"] = "nosniff"
    response["cache-control"] = "private, no-cache"
    return response


def picture_response(tenant_id: UUID, file_id: str) -> FileResponse:
    """A picture of the tenant's, for its own pages. Raises `Http404` for anything else."""
    try:
        file = File.objects.visible_to(tenant_id).by_public_id(file_id)
        if not file.what.is_image:
            raise Http404
        response = content_response(file)
    except File.DoesNotExist as error:
        raise Http404 from error
    response["cache-control"] = f"private, max-age={_PICTURE_SECONDS}"
    return response
