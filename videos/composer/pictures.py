"""Pictures that are sent with the form: each is stored as a file of the tenant, whose id becomes an image."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from accounts.models import APIKey
from videos import explanations
from videos.errors import FileNotStored, NotAdmitted
from videos.files import storing
from videos.files.recognition import NotTaken
from videos.files.spool import Spool, TooLarge
from videos.requests.files import IMAGES, of_another_kind
from videos.requests.rules import Fault, Rule

PICTURE = "picture"
"""The field of the form."""
_ANOTHER_KIND = of_another_kind(IMAGES, "this is none")


class NoPicture(Exception):
    """The file that was sent as a picture is not taken; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.words)
        self.fault = fault


class Picture(UploadedFile[bytes]):
    """The picture of a form, which ends with the request."""

    def __init__(self, spool: Spool, fault: Fault | None) -> None:
        super().__init__(file=spool.content, name=PICTURE, size=spool.size)
        self.spool = spool
        self.fault = fault


class PictureHandler(FileUploadHandler):
    """Takes the picture of the form, and no other file of any page. Nothing is kept in memory."""

    _spool: Spool | None = None
    _fault: Fault | None = None

    def new_file(self, field_name: str, file_name: str, *arguments: Any, **named: Any) -> None:
        """Raises `SkipFile` for anything else."""
        super().new_file(field_name, file_name, *arguments, **named)
        if field_name != PICTURE or not settings.UPLOADS:
            raise SkipFile
        self._spool, self._fault = Spool(file_name), None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self._of_file().write(raw_data)
        except TooLarge as error:
            self._fault = error.fault

    def file_complete(self, file_size: int) -> Picture:
        return Picture(self._of_file(), self._fault)

    def upload_interrupted(self) -> None:
        """Leave no temporary file."""
        if self._spool is not None:
            self._spool.content.close()

    def _of_file(self) -> Spool:
        assert self._spool is not None  # noqa: S101 - for the type checker
        return self._spool


def take(
    sent: MultiValueDict[str, Any],
    answers: dict[str, list[str]],
    key: APIKey | None,
    now: datetime,
    *,
    tells_limits: bool,
) -> str:
    """Store the pictures among the sent files, and put the id of each into the first empty slot.

    Returns what is wrong with the first that is not taken, after which none is; empty if nothing is.
    """
    for picture in sent.getlist(PICTURE):
        if key is None:
            return _("Choose a tenant.")
        try:
            file_id = _stored(picture, key, now)
        except NoPicture as error:
            return explanations.of_rule(error.fault.rule, error.fault.values)
        except (NotAdmitted, FileNotStored) as error:
            return " ".join(explanations.of_error(error, tells_limits=tells_limits))
        images = answers.get("images", [])
        at = images.index("") if "" in images else len(images)
        answers["images"] = [*images[:at], file_id, *images[at + 1 :]]
    return ""


def _stored(picture: Picture, key: APIKey, now: datetime) -> str:
    """The id of the stored picture. Raises `NoPicture` and the errors of `storing.keep`."""
    if picture.fault:
        raise NoPicture(picture.fault)
    try:
        received = picture.spool.received()
    except NotTaken as error:
        is_other = error.fault.rule is Rule.FILE_OF_ANOTHER_KIND  # it would name videos, too
        raise NoPicture(_ANOTHER_KIND if is_other else error.fault) from error
    if not received.kind.is_image:
        raise NoPicture(_ANOTHER_KIND)
    return storing.keep(key.tenant_id, received, now).public_id
