"""Tenants are told once, and in time, that copies of their videos go."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from accounts import mail
from accounts.models import Membership, Role, User
from tests.conftest import NOW, Caller, MakeTask
from tests.support.mailing import send_due
from tests.worker.test_steps import verbs
from videos.models import ExpiryMail, TaskEvent
from videos.states import Status
from videos.worker import mailing, notify, threads

DAY = timedelta(days=1)


class Down(BaseEmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError


Mails = Callable[[], list[EmailMessage]]


@pytest.fixture
def mails(owner: Caller, settings: LazySettings, mailoutbox: list[EmailMessage]) -> Mails:
    """The mails to the tenant's owner and member sent so far, with notices three days before."""
    settings.EXPIRY_NOTICE_DAYS = 3
    for name, role in (("olga", Role.OWNER), ("mike", Role.MEMBER)):
        person = User.objects.create_user(name, f"{name}@alice.example")
        Membership.objects.create(tenant=owner.tenant, user=person, role=role)
    notify.notify(NOW - DAY)  # begins

    def sent() -> list[EmailMessage]:
        mail.flush()
        return mailoutbox

    return sent


def tell(now: datetime) -> None:
    """A run of the day, and the mails of the minute after."""
    notify.notify(now)
    send_due(notify, now + notify.AT_FIRST)


def subjects(mails: Mails) -> list[str]:
    return [message.subject[:8] for message in mails()]


def test_owners_get_one_mail_and_each_copy_an_event(make_task: MakeTask, mails: Mails) -> None:
    soon = [make_task(Status.SUCCEEDED, expires_at=NOW + days * DAY) for days in (1, 3, 4)]
    later = make_task(Status.SUCCEEDED, expires_at=NOW + 4.1 * DAY)
    gone = make_task(Status.SUCCEEDED, expires_at=NOW + DAY, media_removed_at=NOW)
    for _ in range(2):
        tell(NOW)
    [message] = mails()
    assert message.to == ["olga@alice.example"]
    assert message.subject.startswith("3 videos of ")
    assert [verbs(task) for task in (*soon, later, gone)] == [["expires_soon"]] * 3 + [[], []]
    tell(NOW + DAY)
    assert subjects(mails) == ["3 videos", "1 video "]


def test_a_mail_that_the_server_does_not_take_is_sent_later_and_later(
    make_task: MakeTask, mails: Mails, settings: LazySettings
) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    settings.EMAIL_BACKEND = "tests.worker.test_notify.Down"
    tries: list[datetime] = []
    notify.notify(NOW)
    while len(tries) < 12:
        tries.append(ExpiryMail.objects.get().due_at)
        assert not notify.due(tries[-1] - timedelta(seconds=1))
        send_due(notify, tries[-1])
        if tries[-1] > NOW + DAY:
            break
    waits = [(after - before) / notify.AT_FIRST for before, after in pairwise(tries)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360][: len(waits)]
    make_task(Status.SUCCEEDED, expires_at=NOW + 5 * DAY)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    notify.notify(NOW + DAY)
    for _ in range(2):
        send_due(notify, NOW + 2 * DAY)
    assert subjects(mails) == ["2 videos"]
    assert not ExpiryMail.objects.exists()


def test_what_becomes_due_while_a_mail_is_sent_is_told_of_in_the_next(
    make_task: MakeTask, mails: Mails, owner: Caller
) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    notify.notify(NOW)
    sending = notify.claim(owner.tenant.pk, NOW + notify.AT_FIRST)
    assert sending is not None
    assert notify.claim(owner.tenant.pk, NOW + notify.AT_FIRST) is None, "another worker sends it"
    for _ in range(2):
        make_task(Status.SUCCEEDED, expires_at=NOW + 5 * DAY)
    notify.notify(NOW + DAY)
    notify.settle(sending, is_taken=sending.send())
    send_due(notify, NOW + 2 * DAY)
    assert subjects(mails) == ["1 video ", "2 videos"]


def test_a_worker_that_is_late_settles_nothing(make_task: MakeTask, mails: Mails, owner: Caller) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + 3 * DAY)
    notify.notify(NOW)
    late = notify.claim(owner.tenant.pk, NOW + notify.AT_FIRST)
    assert late is not None
    assert notify.claim(owner.tenant.pk, NOW + DAY) is not None
    notify.settle(late, is_taken=True)
    assert ExpiryMail.objects.get().videos == 1


def test_a_mail_about_videos_that_are_gone_is_dropped(
    make_task: MakeTask, mails: Mails, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    settings.EMAIL_BACKEND = "tests.worker.test_notify.Down"
    tell(NOW)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send_due(notify, NOW + 4 * DAY)
    assert (mails(), ExpiryMail.objects.count()) == ([], 0)
    assert "never sent" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_job_sends_what_is_due(make_task: MakeTask, mails: Mails) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    notify.notify(NOW)
    ExpiryMail.objects.update(until=timezone.now() + DAY)
    asyncio.run(mailing.send_due(notify, timezone.now()))
    threads.close()
    assert subjects(mails) == ["1 video "]
    assert not ExpiryMail.objects.exists()


def test_every_copy_of_many_is_told_of_once(
    make_task: MakeTask, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "BATCH", 2)
    for number in range(7):
        make_task(Status.SUCCEEDED, expires_at=NOW + DAY + timedelta(seconds=number // 3))
    tell(NOW)
    assert TaskEvent.objects.filter(verb="expires_soon").count() == 7
    assert subjects(mails) == ["7 videos"]


@pytest.mark.parametrize("now", [NOW, NOW + DAY])
def test_without_the_setting_nobody_is_told(
    now: datetime, make_task: MakeTask, mails: Mails, settings: LazySettings
) -> None:
    settings.EXPIRY_NOTICE_DAYS = 0
    task = make_task(Status.SUCCEEDED, expires_at=NOW + 2 * DAY)
    tell(now)
    assert (verbs(task), mails()) == ([], [])
