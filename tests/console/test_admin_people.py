"""People in the staff console: memberships, second factor, and who may change staff."""

import re
from html import unescape
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError

from accounts.members import appointing
from accounts.models import AuditEntry, Authenticator, CosBucket, Membership, Role, User
from tests.conftest import Caller
from tests.support.console import Form, Person

LIST, ADD = "/admin/accounts/user/", "/admin/accounts/user/add/"
_PASSWORD_IS_SET = re.compile(r'class="readonly[^>]*>\s*Set\s*<')
MAY_CHANGE = ("view_user", "change_user", "add_user", "delete_user")


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


@pytest.fixture
def dora(db: None) -> User:
    return User.objects.create_user("dora", "dora@example.com", "a long password")


def page_of(user: User) -> str:
    return f"{LIST}{user.pk}/change/"


def device_of(user: User) -> Authenticator:
    device: Authenticator = Authenticator.objects.create(user=user, name="phone", confirmed=True)
    return device


def test_a_person_is_created_found_and_added_to_a_tenant(sophie: Person, owner: Caller) -> None:
    answer = sophie.fill_in(ADD, username="emil", password1="Tr0ub4dor&3", password2="Tr0ub4dor&3")
    assert answer.errors == []
    emil = User.objects.get(username="emil")
    place = {"memberships-0-tenant": str(owner.tenant.pk), "memberships-0-role": "viewer"}
    sophie.fill_in(page_of(emil), **place, **{"memberships-TOTAL_FORMS": "1"})
    assert Membership.objects.get(user=emil).role == "viewer"
    assert "emil" in sophie.see(f"{LIST}?q=emi")
    assert "emil" not in sophie.see(f"{LIST}?q=nobody")


def test_a_superuser_removes_the_second_factor_of_a_lost_phone(sophie: Person, dora: User) -> None:
    device = device_of(dora)
    page = sophie.see(page_of(dora))
    assert "phone" in page
    assert device.key not in page
    answer = sophie.fill_in(page_of(dora), **{"authenticator_set-0-DELETE": "on"})
    assert answer.errors == []
    assert not Authenticator.objects.exists()
    [entry] = AuditEntry.objects.all()
    assert entry.before["name"] == "phone"
    assert device.key not in str(entry.before)


def test_the_page_of_a_person_says_whether_there_is_a_password_and_no_more(
    sophie: Person, dora: User
) -> None:
    page = sophie.see(page_of(dora))
    assert _PASSWORD_IS_SET.search(page)
    assert dora.password.split("$")[-1][:6] not in page
    assert "Second factors" not in page
    dora.set_unusable_password()
    dora.save(update_fields=["password"])
    assert not _PASSWORD_IS_SET.search(sophie.see(page_of(dora)))


def test_other_staff_cannot_remove_or_add_a_second_factor(dora: User) -> None:
    device_of(dora)
    tim = Person("tim", *MAY_CHANGE, "view_authenticator", "delete_authenticator", "change_authenticator")
    given = {"authenticator_set-0-DELETE": "on", "authenticator_set-1-name": "mine"}
    tim.fill_in(page_of(dora), **given, **{"authenticator_set-TOTAL_FORMS": "2"}, first_name="Dora")
    dora.refresh_from_db()
    assert dora.first_name == "Dora"
    assert Authenticator.objects.count() == 1


def test_a_device_has_no_page_that_shows_its_secret(sophie: Person, dora: User) -> None:
    device = device_of(dora)
    for page in ("", f"{device.pk}/change/", f"{device.pk}/config/", f"{device.pk}/qrcode/"):
        assert sophie.get(f"/admin/accounts/authenticator/{page}").status_code == 404


def test_only_a_superuser_makes_somebody_staff(sophie: Person, dora: User) -> None:
    tim = Person("tim", *MAY_CHANGE)
    powers = {"is_superuser": "on", "is_staff": "on"}
    assert tim.client.post(page_of(tim.user), {"username": "tim", **powers}).status_code == 403
    tim.fill_in(page_of(dora), **powers)
    dora.refresh_from_db()
    tim.user.refresh_from_db()
    assert (dora.is_staff, dora.is_superuser, tim.user.is_superuser) == (False, False, False)
    sophie.fill_in(page_of(dora), is_staff="on")
    dora.refresh_from_db()
    assert dora.is_staff


@pytest.mark.parametrize("rank", ["superuser", "staff", "herself"])
def test_only_a_superuser_changes_or_deletes_staff(rank: str, sophie: Person) -> None:
    tim = Person("tim", *MAY_CHANGE)
    mate = User.objects.create_user("mate", "mate@example.com", is_staff=True)
    person = {"superuser": sophie.user, "staff": mate, "herself": tim.user}[rank]
    for page in (page_of(person), f"{LIST}{person.pk}/password/", f"{LIST}{person.pk}/delete/"):
        given = {"password1": "Tr0ub4dor&3", "password2": "Tr0ub4dor&3", "post": "yes"}
        assert tim.client.post(page, given).status_code == 403
    assert User.objects.get(pk=person.pk).password == person.password


def test_only_a_superuser_sets_the_password_or_the_address_of_anybody(sophie: Person, dora: User) -> None:
    tim = Person("tim", *MAY_CHANGE)
    given = {"usable_password": "true", "password1": "Tr0ub4dor&3", "password2": "Tr0ub4dor&3"}
    assert "../password/" not in tim.see(page_of(dora))
    assert tim.client.post(f"{LIST}{dora.pk}/password/", given).status_code == 403
    assert tim.fill_in(page_of(dora), email="tim@example.com", first_name="Dora").errors == []
    dora.refresh_from_db()
    assert (dora.first_name, dora.email) == ("Dora", "dora@example.com")
    assert dora.check_password("a long password")
    assert "../password/" in sophie.see(page_of(dora))
    sophie.client.post(f"{LIST}{dora.pk}/password/", given)
    sophie.fill_in(page_of(dora), email="d@example.com")
    dora.refresh_from_db()
    assert (dora.email, dora.check_password("Tr0ub4dor&3")) == ("d@example.com", True)


def test_only_a_superuser_unlocks_the_log_in_of_staff(dora: User) -> None:
    tim = Person("tim", *MAY_CHANGE)
    for name in ("dora", "tim"):
        AccessAttempt.objects.create(
            username=name, ip_address="203.0.113.7", failures_since_start=5, user_agent="", http_accept=""
        )
    tim.client.post(LIST, {"action": "let_in", "_selected_action": [dora.pk, tim.user.pk]})
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["tim"]


def test_the_log_in_of_a_person_can_be_unlocked(sophie: Person, dora: User) -> None:
    for name in ("dora", "emil"):
        AccessAttempt.objects.create(
            username=name, ip_address="203.0.113.7", failures_since_start=5, user_agent="", http_accept=""
        )
    chosen = {"action": "let_in", "_selected_action": [dora.pk]}
    page = sophie.client.post(LIST, chosen, follow=True).content.decode()
    assert "dora may try to log in again." in page
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["emil"]


def test_groups_use_the_theme(sophie: Person) -> None:
    assert sophie.fill_in("/admin/auth/group/add/", name="Support").errors == []
    assert "Support" in sophie.see("/admin/auth/group/")
    assert Group.objects.count() == 1


@pytest.mark.parametrize("kind", ["person", "group"])
def test_permissions_that_no_page_uses_are_kept_and_named(kind: str, sophie: Person, dora: User) -> None:
    group = Group.objects.create(name="Support")
    pages: dict[str, tuple[Any, str, str]] = {
        "person": (dora.user_permissions, page_of(dora), "user_permissions"),
        "group": (group.permissions, f"/admin/auth/group/{group.pk}/change/", "permissions"),
    }
    granted, address, field = pages[kind]
    hidden = Permission.objects.get(codename="change_session", content_type__app_label="sessions")
    tenants, people = Permission.objects.filter(codename__in=["view_tenant", "view_user"])
    granted.set([hidden, tenants])
    page = sophie.see(address)
    assert f'<option value="{hidden.pk}"' not in page
    assert f"they stay as they are: {hidden.content_type} | Can change." in unescape(page)
    sophie.client.post(address, {**Form(page).fields, field: [people.pk]})
    assert {*granted.all()} == {hidden, people}
    [entry] = AuditEntry.objects.all()
    assert hidden.name not in str((entry.before, entry.after))
    sophie.client.post(address, {**sophie.open(address), field: []})
    assert {*granted.all()} == {hidden}
    assert "they stay as they are" not in sophie.see(page_of(sophie.user))


# --- the last owner of a tenant


TENANTS = "/admin/accounts/tenant/"


def members_of(place: Membership) -> str:
    """The tab of the tenant's page."""
    return f"{TENANTS}{place.tenant_id}/change/?tab=members"


NEEDS_OWNER = "A tenant needs an owner"


@pytest.fixture
def place(owner: Caller, dora: User) -> Membership:
    """The membership of Dora, the owner of Alice's tenant."""
    return Membership.objects.create(tenant=owner.tenant, user=dora, role=Role.OWNER)


WAYS_OUT: dict[str, dict[str, str]] = {
    "another role": {"memberships-0-role": "viewer"},
    "no place": {"memberships-0-DELETE": "on"},
    "no place, and a role there is not": {"memberships-0-DELETE": "on", "memberships-0-role": "king"},
}


@pytest.mark.parametrize("page", ["of the person", "of the tenant"])
@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_last_owner_of_a_tenant_cannot_be_removed(
    way: str, page: str, sophie: Person, place: Membership
) -> None:
    address = page_of(place.user) if page == "of the person" else members_of(place)
    assert NEEDS_OWNER in sophie.fill_in(address, **WAYS_OUT[way]).page
    assert Membership.objects.get().role == "owner"
    Membership.objects.create(tenant=place.tenant, user=sophie.user, role=Role.OWNER)
    number = "0" if page == "of the person" else place_on(sophie.open(address), place)
    sophie.fill_in(address, **{name.replace("0", number): value for name, value in WAYS_OUT[way].items()})
    assert not Membership.objects.filter(user=place.user, role="owner").exists()


def place_on(form: dict[str, str], place: Membership) -> str:
    """The row number of the membership on the page."""
    ids = {name: value for name, value in form.items() if name.startswith("memberships-")}
    (name,) = (name for name, value in ids.items() if name.endswith("-id") and value == str(place.pk))
    return name.split("-")[1]


SEES_MEMBERS = (
    "view_user",
    "change_user",
    "view_tenant",
    "change_tenant",
    "view_membership",
    "change_membership",
)


def test_a_membership_keeps_its_person_and_its_tenant(place: Membership, stranger: Caller) -> None:
    """Else the role of an owner could be had without the permission to give it."""
    stan = Person("stan", *SEES_MEMBERS)
    of_tenant, of_person = members_of(place), page_of(place.user)
    stan.fill_in(of_tenant, **{"memberships-0-user": str(stan.user.pk)})
    stan.fill_in(of_person, **{"memberships-0-tenant": str(stranger.tenant.pk)})
    assert Membership.objects.get() == place
    kept = Membership.objects.get()
    assert (kept.user, kept.tenant, kept.role) == (place.user, place.tenant, "owner")
    assert not AuditEntry.objects.exists()


def test_a_role_that_changes_hands_is_a_role_given(place: Membership, stranger: Caller) -> None:
    stan = Person("stan", *SEES_MEMBERS)
    to_stan = Membership(pk=place.pk, tenant=place.tenant, user=stan.user, role=Role.OWNER)
    elsewhere = Membership(pk=place.pk, tenant=stranger.tenant, user=place.user, role=Role.OWNER)
    appointing.check_gift(stan.user, place, place)
    with pytest.raises(ValidationError, match="cannot give yourself"):
        appointing.check_gift(stan.user, place, to_stan)
    with pytest.raises(ValidationError, match="may not make somebody an owner"):
        appointing.check_gift(stan.user, place, elsewhere)


def test_a_role_that_somebody_else_changed_meanwhile_is_kept(
    sophie: Person, place: Membership, owner: Caller
) -> None:
    """Nor is the bucket on another tab of the tenant's page overwritten."""
    bucket = CosBucket.objects.create(tenant=owner.tenant, bucket="films-1250000000", region="ap-guangzhou")
    members, of_bucket = members_of(place), f"{TENANTS}{place.tenant_id}/change/?tab=bucket"
    sent, sent_of_bucket = sophie.open(members), sophie.open(of_bucket)
    Membership.objects.create(tenant=owner.tenant, user=sophie.user, role=Role.OWNER)
    Membership.objects.filter(pk=place.pk).update(role=Role.VIEWER)
    CosBucket.objects.update(path_prefix="elsewhere")
    sophie.send(members, sent, {})
    number = next(name for name in sent_of_bucket if name.endswith("-region") and "initial" not in name)
    sophie.send(of_bucket, sent_of_bucket, {number: "ap-shanghai"})
    place.refresh_from_db()
    bucket.refresh_from_db()
    assert place.role == "viewer"
    assert (bucket.region, bucket.path_prefix) == ("ap-shanghai", "elsewhere")


def test_the_last_owner_can_be_replaced(sophie: Person, place: Membership) -> None:
    page, emil = members_of(place), User.objects.create_user("emil")
    new = {"memberships-1-user": str(emil.pk), "memberships-1-role": "owner"}
    answer = sophie.fill_in(page, **new, **{"memberships-TOTAL_FORMS": "2", "memberships-0-DELETE": "on"})
    assert NEEDS_OWNER not in answer.page
    assert Membership.objects.get().user == emil
    assert not AuditEntry.objects.filter(row_key="None").exists()


def test_a_tenant_without_an_owner_can_still_be_edited(sophie: Person, place: Membership) -> None:
    Membership.objects.update(role=Role.MEMBER)
    sophie.fill_in(members_of(place), **{"memberships-0-role": "viewer"})
    assert Membership.objects.get().role == "viewer"


def test_the_last_owner_cannot_be_deleted(sophie: Person, place: Membership) -> None:
    page = f"{LIST}{place.user_id}/delete/"
    assert f"{place.tenant}: {NEEDS_OWNER}" in sophie.see(page)
    sophie.client.post(page, {"post": "yes"})
    assert Membership.objects.get() == place
    Membership.objects.create(tenant=place.tenant, user=sophie.user, role=Role.OWNER)
    sophie.client.post(page, {"post": "yes"})
    assert not User.objects.filter(pk=place.user_id).exists()
