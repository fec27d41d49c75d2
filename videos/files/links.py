"""Links by which upstream reads uploaded files; whoever has one may read the file until it expires."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from config import stores
from config.web.links import absolute
from videos.files.storing import key_of
from videos.requests.files import public_file_id
from videos.results import links


def signed_link(tenant_id: UUID, file_id: UUID, now: datetime) -> str:
    """A link that works for `FILE_LINK_SECONDS`: the store's own, or if it makes none to our own route."""
    key = key_of(tenant_id, file_id)
    if link := stores.public_link(stores.results(), key, settings.FILE_LINK_SECONDS):
        return link
    public_id = public_file_id(file_id)
    expires = int(now.timestamp()) + settings.FILE_LINK_SECONDS
    return absolute(f"{reverse('file-content', args=[public_id])}?{links.signed_query(public_id, expires)}")
