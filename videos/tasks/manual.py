"""Creates a video for a person at a form: as the API does, with an event that names the person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from videos import explanations, inputs
from videos.errors import ReelayError
from videos.models import Task
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import creation, lifecycle
from videos.tasks.admission import Caller
from videos.tasks.batch import Created
from videos.tasks.orders import Checked


class NotCreated(Exception):
    """No video was created because of `error`; `violations` say what is wrong with single fields."""

    def __init__(self, error: Exception | None = None) -> None:
        """Without an error, the form itself shows what is wrong."""
        self.error = error
        self.violations = error.violations if isinstance(error, InvalidRequestError) else ()
        super().__init__(*self.messages(tells_limits=True))

    def messages(self, *, tells_limits: bool) -> list[str]:
        """Why, for a person who may or may not see the tenant's limits."""
        return explanations.of_error(self.error, tells_limits=tells_limits) if self.error else []


@dataclass(frozen=True)
class Requester:
    """The person who asks, and the form that was used."""

    person: User
    place: str


def make(body: Mapping[str, Any], caller: Caller, requester: Requester) -> Task:
    """Create the video that the body asks for, once if repeated; records who asked. Raises `NotCreated`."""
    return _make(lambda: creation.create(caller, body), requester)


def make_checked(checked: Checked, requester: Requester) -> Task:
    """As `make`, for a body that was already checked; looks at its inputs first."""
    try:
        inputs.check(checked.request)  # not in the transaction: it asks other servers
    except InvalidRequestError as error:
        raise NotCreated(error) from error
    return _make(lambda: creation.create_checked(checked), requester)


def _make(create: Callable[[], Created], requester: Requester) -> Task:
    try:
        with transaction.atomic():
            created = create()
            task = created.task
            if not created.is_replay:
                who = {"by": requester.person.get_username(), "at": requester.place}
                lifecycle.record_event(task, Verb.ASKED, task.created_at, **who)
            return task
    except (ReelayError, InvalidRequestError) as error:
        raise NotCreated(error) from error
