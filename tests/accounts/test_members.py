"""Members of a tenant: owners invite, change and remove them, all see them, and one owner always stays."""

import html
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.mail import BY_A_CALLER
from accounts.members import invitations, memberships
from accounts.members.memberships import LastOwner
from accounts.models import APIKey, AuditEntry, AuditPlace, Invitation, Membership, Role, Tenant, User
from tests.accounts.test_invitations import roles
from tests.conftest import Caller
from tests.support.members import after
from tests.support.people import Browser, at_once, leads_to, link_in, mails, make_person, text
from tests.support.stored import everything_stored


@pytest.fixture
def tenant(owner: Caller) -> Tenant:
    return owner.tenant


@pytest.fixture
def alice(tenant: Tenant) -> User:
    return make_person("alice", tenant, Role.OWNER)


@pytest.fixture
def bob(tenant: Tenant) -> User:
    return make_person("bob", tenant, Role.MEMBER)


@pytest.fixture
def vera(tenant: Tenant) -> User:
    return make_person("vera", tenant, Role.VIEWER)


def page_of(tenant: Tenant) -> str:
    return f"/portal/{tenant.pk}/members/"


def place(person: User) -> Membership:
    return Membership.objects.get(user=person)


# --- the page


def test_every_member_sees_members_and_open_invitations(
    tenant: Tenant, alice: User, bob: User, vera: User
) -> None:
    invitations.invite(tenant, "carol@people.example", Role.VIEWER, alice, timezone.now())
    for person in (alice, bob, vera):
        page = Browser(person).see(page_of(tenant))
        for word in (
            "alice@people.example",
            "bob@people.example",
            "vera@people.example",
            "carol@people.example",
        ):
            assert word in page


def test_a_member_without_a_name_is_shown_once(tenant: Tenant, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(username="bob@example.com", email="bob@example.com")
    User.objects.filter(pk=alice.pk).update(first_name="Alice", email="alice@example.com")
    page = Browser(alice).see(page_of(tenant))
    assert page.count(">bob@example.com</span>") == 1
    assert page.count(">Alice</span>") == page.count(">alice@example.com</span>") == 1


def test_staff_who_do_not_belong_to_the_tenant_are_not_named(tenant: Tenant, alice: User) -> None:
    sophie = User.objects.create_superuser("sophie")
    invitations.invite(tenant, "carol@people.example", Role.VIEWER, sophie, timezone.now())
    key, _ = APIKey.objects.mint(tenant, "a program", ["read"], None, made_by=sophie)
    of_key = reverse("account:key", args=[tenant.pk, key.pk])
    pages = [page_of(tenant), reverse("account:keys", args=[tenant.pk]), of_key]
    for page in pages:
        seen = Browser(alice).see(page)
        assert "sophie" not in seen
        assert "the platform's staff" in html.unescape(seen)
    Membership.objects.create(tenant=tenant, user=sophie, role=Role.VIEWER)
    assert all("sophie" in Browser(alice).see(page) for page in pages)


def test_only_an_owner_sees_forms(tenant: Tenant, alice: User, bob: User, vera: User) -> None:
    invitations.invite(tenant, "carol@people.example", Role.VIEWER, alice, timezone.now())
    offered = {}
    for person in (alice, bob, vera):
        page = Browser(person).see(page_of(tenant))
        words = ("Invite a member", "Remove the member", "Withdraw", "Role of bob", "Leave the tenant")
        offered[person.username] = [word for word in words if word in page]
    assert offered == {
        "alice": ["Invite a member", "Remove the member", "Withdraw", "Role of bob", "Leave the tenant"],
        "bob": ["Leave the tenant"],
        "vera": [],
    }


def test_an_expired_invitation_is_shown_as_expired(tenant: Tenant, alice: User) -> None:
    invitations.invite(tenant, "carol@people.example", Role.VIEWER, alice, timezone.now() - timedelta(days=8))
    assert "expired" in Browser(alice).see(page_of(tenant))


def test_the_page_takes_few_queries_with_many_members(tenant: Tenant, alice: User) -> None:
    for number in range(30):
        make_person(f"person{number}", tenant)
        invitations.invite(tenant, f"{number}@new.example", Role.VIEWER, alice, timezone.now())
    browser = Browser(alice)
    with CaptureQueriesContext(connection) as queries:
        browser.see(page_of(tenant))
    assert len(queries) <= 10


# --- inviting


def test_an_owner_invites_by_mail_and_does_not_see_the_link(tenant: Tenant, alice: User) -> None:
    browser = Browser(alice)
    answer = browser.post(page_of(tenant), email="Carol@people.example", role="viewer")
    (message,) = mails()
    link = link_in(message)
    assert message.to == ["carol@people.example"]
    assert "Alice" in message.subject
    assert link not in text(after(answer))
    assert "no-store" in after(answer).headers["cache-control"]
    secret = link.split("/")[-2]
    assert secret not in browser.see(page_of(tenant))
    assert secret not in everything_stored()
    assert "carol@people.example" in browser.see(page_of(tenant))
    carol = Browser()
    assert "Join Alice" in carol.see(link)


def test_an_invitation_sent_twice_is_mailed_once_and_shown_again(
    tenant: Tenant, alice: User, bob: User, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"  # so the page shows the link
    memberships.change_role(tenant, place(bob).pk, Role.OWNER)
    browser, sent = Browser(alice), {"email": "carol@people.example", "role": "viewer", "form_id": uuid4()}
    first, again = browser.post(page_of(tenant), **sent), browser.post(page_of(tenant), **sent)
    assert first.url == again.url
    [link] = re.findall(r"http://testserver/invitations/[^<]+", text(after(again)))
    assert link in text(after(first))
    assert Invitation.objects.count() == 1
    assert "is invited" not in Browser(bob).see(first.url)
    Invitation.objects.update(revoked_at=timezone.now())
    assert "is invited" not in browser.see(first.url)


def test_the_link_uses_the_public_url(tenant: Tenant, alice: User, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://video.example.com"
    Browser(alice).post(page_of(tenant), email="carol@people.example", role="viewer")
    assert "https://video.example.com/invitations/" in mails()[0].body


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("", "member", "email"),
        ("carol", "member", "email"),
        ("BOB@people.example", "member", "email"),
        ("carol@people.example", "king", "role"),
        ("carol@people.example", "", "role"),
    ],
)
def test_an_invalid_invitation_is_refused_at_its_field(
    email: str, role: str, field: str, tenant: Tenant, alice: User, bob: User
) -> None:
    answer = Browser(alice).post(page_of(tenant), email=email, role=role)
    assert answer.context["form"].errors[field]
    assert f'id="id_{field}_error"' in text(answer)
    assert not Invitation.objects.exists()
    assert mails() == []


def test_invitations_to_one_address_are_rate_limited_across_inviters(
    tenant: Tenant, alice: User, stranger: Caller
) -> None:
    charlie = make_person("charlie", stranger.tenant, Role.OWNER)
    for person, its in ((alice, tenant), (charlie, stranger.tenant), (alice, tenant)):
        answer = Browser(person).post(page_of(its), email="c@x.example", role="viewer")
        assert "is invited" in text(after(answer))
    refused = Browser(charlie).post(page_of(stranger.tenant), email="C@x.example", role="viewer")
    assert "Too many e-mails" in str(refused.context["form"].errors["email"])
    assert len(mails()) == 3
    assert invitations.unanswered(stranger.tenant).count() == 1
    answer = Browser(charlie).post(page_of(stranger.tenant), email="d@x.example", role="viewer")
    assert "is invited" in text(after(answer))


def test_invitations_by_one_person_are_rate_limited_per_hour(tenant: Tenant, alice: User, bob: User) -> None:
    browser = Browser(alice)
    for number in range(BY_A_CALLER.most + 1):
        answer = browser.post(page_of(tenant), email=f"{number}@x.example", role="viewer")
    assert "Too many e-mails" in str(answer.context["form"].errors["email"])
    assert len(mails()) == BY_A_CALLER.most
    memberships.change_role(tenant, place(bob).pk, Role.OWNER)
    answer = Browser(bob).post(page_of(tenant), email="20@x.example", role="viewer")
    assert "is invited" in text(after(answer))


def test_an_owner_withdraws_an_invitation(tenant: Tenant, alice: User) -> None:
    made, secret = invitations.invite(tenant, "carol@people.example", Role.VIEWER, alice, timezone.now())
    browser = Browser(alice)
    path = f"{page_of(tenant)}invitations/{made.pk}/withdraw/"
    assert leads_to(browser.post(path)) == page_of(tenant)
    assert "No open invitations" in browser.see(page_of(tenant))
    assert Browser().get(invitations.path(secret)).status_code == 404
    assert leads_to(browser.post(path)) == page_of(tenant)  # already withdrawn


# --- changing


def test_an_owner_changes_a_role_and_removes_a_member(tenant: Tenant, alice: User, bob: User) -> None:
    browser, path = Browser(alice), f"{page_of(tenant)}{place(bob).pk}/"
    assert leads_to(browser.post(f"{path}role/", role="viewer")) == page_of(tenant)
    assert roles(tenant) == {"alice": "owner", "bob": "viewer"}
    browser.post(f"{path}role/", role="king")
    assert roles(tenant) == {"alice": "owner", "bob": "viewer"}
    assert leads_to(browser.post(f"{path}remove/")) == page_of(tenant)
    assert roles(tenant) == {"alice": "owner"}
    assert Browser(bob).get(page_of(tenant)).status_code == 404


def test_a_member_leaves(tenant: Tenant, alice: User, bob: User) -> None:
    browser = Browser(bob)
    assert leads_to(browser.post(f"{page_of(tenant)}leave/")) == "/profile/"
    assert roles(tenant) == {"alice": "owner"}
    assert "You are not a member of any tenant" in browser.see("/profile/")


WAYS_OUT: dict[str, Callable[[Browser, str, int], Any]] = {
    "leaves": lambda browser, page, _: browser.post(f"{page}leave/"),
    "removes herself": lambda browser, page, own: browser.post(f"{page}{own}/remove/"),
    "becomes a member": lambda browser, page, own: browser.post(f"{page}{own}/role/", role="member"),
    "becomes a viewer": lambda browser, page, own: browser.post(f"{page}{own}/role/", role="viewer"),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_last_owner_cannot_leave(way: str, tenant: Tenant, alice: User, bob: User) -> None:
    browser = Browser(alice)
    answer = WAYS_OUT[way](browser, page_of(tenant), place(alice).pk)
    assert leads_to(answer) == page_of(tenant)
    assert "A tenant needs an owner" in browser.see(page_of(tenant))
    assert roles(tenant) == {"alice": "owner", "bob": "member"}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_one_of_two_owners_may_leave(way: str, tenant: Tenant, alice: User) -> None:
    make_person("ann", tenant, Role.OWNER)
    WAYS_OUT[way](Browser(alice), page_of(tenant), place(alice).pk)
    assert roles(tenant).get("alice") != "owner"
    assert roles(tenant)["ann"] == "owner"


def test_giving_the_only_owner_the_same_role_changes_nothing(tenant: Tenant, alice: User) -> None:
    assert memberships.change_role(tenant, place(alice).pk, Role.OWNER).role == "owner"


@pytest.mark.django_db(transaction=True)
def test_owners_who_leave_concurrently_leave_one_behind(tenant: Tenant) -> None:
    places = [place(make_person(f"owner{number}", tenant, Role.OWNER)) for number in range(4)]

    def go(own: Membership, number: int) -> Callable[[], Any]:
        if number % 2:
            return lambda: memberships.remove(tenant, own.pk)
        return lambda: memberships.change_role(tenant, own.pk, Role.VIEWER)

    outcomes = at_once(*(go(own, number) for number, own in enumerate(places)))
    assert outcomes.count(LastOwner) == 1
    assert list(roles(tenant).values()).count("owner") == 1


@pytest.mark.django_db(transaction=True)
def test_owners_who_remove_each_other_concurrently_leave_one_behind(tenant: Tenant) -> None:
    first, second = (place(make_person(name, tenant, Role.OWNER)) for name in ("ann", "bea"))
    outcomes = at_once(
        lambda: memberships.remove(tenant, first.pk), lambda: memberships.remove(tenant, second.pk)
    )
    assert outcomes.count(LastOwner) == 1
    assert list(roles(tenant).values()) == ["owner"]


# --- other tenants and records


def test_members_and_invitations_of_another_tenant_are_not_found(
    tenant: Tenant, alice: User, bob: User, stranger: Caller
) -> None:
    charlie = make_person("charlie", stranger.tenant, Role.OWNER)
    theirs, _ = invitations.invite(stranger.tenant, "x@people.example", Role.VIEWER, charlie, timezone.now())
    browser, page = Browser(alice), page_of(tenant)
    paths = [
        f"{page}{place(charlie).pk}/role/",
        f"{page}{place(charlie).pk}/remove/",
        f"{page}invitations/{theirs.pk}/withdraw/",
        f"{page}999999999999999999999/remove/",
    ]
    assert [browser.post(path, role="viewer").status_code for path in paths] == [404] * 4
    assert roles(stranger.tenant) == {"charlie": "owner"}
    assert Invitation.objects.get().revoked_at is None


def test_changes_are_logged_with_their_author_and_without_secrets(
    tenant: Tenant, alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser, page, own = Browser(alice), page_of(tenant), place(bob).pk
    browser.post(page, email="carol@people.example", role="viewer")
    secret = link_in(mails()[0]).split("/")[-2]
    browser.post(f"{page}invitations/{Invitation.objects.get().pk}/withdraw/")
    browser.post(f"{page}{own}/role/", role="owner")
    Browser(bob).post(f"{page}leave/")
    for event in ("member invited", "invitation withdrawn", "role of a member changed", "member left"):
        assert event in caplog.text
    assert str(tenant.pk) in caplog.text
    assert secret not in caplog.text


def test_changes_are_in_the_audit_log_with_their_author(tenant: Tenant, alice: User, bob: User) -> None:
    browser, page, own = Browser(alice), page_of(tenant), place(bob).pk
    browser.post(page, email="carol@people.example", role="viewer")
    withdraw = f"{page}invitations/{Invitation.objects.get().pk}/withdraw/"
    browser.post(withdraw)
    browser.post(withdraw)  # changes nothing
    browser.post(f"{page}{own}/role/", role="viewer")
    browser.post(f"{page}{own}/role/", role="viewer")
    browser.post(f"{page}{own}/remove/")
    browser.post(f"{page}leave/")  # she is the last owner
    changes = AuditEntry.objects.order_by("id")
    assert {(change.tenant, change.actor, change.place) for change in changes} == {
        (tenant, alice, AuditPlace.PORTAL)
    }
    assert [(change.subject, change.before, change.after) for change in changes] == [
        ("invitation of carol@people.example", {}, {"role": "viewer"}),
        ("invitation of carol@people.example", {"role": "viewer"}, {}),
        ("membership of bob", {"role": "member"}, {"role": "viewer"}),
        ("membership of bob", {"role": "viewer"}, {}),
    ]
