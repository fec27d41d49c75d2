"""Invitations: a link works once and for some days, and gives no access to an existing account."""

import json
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import keys
from accounts.members import invitations
from accounts.members.invitations import AlreadyMember, NotOpen, TenantSuspended
from accounts.models import Invitation, Membership, Role, Tenant, User
from config import logs
from tests.conftest import NOW, Caller
from tests.support.people import (
    PASSWORD,
    Browser,
    at_once,
    device_of,
    leads_to,
    link_in,
    mails,
    make_person,
    text,
)
from tests.support.stored import everything_stored

ADDRESS = "Bob@People.example"
DAYS = timedelta(days=7)


@pytest.fixture
def tenant(owner: Caller) -> Tenant:
    return owner.tenant


@pytest.fixture
def alice(tenant: Tenant) -> User:
    return make_person("alice", tenant, Role.OWNER)


def invite(
    tenant: Tenant, email: str = ADDRESS, role: Role = Role.MEMBER, now: datetime | None = None
) -> str:
    """Returns the secret of a new link."""
    return invitations.invite(tenant, email, role, None, now or timezone.now())[1]


def roles(tenant: Tenant) -> dict[str, str]:
    return dict(Membership.objects.filter(tenant=tenant).values_list("user__username", "role"))


# --- the verbs


def test_an_invitation_makes_a_member_with_its_role(tenant: Tenant, db: None) -> None:
    bob = make_person("bob")
    secret = invite(tenant, role=Role.VIEWER, now=NOW)
    membership = invitations.accept(secret, bob, NOW + DAYS - timedelta(seconds=1))
    assert (membership.tenant, membership.user, membership.role) == (tenant, bob, Role.VIEWER)
    assert Invitation.objects.get().accepted_at == NOW + DAYS - timedelta(seconds=1)


def test_a_link_has_256_random_bits_and_only_its_digest_is_stored(tenant: Tenant) -> None:
    secrets = {invite(tenant, f"{number}@people.example") for number in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {43}
    kept = everything_stored()
    for secret in secrets:
        assert secret not in kept
        assert keys.digest(secret) in kept


ENDS: dict[str, Callable[[Tenant, str], object]] = {
    "withdrawn": lambda tenant, _: invitations.withdraw(tenant, Invitation.objects.get().pk, NOW),
    "used": lambda _, secret: invitations.accept(secret, make_person("eve"), NOW),
    "replaced": lambda tenant, _: invite(tenant, now=NOW),
    "expired": lambda *_: Invitation.objects.update(expires_at=NOW),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_closed_link_makes_no_member(end: str, tenant: Tenant) -> None:
    bob, secret = make_person("bob"), invite(tenant, now=NOW)
    ENDS[end](tenant, secret)
    before = roles(tenant)
    for try_it in (invitations.accept, invitations.accept_as_new):
        with pytest.raises(NotOpen):
            try_it(secret, bob, NOW)
    with pytest.raises(NotOpen):
        invitations.find(secret, NOW)
    assert roles(tenant) == before


def test_only_an_open_invitation_can_be_withdrawn_and_only_by_its_tenant(
    tenant: Tenant, stranger: Caller
) -> None:
    invite(tenant, now=NOW)
    identity = Invitation.objects.get().pk
    assert not invitations.withdraw(stranger.tenant, identity, NOW)
    assert invitations.withdraw(tenant, identity, NOW)
    assert not invitations.withdraw(tenant, identity, NOW + DAYS)
    assert Invitation.objects.get().revoked_at == NOW


def test_an_address_has_one_open_invitation_in_any_spelling(tenant: Tenant) -> None:
    for address in ("bob@people.example", "BOB@people.example", "bob@PEOPLE.example"):
        invite(tenant, address)
    assert [made.email for made in invitations.unanswered(tenant)] == ["bob@people.example"]
    assert Invitation.objects.count() == 3


def test_two_tenants_can_invite_the_same_person(tenant: Tenant, stranger: Caller) -> None:
    bob = make_person("bob")
    for each in (tenant, stranger.tenant):
        invitations.accept(invite(each), bob, timezone.now())
    assert bob.tenants.count() == 2


def test_a_member_is_not_invited_again(tenant: Tenant) -> None:
    make_person("bob", tenant)
    with pytest.raises(AlreadyMember):
        invite(tenant)
    assert not Invitation.objects.exists()


def test_a_member_does_not_use_up_a_link(tenant: Tenant) -> None:
    eve = make_person("eve", tenant, Role.VIEWER)
    secret = invite(tenant, role=Role.OWNER)
    with pytest.raises(AlreadyMember):
        invitations.accept(secret, eve, timezone.now())
    assert roles(tenant) == {"eve": "viewer"}
    assert invitations.find(secret, timezone.now())


# --- races


@pytest.mark.django_db(transaction=True)
def test_of_many_who_follow_a_link_concurrently_one_becomes_a_member(tenant: Tenant) -> None:
    people = [make_person(f"person{number}") for number in range(4)]
    secret = invite(tenant)

    def accept(person: User) -> Callable[[], Any]:
        return lambda: invitations.accept(secret, person, timezone.now())

    outcomes = at_once(*map(accept, people))
    assert outcomes.count(NotOpen) == 3
    assert len(roles(tenant)) == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_invitations_of_one_person_leave_one_link(tenant: Tenant) -> None:
    first, second = at_once(lambda: invite(tenant), lambda: invite(tenant))
    assert first != second
    assert invitations.unanswered(tenant).count() == 1
    now = timezone.now()
    usable = [secret for secret in (first, second) if invitations._open(secret, now).exists()]
    assert len(usable) == 1


@pytest.mark.django_db(transaction=True)
def test_withdrawing_a_link_races_safely_with_following_it(tenant: Tenant) -> None:
    bob, secret = make_person("bob"), invite(tenant)
    identity = Invitation.objects.get().pk
    outcomes = at_once(
        lambda: invitations.accept(secret, bob, timezone.now()),
        lambda: invitations.withdraw(tenant, identity, timezone.now()),
    )
    made = Invitation.objects.get()
    assert (made.accepted_at is None) is (made.revoked_at is not None) is (NotOpen in outcomes)
    assert (roles(tenant) == {}) is (NotOpen in outcomes)


# --- the page without an account


def account(name: str = "bob", password: str = PASSWORD) -> dict[str, str]:
    return {"username": name, "password1": password, "password2": password}


def test_a_new_person_creates_an_account_and_is_logged_in(tenant: Tenant) -> None:
    path, browser = invitations.path(invite(tenant)), Browser()
    page = browser.see(path)
    assert "Join Alice" in page
    assert 'value="bob"' in page
    assert "send a link to bob@people.example" in page
    assert leads_to(browser.post(path, **account())) == f"/portal/{tenant.pk}/"
    assert browser.is_logged_in()
    bob = User.objects.get()
    assert (bob.username, bob.email) == ("bob", "")
    assert (bob.is_staff, bob.is_superuser) == (False, False)
    assert roles(tenant) == {"bob": "member"}
    assert Browser().log_in("bob").status_code == 302


def test_following_the_mailed_link_confirms_the_address(tenant: Tenant) -> None:
    browser = Browser()
    browser.post(invitations.path(invite(tenant)), **account())
    assert "We sent a link to bob@people.example" in browser.see("/profile/")
    (message,) = mails()
    assert message.to == ["bob@people.example"]
    assert Browser().log_in("bob@people.example").status_code == 200
    assert leads_to(browser.post(link_in(message))) == "/profile/"
    assert User.objects.get().email == "bob@people.example"
    assert Browser().log_in("bob@people.example").status_code == 302


def test_using_another_persons_link_does_not_give_their_address(tenant: Tenant) -> None:
    mallory = Browser()
    mallory.post(invitations.path(invite(tenant)), **account("mallory"))
    browser, secret = Browser(), invite(tenant, now=timezone.now())
    browser.see(invitations.path(secret))
    browser.post(invitations.path(secret), **account("bob"))
    to_mallory, to_bob = map(link_in, mails())
    assert browser.post(to_mallory).status_code == 404  # it is for another account
    assert leads_to(browser.post(to_bob)) == "/profile/"
    assert mallory.post(to_mallory).status_code == 404  # the address is taken
    assert list(User.objects.order_by("pk").values_list("username", "email")) == [
        ("mallory", ""),
        ("bob", "bob@people.example"),
    ]


def test_viewing_a_link_does_not_use_it_up(tenant: Tenant) -> None:
    path = invitations.path(invite(tenant))
    for _ in range(3):
        assert "no-store" in Browser().get(path).headers["cache-control"]
    assert leads_to(Browser().post(path, **account()))


BAD_ACCOUNTS: dict[str, tuple[dict[str, str], str]] = {
    "a name that somebody has": (account("ALICE"), "username"),
    "an address that somebody has": (account("alice@people.example"), "username"),
    "an address that was not invited": (account("carol@people.example"), "username"),
    "the address that was invited": (account("bob@people.example"), "username"),
    "no name": (account(""), "username"),
    "a name with spaces": (account("b o b"), "username"),
    "a short password": (account(password="abc4"), "password2"),
    "no password": (account(password=""), "password1"),
    "the address as password": (account("bob", "bob@people.example"), "password2"),
    "two passwords": ({**account(), "password2": "another"}, "password2"),
}


@pytest.mark.parametrize("what", BAD_ACCOUNTS)
def test_an_invalid_account_is_refused_at_its_field(what: str, tenant: Tenant, alice: User) -> None:
    fields, field = BAD_ACCOUNTS[what]
    path, browser = invitations.path(invite(tenant)), Browser()
    answer = browser.post(path, **fields)
    assert answer.context["form"].errors[field]
    assert User.objects.count() == 1
    assert not browser.is_logged_in()
    assert leads_to(browser.post(path, **account("bob")))


TAKEN: dict[str, dict[str, Any]] = {
    "an account with the address": {"username": "bob", "email": "bob@PEOPLE.example"},
    "an account with the address as its name": {"username": "Bob@people.example"},
    "an account that is closed": {"username": "bob", "email": "bob@people.example", "is_active": False},
}


@pytest.mark.parametrize("what", TAKEN)
def test_an_invitation_gives_no_access_to_an_existing_account(what: str, tenant: Tenant) -> None:
    there = User.objects.create_user(password="the old password", **TAKEN[what])
    path, browser = invitations.path(invite(tenant)), Browser()
    assert browser.post(path, **account(there.username)).status_code == 200
    assert not browser.is_logged_in()
    assert roles(tenant) == {}
    browser.post(path, **account("another"))
    there.refresh_from_db()
    assert there.check_password("the old password")
    assert roles(tenant) == {"another": "member"}
    assert User.objects.get(username="another").email == ""


_OF_THE_MOMENT = re.compile(
    r'(csrfmiddlewaretoken" value="|"x-csrftoken": "|/invitations/|%2Finvitations%2F)[^%/>"]+', re.IGNORECASE
)


def test_an_invitation_does_not_reveal_whether_the_address_has_an_account(tenant: Tenant) -> None:
    def page() -> str:
        shown = Browser().see(invitations.path(invite(tenant)))
        return _OF_THE_MOMENT.sub("", shown)

    unknown = page()
    for fields in TAKEN.values():
        person = User.objects.create_user(password="the old password", **fields)
        assert page() == unknown
        person.delete()


def test_an_inviter_cannot_accept_their_own_invitation(tenant: Tenant) -> None:
    sophie = make_person("sophie", is_staff=True)
    secret = invitations.invite(tenant, ADDRESS, Role.OWNER, sophie, timezone.now())[1]
    browser = Browser(sophie)
    assert leads_to(browser.post(invitations.path(secret))) == "/"
    assert "only somebody else can accept it" in browser.see("/profile/")
    assert roles(tenant) == {}
    invitations.accept(secret, make_person("bob"), timezone.now())
    assert roles(tenant) == {"bob": "owner"}


def test_nobody_joins_a_suspended_tenant(tenant: Tenant) -> None:
    secret = invite(tenant)
    tenant.suspend(NOW)
    with pytest.raises(NotOpen):
        invitations.accept(secret, make_person("bob"), timezone.now())
    assert Browser().get(invitations.path(secret)).status_code == 404
    with pytest.raises(TenantSuspended):
        invite(tenant, "carol@people.example")


def test_a_person_with_an_account_logs_in_and_joins(tenant: Tenant) -> None:
    make_person("bob")
    path, browser = invitations.path(invite(tenant)), Browser()
    (log_in,) = re.findall(r'href="(/log-in/\?next=[^"]+)"', browser.see(path))
    assert leads_to(browser.log_in("bob", next=log_in.partition("next=")[2])) == path
    assert "Join as bob" in browser.see(path)
    assert leads_to(browser.post(path)) == f"/portal/{tenant.pk}/"
    assert roles(tenant) == {"bob": "member"}


def test_joining_needs_the_second_factor_if_there_is_one(tenant: Tenant) -> None:
    device_of(make_person("bob"))
    path, browser = invitations.path(invite(tenant)), Browser()
    browser.log_in("bob", next=path)
    browser.post(path)
    assert roles(tenant) == {}


# --- the page with an account


def test_a_logged_in_person_joins_with_one_click_whatever_their_address(tenant: Tenant) -> None:
    path, browser = invitations.path(invite(tenant)), Browser(make_person("eve"))
    assert "Join as eve" in browser.see(path)
    assert roles(tenant) == {}
    browser.post(path)
    assert roles(tenant) == {"eve": "member"}


def test_an_existing_member_gets_a_message(tenant: Tenant, alice: User) -> None:
    path, browser = invitations.path(invite(tenant, role=Role.VIEWER)), Browser(alice)
    assert leads_to(browser.post(path)) == f"/portal/{tenant.pk}/"
    assert roles(tenant) == {"alice": "owner"}
    assert leads_to(Browser().post(path, **account()))


@pytest.mark.parametrize("who", ["a stranger", "somebody logged in"])
def test_invalid_links_all_look_alike(who: str, tenant: Tenant) -> None:
    links = ["unknown", "x" * 43, "<script>"]
    for number, end in enumerate(ENDS):
        Invitation.objects.all().delete()
        secret = invite(tenant, now=timezone.now())
        if end == "used":
            invitations.accept(secret, make_person(f"person{number}"), timezone.now())
        else:
            Invitation.objects.update(**{"expires_at" if end == "expired" else "revoked_at": timezone.now()})
        links.append(secret)
    browser = Browser(make_person("eve") if who != "a stranger" else None)
    seen = set()
    for link in links:
        for answer in (
            browser.get(f"/invitations/{link}/"),
            browser.post(f"/invitations/{link}/", **account()),
        ):
            assert answer.status_code == 404
            (card,) = re.findall(r"<main.*?</main>", text(answer), re.DOTALL)
            seen.add(card)
    assert len(seen) == 1


def test_a_cross_site_form_joins_nobody(tenant: Tenant) -> None:
    browser = Browser(make_person("eve"), enforce_csrf_checks=True)
    assert browser.post(invitations.path(invite(tenant))).status_code == 403
    assert roles(tenant) == {}


# --- secrecy


def test_the_secret_of_a_link_is_in_no_log_and_no_row(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    secret = invite(tenant)
    path = invitations.path(secret)
    Browser(enforce_csrf_checks=True).post(path, **account())
    browser = Browser()
    browser.log_in("nobody", "wrong", next=path)
    browser.post(path, **account())
    Browser().get(path)
    assert browser.is_logged_in()
    assert {record.name for record in caplog.records} >= {
        "django.security.csrf",
        "accounts.people.invitation",
    }
    (handler,) = logging.getLogger().handlers[:1]
    for record in caplog.records:
        assert handler.formatter is not None
        assert secret not in handler.formatter.format(record)
    assert secret not in everything_stored()


@pytest.mark.parametrize("path", ["/invitations/{}/", "/password/reset/MQ/{}/", "GET /invitations/{} broke"])
def test_paths_in_logs_are_shortened(path: str) -> None:
    event = logs.without_secrets_of_links(None, "", {"event": path.format("c2VjcmV0-_"), "level": "error"})
    assert event["event"] in {path.format("…"), path.format("…").rstrip("/") + "/"}
    assert event["level"] == "error"


# --- the first owner


def made_by_command(*arguments: str) -> dict[str, str]:
    printed = StringIO()
    call_command("createtenant", "Bobs", *arguments, stdout=printed)
    made: dict[str, str] = json.loads(printed.getvalue())
    return made


def test_a_new_tenant_gets_a_link_for_its_first_owner(db: None, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://video.example.com"
    made = made_by_command("--owner", ADDRESS)
    link = made["invitation"]
    assert link.startswith("https://video.example.com/invitations/")
    browser = Browser()
    browser.post(link.removeprefix("https://video.example.com"), **account())
    assert roles(Tenant.objects.get(pk=made["tenant"])) == {"bob": "owner"}


def test_a_tenant_without_an_owner_gets_no_link(db: None) -> None:
    assert set(made_by_command()) == {"tenant", "key"}


def test_no_tenant_is_created_for_an_invalid_address(db: None) -> None:
    with pytest.raises(CommandError, match="valid email"):
        made_by_command("--owner", "bob")
    assert not Tenant.objects.exists()
