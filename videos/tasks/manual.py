"""Making a video in a person's name: as the API does, with a word on who asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from videos.errors import IdempotencyKeyReused, KeyRefused, NotAdmitted, ReelayError
from videos.models import Task
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import creation, lifecycle
from videos.tasks.admission import Caller
from videos.tasks.creation import Created
from videos.tasks.orders import Checked

_FORESEEN = (ReelayError, InvalidRequestError)


class NotMade(Exception):
    """No video was made; `messages` say why."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


@dataclass(frozen=True)
class Requester:
    """Who asks, and at which form."""

    person: User
    place: str


def make(body: Mapping[str, Any], caller: Caller, asked: Requester) -> Task:
    """Make the video that the body asks for, once however often it is asked for.

    The event that tells who asked is written with the task. Raises `NotMade`.
    """
    return _make(lambda: creation.create(caller, body), asked)


def make_checked(checked: Checked, asked: Requester) -> Task:
    """As `make`, of a body that was checked already."""
    return _make(lambda: creation.create_checked(checked), asked)


def _make(create: Callable[[], Created], asked: Requester) -> Task:
    try:
        with transaction.atomic():
            created = create()
            task = created.task
            if not created.is_replay:
                who = {"by": asked.person.get_username(), "at": asked.place}
                lifecycle.note(task, Verb.ASKED, task.created_at, **who)
            return task
    except _FORESEEN as error:
        raise NotMade(*_messages(error)) from error


def _messages(error: Exception) -> list[str]:
    if isinstance(error, NotAdmitted):
        return [refusal.message for refusal in error.refusals]
    if isinstance(error, InvalidRequestError):
        return [violation.message for violation in error.violations]
    if isinstance(error, KeyRefused):
        return [_("The tenant is suspended: nothing can be made for it.")]
    if isinstance(error, IdempotencyKeyReused):
        return [_("This form was sent before, with other values. Open a new one for another video.")]
    return [str(error)]
