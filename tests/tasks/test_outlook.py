"""What pages say about the end of an open task: nothing past, and nothing that moves on with the clock."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Quota
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member
from tests.support.rows import check_each
from videos.estimates import completion
from videos.estimates.completion import NO_OUTLOOK, Outlook
from videos.models import AccountState, Task, UpstreamAccount
from videos.states import Attention, Status
from videos.tasks import turns

MODEL_USUALLY_TAKES = timedelta(seconds=100)
FAR = timedelta(hours=3)


def outlooks(task: Task) -> list[tuple[datetime, Outlook]]:
    """What the page says of the task at several moments after NOW."""
    moments = [NOW + timedelta(seconds=age) for age in (0, 10, 60, 110, 130, 600, 7_000)]
    starts = [turns.expected_start(task, now) if task.state is Status.QUEUED else None for now in moments]
    return [(now, completion.outlook(task, start, now)) for now, start in zip(moments, starts, strict=True)]


def test_an_estimate_stands_still_and_is_gone_once_it_is_past(
    make_task: MakeTask, account: UpstreamAccount
) -> None:
    usual = {"expected_seconds": MODEL_USUALLY_TAKES.total_seconds()}

    def holds(task: Task) -> None:
        seen = outlooks(task)
        estimates = {one.done_at for _now, one in seen if one.done_at}
        assert len(estimates) == 1, estimates
        assert all(now <= one.done_at for now, one in seen if one.done_at)
        assert (seen[0][1].is_late, seen[-1][1].is_late) == (False, True)
        assert seen[-1][1].done_at is None

    open_tasks = [make_task(Status.RUNNING, **usual), make_task(Status.SUBMITTING), make_task(Status.QUEUED)]
    check_each(open_tasks, holds, lambda task: str(task.status))
    [running, *_others] = open_tasks
    assert {one.done_at for _now, one in outlooks(running)} == {NOW + MODEL_USUALLY_TAKES, None}


def test_what_waits_for_evidence_for_staff_or_for_an_account_has_no_estimate(
    make_task: MakeTask, account: UpstreamAccount
) -> None:
    stuck = [
        make_task(Status.IN_DOUBT),
        make_task(Status.WAITING),
        make_task(Status.RUNNING, attention=Attention.NOT_TOLD.about("no")),
        make_task(Status.STORING, attention=Attention.STORE_FULL.about("no room"), done_at=NOW),
    ]
    for task in stuck:
        assert {one for _now, one in outlooks(task)} == {NO_OUTLOOK}
    AccountState.objects.update(condition=AccountState.Condition.OPEN, retry_at=NOW + FAR)
    queued = outlooks(make_task(Status.QUEUED))
    assert {one.done_at for _now, one in queued} == {None}
    assert [one.is_late for _now, one in queued] == [False] * 4 + [True] * 3


def test_a_result_that_is_being_stored_is_not_late(make_task: MakeTask) -> None:
    task = make_task(Status.STORING, done_at=NOW, expected_seconds=5.0)
    assert not any(one.is_late for _now, one in outlooks(task))


def shown(page: str) -> str:
    """What the page says beside the task's state, without markup."""
    found = re.search(r'id="outlook">(.*?)</span>', page, re.DOTALL)
    assert found
    return " ".join(found[1].split())


def test_both_pages_show_the_place_in_the_queue_and_no_bar_where_nothing_moves(
    make_task: MakeTask, owner: Caller
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1)
    now = timezone.now()
    staff, alice = Person("sophie"), Member(owner.tenant)
    running = {"now": now - FAR, "expected_seconds": 60.0}
    rows: list[tuple[Status, dict[str, Any], str, str, bool]] = [
        (Status.WAITING, {}, "number 1 in the tenant's own queue", "number 1 in your queue", False),
        (Status.IN_DOUBT, {}, "no estimate yet", "no estimate yet", False),
        (Status.RUNNING, running, "takes longer than usual", "takes longer than usual", True),
        (Status.RUNNING, running | {"attention": "look"}, "no estimate yet", "no estimate yet", False),
    ]

    def holds(row: tuple[Status, dict[str, Any], str, str, bool]) -> None:
        status, fields, to_staff, to_tenant, has_bar = row
        task = make_task(status, **{"now": now, **fields})
        portal = alice.get("portal:video", task.public_id)
        pages = [staff.see(f"/admin/videos/task/{task.pk}/change/"), portal.content.decode()]
        assert [shown(page) for page in pages] == [to_staff, to_tenant]
        assert [("<progress" in page) for page in pages] == [has_bar] * 2

    check_each(rows, holds, lambda row: f"{row[0]} {row[1]}")
