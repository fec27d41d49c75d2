"""Tenants are told once, and in time, that copies of their videos go."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts import mail
from accounts.models import Membership, Role, User
from tests.conftest import NOW, Caller, MakeTask
from tests.worker.test_steps import verbs
from videos.models import ExpiryMail, TaskEvent
from videos.states import Status
from videos.worker import notify

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


def test_owners_get_one_mail_and_each_copy_an_event(make_task: MakeTask, mails: Mails) -> None:
    soon = [make_task(Status.SUCCEEDED, expires_at=NOW + days * DAY) for days in (1, 3, 4)]
    later = make_task(Status.SUCCEEDED, expires_at=NOW + 4.1 * DAY)
    gone = make_task(Status.SUCCEEDED, expires_at=NOW + DAY, media_removed_at=NOW)
    for _ in range(2):
        notify.notify(NOW)
    [message] = mails()
    assert message.to == ["olga@alice.example"]
    assert message.subject.startswith("3 videos of ")
    assert [verbs(task) for task in (*soon, later, gone)] == [["expires_soon"]] * 3 + [[], []]
    notify.notify(NOW + DAY)
    assert [message.subject[:8] for message in mails()] == ["3 videos", "1 video "]


def test_a_mail_that_the_server_does_not_take_is_sent_later(
    make_task: MakeTask, mails: Mails, settings: LazySettings
) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    settings.EMAIL_BACKEND = "tests.worker.test_notify.Down"
    notify.notify(NOW)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    notify.send_due(NOW + notify.SENDING / 2)
    assert mails() == []
    make_task(Status.SUCCEEDED, expires_at=NOW + 5 * DAY)
    notify.notify(NOW + DAY)
    for _ in range(2):
        notify.send_due(NOW + DAY + notify.SENDING)
    assert [message.subject[:8] for message in mails()] == ["2 videos"]
    assert not ExpiryMail.objects.exists()


def test_a_mail_about_videos_that_are_gone_is_dropped(
    make_task: MakeTask, mails: Mails, settings: LazySettings
) -> None:
    make_task(Status.SUCCEEDED, expires_at=NOW + DAY)
    settings.EMAIL_BACKEND = "tests.worker.test_notify.Down"
    notify.notify(NOW)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    notify.send_due(NOW + 4 * DAY)
    assert (mails(), ExpiryMail.objects.count()) == ([], 0)


def test_every_copy_of_many_is_told_of_once(
    make_task: MakeTask, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "BATCH", 2)
    for number in range(7):
        make_task(Status.SUCCEEDED, expires_at=NOW + DAY + timedelta(seconds=number // 3))
    notify.notify(NOW)
    assert TaskEvent.objects.filter(verb="expires_soon").count() == 7
    assert [message.subject[:8] for message in mails()] == ["7 videos"]


@pytest.mark.parametrize("now", [NOW, NOW + DAY])
def test_without_the_setting_nobody_is_told(
    now: datetime, make_task: MakeTask, mails: Mails, settings: LazySettings
) -> None:
    settings.EXPIRY_NOTICE_DAYS = 0
    task = make_task(Status.SUCCEEDED, expires_at=NOW + 2 * DAY)
    notify.notify(now)
    assert (verbs(task), mails()) == ([], [])
