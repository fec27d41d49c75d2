"""A person's profile and how to change it."""

from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.mail import TO_AN_ADDRESS
from accounts.models import Membership, Role, Tenant, User
from tests.conftest import Caller
from tests.support.people import PASSWORD, Browser, leads_to, link_in, mails, make_person, text
from tests.support.stored import everything_stored

PROFILE, EMAIL = "/profile/", "/profile/email/"


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


def address_of(person: User) -> str:
    return User.objects.get(pk=person.pk).email


# --- the page


def test_the_profile_lists_the_persons_tenants_and_roles(alice: User, stranger: Caller) -> None:
    other = Tenant.objects.create(name="Another one")
    Membership.objects.create(tenant=other, user=alice, role=Role.VIEWER)
    page = Browser(alice).see(PROFILE)
    for word in ("Alice", "Owner", "Another one", "Viewer", f"/portal/{other.pk}/"):
        assert word in page
    assert stranger.tenant.name not in page
    assert "staff console" not in page


def test_staff_get_a_link_to_the_console(db: None) -> None:
    page = Browser(make_person("sophie", is_staff=True)).see(PROFILE)
    assert 'href="/admin/"' in page
    assert "You are not a member of any tenant" in page


def test_a_person_without_a_tenant_gets_instructions(db: None) -> None:
    browser = Browser(make_person("loner"))
    assert leads_to(browser.get("/")) == PROFILE
    page = browser.see(PROFILE)
    assert "Ask a tenant's owner to invite you" in page
    assert "staff console" not in page


def test_the_profile_takes_few_queries_with_many_tenants(alice: User) -> None:
    for number in range(20):
        Membership.objects.create(tenant=Tenant.objects.create(name=f"Tenant {number}"), user=alice)
    browser = Browser(alice)
    with CaptureQueriesContext(connection) as queries:
        browser.see(PROFILE)
    assert len(queries) <= 6


# --- the name


def test_the_form_changes_the_name_and_nothing_else(alice: User) -> None:
    browser = Browser(alice)
    sent = {
        "first_name": "爱丽丝",
        "last_name": "Li",
        "is_staff": "on",
        "username": "bob",
        "email": "x@x.example",
    }
    assert leads_to(browser.post(PROFILE, **sent)) == PROFILE
    changed = User.objects.get(pk=alice.pk)
    assert (changed.first_name, changed.last_name) == ("爱丽丝", "Li")
    assert (changed.username, changed.email, changed.is_staff) == ("alice", alice.email, False)


def test_a_name_that_is_too_long_is_refused(alice: User) -> None:
    answer = Browser(alice).post(PROFILE, first_name="x" * 151)
    assert answer.context["form"].errors["first_name"]
    assert User.objects.get(pk=alice.pk).first_name == ""


# --- the address


def asked(browser: Browser, address: str, password: str = PASSWORD) -> str:
    """Request a new address; returns the path of the mailed link."""
    assert leads_to(browser.post(EMAIL, email=address, password=password)) == PROFILE
    message = mails()[-1]
    assert message.to == [address]
    return link_in(message)


def test_a_new_address_applies_once_its_link_is_followed(alice: User) -> None:
    browser = Browser(alice)
    link = asked(browser, "alice@new.example")
    assert address_of(alice) == "alice@people.example"
    browser.see(link)
    assert address_of(alice) == "alice@people.example"
    assert leads_to(browser.post(link)) == PROFILE
    assert address_of(alice) == "alice@new.example"
    assert browser.post(link).status_code == 404


def test_a_new_address_needs_the_password(alice: User) -> None:
    browser = Browser(alice)
    answers = [browser.post(EMAIL, email="x@new.example", password=f"guess {n}") for n in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[0].context["form"].errors["password"]
    assert mails() == []
    assert "guess" not in everything_stored()


def test_the_link_works_only_for_the_person_who_requested_it(alice: User) -> None:
    link = asked(Browser(alice), "alice@new.example")
    charlie = make_person("charlie")
    for browser in (Browser(charlie), Browser()):
        assert browser.post(link).status_code in (302, 404)
    assert "This link does not work" in text(Browser(charlie).get(link))
    assert (address_of(alice), address_of(charlie)) == ("alice@people.example", "charlie@people.example")


def test_the_link_works_for_an_hour(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(alice)
    link = asked(browser, "alice@new.example")
    value = signing.loads(link.split("/")[-2], salt="accounts.people.email", max_age=timedelta(hours=1))
    stamp = signing.TimestampSigner.timestamp
    monkeypatch.setattr(
        signing.TimestampSigner,
        "timestamp",
        lambda signer: signing.b62_encode(signing.b62_decode(stamp(signer)) - 3601),
    )
    old = signing.dumps(value, salt="accounts.people.email")
    assert browser.get(f"/profile/email/{old}/").status_code == 404
    assert browser.get(f"/profile/email/{old[:-1]}/").status_code == 404


@pytest.mark.parametrize("how", ["an address", "a user name"])
def test_an_address_in_use_is_refused_without_revealing_it(how: str, alice: User) -> None:
    bob = make_person("bob")
    address = "BOB@people.example"
    if how == "a user name":
        User.objects.filter(pk=bob.pk).update(username="bob@people.example", email="bob@new.example")
    browser = Browser(alice)
    link = asked(browser, address)
    assert browser.post(link).status_code == 404
    assert address_of(alice) == "alice@people.example"


def test_links_to_one_address_are_rate_limited(alice: User) -> None:
    browser = Browser(alice)
    for _ in range(TO_AN_ADDRESS.most + 1):
        answer = browser.post(EMAIL, email="new@people.example", password=PASSWORD)
    assert "Too many e-mails" in str(answer.context["form"].errors["email"])
    assert len(mails()) == TO_AN_ADDRESS.most
