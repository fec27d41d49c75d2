"""Making a video in a person's name: as the API does, with a word on who asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from videos.errors import IdempotencyKeyReused, KeyRefused, NotAdmitted, ReelayError
from videos.models import Task
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import admission, creation, lifecycle, orders
from videos.tasks.admission import Asker

_FORESEEN = (ReelayError, InvalidRequestError)


class NotMade(Exception):
    """No video was made; `messages` say why."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


@dataclass(frozen=True)
class Asked:
    """Who asks, and at which form."""

    person: User
    place: str


def make(body: Mapping[str, Any], asker: Asker, asked: Asked) -> Task:
    """Make the video that the body asks for, once however often it is asked for.

    The event that tells who asked is written with the task. Raises `NotMade`.
    """
    try:
        with transaction.atomic():
            return _make(body, asker, asked)
    except _FORESEEN as error:
        raise NotMade(*_messages(error)) from error


def _make(body: Mapping[str, Any], asker: Asker, asked: Asked) -> Task:
    seen = admission.look(asker)
    made = creation.answer_before(asker, seen, _id_alone) or creation.create(
        orders.order(body, asker, seen), asker, seen, _id_alone
    )
    task = Task.objects.by_public_id(json.loads(made.body)["id"])
    if not made.is_replay:
        lifecycle.note(task, Verb.ASKED, asker.now, by=asked.person.get_username(), at=asked.place)
    return task


def _id_alone(task: Task, _place: object) -> str:
    return json.dumps({"id": task.public_id})


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
