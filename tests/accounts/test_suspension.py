"""A suspended tenant: its keys, links and portal are closed, and nothing is lost."""

import pytest

from accounts.models import APIKey, Invitation, Role, Tenant
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member
from tests.support.people import Browser, make_person
from videos.states import Status


@pytest.fixture
def suspended(owner: Caller) -> Tenant:
    owner.tenant.suspend(NOW)
    return owner.tenant


def test_its_members_see_only_that_it_is_suspended(owner: Caller, stranger: Caller) -> None:
    alice = Member(owner.tenant)
    owner.tenant.suspend(NOW)
    for page in ("portal:videos", "portal:usage", "portal:playground", "account:keys", "account:members"):
        answer = alice.get(page)
        assert answer.status_code == 403, page
        assert "is suspended" in answer.content.decode()
    assert alice.post("account:new-key", name="mine").status_code == 403
    assert APIKey.objects.filter(tenant=owner.tenant).count() == 1
    assert alice.get("portal:videos", tenant=stranger.tenant).status_code == 404
    assert alice.client.get("/profile/").status_code == 200


def test_its_signed_links_do_not_work_meanwhile(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    link = (
        owner.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"].removeprefix("http://testserver")
    )
    visitor = Caller(None)
    open_to_all = visitor.get(link).status_code
    owner.tenant.suspend(NOW)
    for variant in ("", "&variant=thumbnail"):
        answer = visitor.get(link + variant)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    Tenant.objects.update(suspended_at=None)
    assert visitor.get(link).status_code == open_to_all != 403


def test_nobody_can_be_invited(suspended: Tenant) -> None:
    page = f"/admin/accounts/tenant/{suspended.pk}/invite/"
    answer = Person("sophie").fill_in(page, email="dora@people.example")
    assert "no members can be added" in answer.page
    assert not Invitation.objects.exists()


def test_its_members_can_log_in_for_their_other_tenants(suspended: Tenant, stranger: Caller) -> None:
    dora = make_person("dora", suspended)
    stranger.tenant.memberships.create(user=dora, role=Role.VIEWER)
    browser = Browser()
    browser.log_in("dora")
    assert browser.get(f"/portal/{stranger.tenant.pk}/videos/").status_code == 200
    assert browser.get(f"/portal/{suspended.pk}/videos/").status_code == 403


# --- keys of former members


def test_all_keys_of_a_removed_member_are_revoked_at_once(owner: Caller, stranger: Caller) -> None:
    alice, bob = Member(owner.tenant), Member(owner.tenant, Role.MEMBER, "bob")
    his = [APIKey.objects.mint(owner.tenant, name, made_by=bob.user)[0] for name in ("first", "second")]
    hers, _ = APIKey.objects.mint(owner.tenant, "hers", made_by=alice.user)
    elsewhere, _ = APIKey.objects.mint(stranger.tenant, "elsewhere", made_by=bob.user)
    assert "have left the tenant" not in alice.see("account:keys")
    place = bob.user.memberships.get(tenant=owner.tenant)
    answer = alice.post("account:remove-member", place.pk)
    assert answer.headers["location"] == alice.url("account:left-keys")
    page = alice.see("account:left-keys")
    assert all(word in page for word in ("bob", "first", "second"))
    assert "hers" not in page
    shown = [key.pk for key in (*his, hers, elsewhere)]
    alice.post("account:left-keys", key=shown)
    revoked = APIKey.objects.exclude(revoked_at=None)
    assert set(revoked) == set(his)
    assert "No keys of people who left" in alice.see("account:left-keys")


def test_keys_of_deleted_people_still_name_their_maker(owner: Caller) -> None:
    alice, bob = Member(owner.tenant), Member(owner.tenant, Role.MEMBER, "bob")
    APIKey.objects.mint(owner.tenant, "his", made_by=bob.user)
    bob.user.delete()
    assert "bob" in alice.see("account:left-keys")
    assert "created by bob" in alice.see("account:keys")


def test_only_owners_revoke_left_keys(owner: Caller) -> None:
    mate = Member(owner.tenant, Role.MEMBER, "mate")
    assert mate.get("account:left-keys").status_code == 403
    assert mate.post("account:left-keys", key=[1]).status_code == 403
