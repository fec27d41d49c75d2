"""What staff may do about a task: each action needs a reason and is recorded with the person's name.

It applies to the state that the person saw: if the task has moved on since, nothing is done.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import APIKey, AuditPlace, Purpose, User
from videos.estimates import generation_times
from videos.models import Task, TaskEvent
from videos.queueing import Job, enqueue
from videos.routing.rate_limits import UpstreamCall
from videos.states import FINAL, Status, Verb, sources
from videos.tasks import failures, lifecycle
from videos.tasks.admission import Caller
from videos.tasks.failures import FailureCode
from videos.tasks.idempotency import Fingerprint, hash_of
from videos.tasks.manual import Requester, make
from videos.upstream.base import Refused, UpstreamError
from videos.upstream.redaction import call_detail, redacted

PLACE = "console"
BY_A_PERSON = "a person"
"""Who found the id of a task that staff marked as accepted, in the event of its acceptance."""
LONGEST_UPSTREAM_ID = 200
CALL_ONCE = "videos.routing.clients.call_once"
"""Imported when it is used, as it loads an HTTP client, which web processes do without."""
Text = str | Promise


class NotDecided(Exception):
    """Nothing was done; the message says why."""


@dataclass(frozen=True)
class StaffDecision:
    """What a person decided about a task; `task` is as the person saw it."""

    task: Task
    person: User
    reason: str
    now: datetime
    upstream_task_id: str = ""
    """The task's id upstream, if the person found it there."""
    form_id: str = ""
    """Identifies the form, so that sending it twice creates one task."""
    address: str | None = None
    """The person's IP address."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """The call to the provider that the action rests on, as the detail of an event."""


@dataclass(frozen=True)
class StaffAction:
    """An action: its label and explanation, the states it applies to, and the function that performs it."""

    label: Text
    meaning: Text
    states: frozenset[Status]
    do: Callable[[StaffDecision], Task]
    """Returns the task to show next. Raises `NotDecided` and `NotCreated`."""
    asks: Callable[[StaffDecision], StaffDecision] | None = None
    """Asks the provider before anything changes; the decision then has its answer. Raises `NotDecided`."""
    is_dangerous: bool = False
    needs_upstream_id: bool = False
    permissions: tuple[str, ...] = ("videos.change_task",)
    """All of them are required."""


def perform(name: str, decision: StaffDecision) -> Task:
    """Perform the action and write its event and audit log entry; returns the task to show next.

    Raises `NotDecided` if the task has moved on, and `NotCreated` if a new task is refused.
    """
    action, task = ACTIONS[name], decision.task
    if task.state not in action.states:
        raise NotDecided(gettext("The task's status no longer allows this."))
    if action.asks is not None:  # outside of the transaction, as the provider may take its time
        decision = action.asks(decision)
    before = _recorded(task)
    with transaction.atomic():
        shown_next = action.do(decision)
        is_new = shown_next is not task
        if is_new and shown_next.created_at != decision.now:
            return shown_next  # the form was sent before, and created this task
        who = {"by": decision.person.get_username(), "reason": decision.reason}
        lifecycle.record_event(task, Verb(name), decision.now, **who, **decision.evidence)
        after = {"action": name, **_recorded(task)} | ({"task": shown_next.public_id} if is_new else {})
        by = audit.Author(decision.person, AuditPlace.CONSOLE, decision.address)
        audit.record(
            by, audit.About.TASK.named(task), decision.reason, before, after, decision.now, task.tenant
        )
    return shown_next


def _recorded(task: Task) -> dict[str, Any]:
    """What the audit log tells of the task before and after an action."""
    return {"status": task.status} | (
        {"upstream_task_id": task.upstream_task_id} if task.upstream_task_id else {}
    )


def available_actions(task: Task, person: User) -> dict[str, StaffAction]:
    """The actions that the person may take on the task in its current state, by name."""
    open_now = {
        name: action
        for name, action in ACTIONS.items()
        if task.state in action.states and person.has_perms(action.permissions)
    }
    if not task.attention:
        open_now.pop(Verb.SEEN, None)
    if task.pruned_at is not None:
        open_now.pop(Verb.RESUBMIT, None)
    if Verb.CORRECT_BY_HAND in open_now and not _was_accepted_by_hand(task):
        del open_now[Verb.CORRECT_BY_HAND]
    return open_now


def state_token(task: Task) -> str:
    """Identifies the task's current state among all it may have later."""
    return f"{task.status}:{task.attempts}"


def _poll(decision: StaffDecision) -> Task:
    task = decision.task
    if not lifecycle.make_due(task, decision.now):
        raise NotDecided(gettext("It is already being checked."))
    if task.state is Status.RUNNING:
        enqueue(Job.POLL, account_id=task.account_id)
    return task


def _cancel(decision: StaffDecision) -> Task:
    return _moved(decision, lifecycle.cancel(decision.task, decision.now))


def _ask_for_the_id(decision: StaffDecision) -> StaffDecision:
    """Make sure that no other task has the id, and that the provider knows it."""
    task, upstream_id = decision.task, decision.upstream_task_id
    if not upstream_id:
        raise NotDecided(gettext("Enter the provider's task ID."))
    twin = Task.objects.filter(account=task.account_id, upstream_task_id=upstream_id).first()
    if twin is not None:
        raise NotDecided(
            gettext("The provider's task %(id)s already belongs to %(task)s.")
            % {"id": upstream_id, "task": twin}
        )
    return replace(decision, evidence=_described(task.account_id or 0, upstream_id))


def _described(account_id: int, upstream_id: str) -> dict[str, Any]:
    """The provider's answer about its task. Raises `NotDecided` if it has none, or does not say."""
    asked, told = monotonic(), {"id": upstream_id}
    try:
        progress = import_string(CALL_ONCE)(account_id, lambda client: client.describe(upstream_id))
    except Refused as error:
        raise NotDecided(gettext("The provider has no task %(id)s.") % told + _quoted(error)) from error
    except UpstreamError as error:
        raise NotDecided(
            gettext("The provider could not be asked about %(id)s. Nothing was changed.") % told
            + _quoted(error)
        ) from error
    if not progress.word:
        raise NotDecided(gettext("The provider's task %(id)s is not a video.") % told)
    return call_detail(UpstreamCall.DESCRIBE, progress, monotonic() - asked)


def _quoted(error: UpstreamError) -> str:
    """What the provider said, to follow a sentence."""
    said = gettext("Provider's message: %(message)s") % {"message": redacted(str(error))}
    return f" {said}"


def _accept(decision: StaffDecision) -> Task:
    task, expected = decision.task, generation_times.expected(decision.task.model)
    with _one_task_an_id():
        moved = lifecycle.accepted(
            task,
            decision.upstream_task_id,
            decision.now,
            _first_look(task, expected),
            expected,
            found_by=BY_A_PERSON,
        )
    return _moved(decision, moved)


def _correct(decision: StaffDecision) -> Task:
    task = decision.task
    if not _was_accepted_by_hand(task):
        raise NotDecided(gettext("The provider itself returned this ID, so it needs no correction."))
    with _one_task_an_id():
        moved = lifecycle.corrected(
            task,
            decision.upstream_task_id,
            decision.now,
            _first_look(task, generation_times.expected(task.model)),
        )
    return _moved(decision, moved)


def _was_accepted_by_hand(task: Task) -> bool:
    """Whether a person entered the provider's id, so that it may be wrong."""
    accepted = TaskEvent.objects.filter(task=task, verb=Verb.ACCEPTED).order_by("-id").first()
    return accepted is not None and accepted.detail.get("found_by") == BY_A_PERSON


def _first_look(task: Task, age: float) -> timedelta:
    """Time until the task is polled under its new id; its age there is not known."""
    return generation_times.time_to_next_poll(task.model, age, generation_times.known())


@contextmanager
def _one_task_an_id() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:  # a worker got the same id at the same moment
        raise NotDecided(gettext("Another task now has this ID.")) from error


def _release(decision: StaffDecision) -> Task:
    return _fail(decision, FailureCode.SUBMISSION_UNKNOWN, failures.UNCONFIRMED)


def _give_up(decision: StaffDecision) -> Task:
    return _fail(decision, FailureCode.GENERATION_FAILED, failures.GIVEN_UP)


def _fail(decision: StaffDecision, code: FailureCode, message: str) -> Task:
    moved = lifecycle.fail(decision.task, code, message, decision.now, released="by a person")
    return _moved(decision, moved)


def _resubmit(decision: StaffDecision) -> Task:
    """Create a new task for the same request; one in doubt is released first."""
    task = decision.task
    if task.pruned_at is not None:
        raise NotDecided(gettext("Its request has been removed: it cannot be submitted again."))
    if task.state is Status.IN_DOUBT:
        _release(decision)
    key = APIKey.objects.of_people(task.tenant, Purpose.CONSOLE)
    fingerprint = Fingerprint(hash_of(task.request), f"again-{decision.form_id}")
    caller = Caller.of(key, decision.now, fingerprint)
    return make(task.request, caller, Requester(decision.person, f"{PLACE}, again after {task}"))


def _seen(decision: StaffDecision) -> Task:
    return _moved(decision, lifecycle.unflag(decision.task))


def _moved(decision: StaffDecision, moved: bool) -> Task:  # noqa: FBT001 - the result of a verb
    if not moved:
        raise NotDecided(gettext("The task has changed since the page was loaded."))
    return decision.task


ACTIONS: dict[str, StaffAction] = {
    Verb.POLL: StaffAction(
        _("Check now"),
        _("Ask the provider for its status, or fetch its result, at once."),
        frozenset({Status.RUNNING, Status.STORING}),
        _poll,
    ),
    Verb.CANCEL_BY_HAND: StaffAction(
        _("Cancel"),
        _("It was not submitted yet. The hold is released to the tenant."),
        frozenset(sources(Status.CANCELLED)),
        _cancel,
        is_dangerous=True,
    ),
    Verb.ACCEPT_BY_HAND: StaffAction(
        _("Mark as accepted"),
        _("You found the task at the provider. Its ID is checked there, then the task is tracked under it."),
        frozenset({Status.IN_DOUBT}),
        _accept,
        asks=_ask_for_the_id,
        needs_upstream_id=True,
    ),
    Verb.CORRECT_BY_HAND: StaffAction(
        _("Correct the provider's task ID"),
        _("It was marked as accepted with the wrong ID. From now on, it is tracked under the one you enter."),
        frozenset({Status.RUNNING}),
        _correct,
        asks=_ask_for_the_id,
        needs_upstream_id=True,
    ),
    Verb.RELEASE: StaffAction(
        pgettext_lazy("a task, as one that the provider does not have", "Release"),
        _("The provider definitely does not have it: the task fails and the hold is released to the tenant."),
        frozenset({Status.IN_DOUBT}),
        _release,
        is_dangerous=True,
    ),
    Verb.RESUBMIT: StaffAction(
        _("Submit again as a new task"),
        _("Creates a new task for the same request, at today's price. A task in doubt is released first."),
        frozenset({Status.IN_DOUBT, *FINAL}),
        _resubmit,
        is_dangerous=True,
        permissions=("videos.change_task", "videos.add_task"),
    ),
    Verb.GIVE_UP: StaffAction(
        _("Give up"),
        _("The task fails and the hold is released to the tenant, even if the provider still finishes it."),
        frozenset({Status.RUNNING, Status.STORING}),
        _give_up,
        is_dangerous=True,
    ),
    Verb.SEEN: StaffAction(
        _("Mark resolved"),
        _("Removes it from the list of tasks that need attention."),
        frozenset(Status),
        _seen,
    ),
}
"""By verb, which is also the name of the action's event."""
