"""A tenant's owners are told once that the balance is below their level."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPException
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.core.mail.backends import locmem
from django.db import connection

from accounts import mail
from accounts.models import AuditEntry, BalanceAlert, Membership, Role, Standing, Tenant, User
from tests.conftest import NOW, Caller
from tests.support.mailing import send_due
from tests.support.members import Member, words
from videos.worker import alert

Mails = Callable[[], list[EmailMessage]]


@pytest.fixture
def mails(owner: Caller, mailoutbox: list[EmailMessage]) -> Mails:
    """The mails to Alice's owner and member sent so far."""
    for name, role in (("olga", Role.OWNER), ("mike", Role.MEMBER)):
        person = User.objects.create_user(name, f"{name}@alice.example")
        Membership.objects.create(tenant=owner.tenant, user=person, role=role)

    def sent() -> list[EmailMessage]:
        mail.flush()
        return mailoutbox

    return sent


def test_owners_are_told_once_and_again_after_the_balance_was_above(owner: Caller, mails: Mails) -> None:
    BalanceAlert.objects.create(tenant=owner.tenant, level=Decimal(10))
    told = 0
    for balance, is_told in (
        ("10", False),  # not below
        ("9.995", True),
        ("9", False),
        ("-1", False),
        ("10", False),  # not above
        ("9", False),
        ("10.01", False),
        ("9", True),
    ):
        Standing.objects.filter(tenant=owner.tenant).update(balance=Decimal(balance))
        send_due(alert, NOW)
        told += is_told
        assert len(mails()) == told, balance
    first = mails()[0]
    assert first.to == ["olga@alice.example"]
    assert first.subject == "The balance of Alice at Reelay is below 10.00 CNY"
    assert "The balance of Alice is 9.995 CNY." in first.body


class Flaky(locmem.EmailBackend):
    """A mail server that refuses what is sent to the addresses in `refused`."""

    refused: ClassVar[set[str]] = set()

    def send_messages(self, messages: Any) -> int:
        if self.refused.intersection(messages[0].to):
            raise SMTPException
        return int(super().send_messages(messages))


def test_a_mail_that_fails_is_sent_again_at_the_next_run(
    owner: Caller, stranger: Caller, mails: Mails, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Flaky"
    for name, tenant in (("otto", owner.tenant), ("cora", stranger.tenant)):
        person = User.objects.create_user(name, f"{name}@people.example")
        Membership.objects.create(tenant=tenant, user=person, role=Role.OWNER)
        BalanceAlert.objects.get_or_create(tenant=tenant, defaults={"level": Decimal(10)})
    Standing.objects.update(balance=Decimal(5))
    for refused, told in (
        ({"olga@alice.example", "otto@people.example"}, ["cora"]),  # one tenant's does not hinder another's
        ({"olga@alice.example"}, ["cora", "otto"]),  # one owner is told: nobody is told twice
        (set(), ["cora", "otto"]),
    ):
        Flaky.refused = refused
        send_due(alert, NOW)
        assert sorted(one.to[0].partition("@")[0] for one in mails()) == told


def test_without_a_level_nobody_is_told(owner: Caller, stranger: Caller, mails: Mails) -> None:
    Standing.objects.update(balance=Decimal(-5))
    BalanceAlert.objects.create(tenant=stranger.tenant, level=Decimal(0))
    send_due(alert, NOW)
    assert mails() == []  # Charlie has no owner with an address


def test_an_owner_sets_changes_and_clears_the_level_on_record(owner: Caller, mails: Mails) -> None:
    alice = Member(owner.tenant, Role.OWNER, "alice")

    def level(value: str) -> list[Decimal]:
        answer = alice.post("portal:balance-alert", level=value)
        assert answer.status_code == 302
        return list(BalanceAlert.objects.values_list("level", flat=True))

    assert level("10") == [10]
    BalanceAlert.objects.update(told_at=NOW)
    assert level("10.00") == [10]
    assert BalanceAlert.objects.get().told_at == NOW
    assert level("25.5") == [Decimal("25.5")]
    assert BalanceAlert.objects.get().told_at is None
    assert 'name="level" value="25.50"' in alice.get("portal:limits").content.decode()
    assert level("") == level("") == []
    entries = AuditEntry.objects.filter(subject="balance alert of Alice").order_by("id")
    assert [(entry.before, entry.after) for entry in entries] == [
        ({}, {"level": "10.00"}),
        ({"level": "10.00"}, {"level": "25.50"}),
        ({"level": "25.50"}, {}),
    ]
    assert all(entry.actor == alice.user and entry.tenant == owner.tenant for entry in entries)


def test_only_owners_set_a_level_and_a_wrong_one_is_refused(owner: Caller) -> None:
    alice, mike = Member(owner.tenant, Role.OWNER), Member(owner.tenant, Role.MEMBER)
    assert "Balance alert" not in mike.see("portal:limits")
    assert mike.post("portal:balance-alert", level="1").status_code == 403
    assert alice.get("portal:balance-alert")["Location"] == alice.url("portal:limits")
    for wrong, told in (("much", "Enter a number."), ("0.0000001", "no more than 6 decimal places")):
        assert told in words(alice.post("portal:balance-alert", level=wrong))
    assert not BalanceAlert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_once(mailoutbox: list[EmailMessage]) -> None:
    tenant = Tenant.objects.create(name="Alice")
    person = User.objects.create_user("olga", "olga@alice.example")
    Membership.objects.create(tenant=tenant, user=person, role=Role.OWNER)
    BalanceAlert.objects.create(tenant=tenant, level=Decimal(10))

    def work(number: int) -> None:
        try:
            send_due(alert, NOW + timedelta(seconds=number))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    mail.flush()
    assert len(mailoutbox) == 1
