"""API keys in the staff console: shown once, stored nowhere, rotated and revoked."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts import audit, keys
from accounts.models import APIKey, AuditEntry, KeyKind, Purpose, SigningSecret, Tenant, User
from tests.conftest import NOW, Caller, make_caller
from tests.support.console import Person
from tests.support.members import after, words
from tests.support.people import leads_to
from tests.support.stored import everything_stored

LIST, ADD = "/admin/accounts/apikey/", "/admin/accounts/apikey/add/"
KEY = re.compile(r"rly_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")


@pytest.fixture
def staff(db: None) -> Client:
    """A browser logged in as Sophie, a member of staff."""
    client = Client()
    client.force_login(User.objects.create_superuser("sophie"))
    return client


def change_page(key: APIKey) -> str:
    return f"{LIST}{key.pk}/change/"


def form(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    return {"tenant": tenant.pk, "name": "a program", "scopes": ["read"], "form_id": uuid4(), **changes}


def act(staff: Client, action: str, *chosen: APIKey) -> Any:
    """Choose the action for the keys, and confirm it."""
    sent = {"action": action, "_selected_action": [key.pk for key in chosen], "confirmed": "yes"}
    sent["form_id"] = str(uuid4())
    return staff.post(LIST, sent, follow=True)


def shown(answer: Any) -> list[str]:
    """The keys that an answer shows, or the page it leads to."""
    return KEY.findall(after(answer).content.decode())


# --- a new key


def test_a_new_key_is_shown_once_and_works(staff: Client, owner: Caller) -> None:
    [text] = shown(staff.post(ADD, form(owner.tenant)))
    assert Caller(text).get("/v1/models").status_code == 200
    for page in (LIST, change_page(APIKey.objects.latest("pk")), "/admin/"):
        assert text not in staff.get(page).content.decode()


def test_a_new_key_pair_is_shown_once(staff: Client, owner: Caller) -> None:
    assert 'name="kind"' in staff.get(ADD).content.decode()
    answer = words(staff.post(ADD, form(owner.tenant, kind="pair"), follow=True))
    made = APIKey.objects.latest("pk")
    secret = SigningSecret.objects.get(key=made).secret
    assert made.kind == KeyKind.PAIR
    assert f"SecretId Copy {made.prefix} SecretKey Copy {secret}" in answer
    for page in (LIST, change_page(made), "/admin/"):
        assert secret not in staff.get(page).content.decode()
    assert secret not in everything_stored()


def test_a_key_pair_is_rotated_and_changed(staff: Client, owner: Caller) -> None:
    pair, _ = APIKey.objects.mint(owner.tenant, "a pair", kind=KeyKind.PAIR)
    answer = words(act(staff, "rotate", pair))
    new = APIKey.objects.get(replaces=pair)
    secret = SigningSecret.objects.get(key=new).secret
    assert f"SecretId Copy {new.prefix} SecretKey Copy {secret}" in answer
    assert staff.post(change_page(new), form(owner.tenant, name="renamed")).status_code == 302
    assert APIKey.objects.get(pk=new.pk).name == "renamed"


def test_a_new_key_is_stored_in_no_cookie_session_or_row(staff: Client, owner: Caller) -> None:
    [text] = shown(staff.post(ADD, form(owner.tenant)))
    secret = text.rpartition("_")[2]
    assert secret not in everything_stored()
    assert "messages" not in {name for name, cookie in staff.cookies.items() if cookie.value}


def test_a_page_that_shows_a_key_is_not_cached(staff: Client, owner: Caller) -> None:
    assert "no-store" in after(staff.post(ADD, form(owner.tenant)))["Cache-Control"]


def test_a_form_sent_twice_makes_one_key_and_shows_it_again_until_it_is_copied(
    staff: Client, owner: Caller
) -> None:
    sent = form(owner.tenant)
    first, again = staff.post(ADD, sent), staff.post(ADD, sent)
    assert len(shown(first)) == 1
    assert shown(again) == shown(first)
    assert APIKey.objects.filter(name="a program").count() == 1
    tim = Client()
    tim.force_login(User.objects.create_superuser("tim"))
    made = leads_to(first)
    assert shown(tim.get(made)) == []
    assert leads_to(staff.post(made)) == LIST
    assert "can no longer be shown" in words(staff.get(made, follow=True))
    other = staff.post(ADD, {**sent, "name": "another"})
    assert "already sent with other values" in words(other)
    assert not APIKey.objects.filter(name="another").exists()


def test_a_rotation_sent_twice_makes_one_key_of_each_and_says_the_same_again(
    staff: Client, owner: Caller, mate: Caller
) -> None:
    assert owner.key is not None
    assert mate.key is not None
    mate.key.revoke(NOW)
    chosen = [owner.key.pk, mate.key.pk]
    sent = {"action": "rotate", "_selected_action": chosen, "form_id": uuid4()}
    pages = [staff.post(LIST, sent, follow=True) for _ in range(2)]
    assert len(shown(pages[0])) == 1
    assert shown(pages[0]) == shown(pages[1])
    for page in pages:
        assert f"{mate.key} has been revoked" in words(page)
    assert APIKey.objects.count() == 3


def test_a_new_key_has_the_values_of_the_form(staff: Client, owner: Caller) -> None:
    limits = {
        "scopes": ["read", "manage"],
        "expires_at_0": "2027-01-01",
        "expires_at_1": "00:00:00",
        "allowed_models": ["Kling-3.0-720p", "Vidu-q2-1080p"],
        "allowed_networks": "203.0.113.0/24,2001:db8::/32",
        "requests_per_minute": "10",
        "spend_per_month": "9.5",
    }
    assert shown(staff.post(ADD, form(owner.tenant, **limits)))
    key = APIKey.objects.latest("pk")
    assert (key.tenant, key.scopes) == (owner.tenant, ["read", "manage"])
    assert key.expires_at is not None
    assert key.expires_at.year == 2027
    assert key.allowed_models == ["Kling-3.0-720p", "Vidu-q2-1080p"]
    assert key.allowed_networks == ["203.0.113.0/24", "2001:db8::/32"]
    assert (key.requests_per_minute, key.spend_per_month) == (10, Decimal("9.5"))


def test_the_form_preselects_the_read_and_write_scopes(staff: Client) -> None:
    page = staff.get(ADD).content.decode()
    boxes = re.findall(r'<input type="checkbox" name="scopes" value="(\w+)"([^>]*)>', page)
    assert [value for value, _ in boxes] == ["read", "write", "manage"]
    assert [value for value, rest in boxes if re.search(r"\schecked\b(?!:)", rest)] == ["read", "write"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", []),
        ("scopes", ["fly"]),
        ("name", ""),
        ("allowed_networks", "203.0.113.1/24"),
        ("allowed_networks", "somewhere"),
        ("allowed_networks", ",".join(["203.0.113.0/24"] * 101)),
        ("allowed_models", ["Kling-9.9-720p"]),
        ("requests_per_minute", "-1"),
        ("spend_per_month", "-0.01"),
    ],
)
def test_an_invalid_key_is_refused(field: str, value: Any, staff: Client, owner: Caller) -> None:
    answer = staff.post(ADD, form(owner.tenant, **{field: value}))
    assert field in answer.context["adminform"].errors
    assert not shown(answer)
    assert APIKey.objects.count() == 1


# --- an existing key


def test_no_page_shows_a_key_or_its_digest(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    assert owner.text is not None
    owner.get("/v1/models")
    staff.post(change_page(owner.key), form(owner.tenant, name="renamed"))
    for page in ("", "change/", "history/", "revoke/"):
        answer = staff.get(f"{LIST}{owner.key.pk}/{page}" if page else LIST)
        assert answer.status_code == 200
        for secret in (owner.text, owner.text.rpartition("_")[2], owner.key.digest):
            assert secret not in answer.content.decode()


def test_a_change_does_not_break_the_key_or_move_it_to_another_tenant(
    staff: Client, owner: Caller, stranger: Caller
) -> None:
    assert owner.key is not None
    staff.post(change_page(owner.key), form(stranger.tenant, name="renamed", allowed_models=["GV-3.1-720p"]))
    changed = APIKey.objects.get(pk=owner.key.pk)
    assert (changed.name, changed.allowed_models, changed.scopes) == ("renamed", ["GV-3.1-720p"], ["read"])
    assert changed.tenant == owner.tenant
    assert owner.get("/v1/models").status_code == 200


def test_what_somebody_else_changed_meanwhile_is_kept(owner: Caller) -> None:
    assert owner.key is not None
    sophie, page = Person("sophie"), change_page(owner.key)
    sent = sophie.open(page)
    APIKey.objects.update(requests_per_minute=5, expires_at=NOW, allowed_models=["GV-3.1-720p"])
    sophie.send(page, sent, {"name": "renamed"})
    changed = APIKey.objects.get()
    assert (changed.name, changed.requests_per_minute, changed.expires_at) == ("renamed", 5, NOW)
    assert changed.allowed_models == ["GV-3.1-720p"]
    assert AuditEntry.objects.get().after == {"name": "renamed"}


def test_a_form_opened_before_a_rotation_does_not_revive_the_old_key(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    owner.key.rotate(timezone.now(), timedelta(hours=1))
    staff.post(change_page(owner.key), form(owner.tenant, name="renamed", expires_at_0="", expires_at_1=""))
    changed = APIKey.objects.get(pk=owner.key.pk)
    assert (changed.name, changed.expires_at) == ("renamed", owner.key.expires_at)


# --- actions


def test_revoked_keys_stop_working(staff: Client, owner: Caller, mate: Caller) -> None:
    assert owner.key is not None
    answer = act(staff, "revoke", owner.key)
    assert f"Revoked: {owner.key}" in answer.content.decode()
    assert owner.get("/v1/models").status_code == 401
    assert mate.get("/v1/models").status_code == 200
    [entry] = AuditEntry.objects.all()
    owner.key.refresh_from_db()
    assert (entry.subject, entry.tenant) == (f"API key {owner.key}", owner.tenant)
    assert entry.after == {"revoked_at": audit.plain(owner.key.revoked_at)}


def test_a_revocation_is_confirmed_on_a_page_that_says_what_it_stops(
    staff: Client, owner: Caller, mate: Caller
) -> None:
    assert owner.key is not None
    assert mate.key is not None
    page = f"{LIST}{owner.key.pk}/revoke/"
    assert page in staff.get(change_page(owner.key)).content.decode()
    chosen = {"action": "revoke", "_selected_action": [owner.key.pk, mate.key.pk], "form_id": uuid4()}
    for asked in (staff.get(page), staff.post(LIST, chosen)):
        assert "it is refused for good" in asked.content.decode()
        assert owner.key.shown_prefix in asked.content.decode()
    assert not APIKey.objects.exclude(revoked_at=None).exists()
    assert f"Revoked: {owner.key}" in staff.post(page, follow=True).content.decode()
    assert owner.get("/v1/models").status_code == 401
    assert "It is already revoked." in staff.post(page, follow=True).content.decode()
    assert page not in staff.get(change_page(owner.key)).content.decode()
    people = APIKey.objects.of_people(owner.tenant, Purpose.PORTAL)
    assert staff.post(f"{LIST}{people.pk}/revoke/").status_code == 404
    assert "delete/" not in staff.get(change_page(mate.key)).content.decode()


def test_the_state_of_a_key_says_until_when(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    day = {"expires_at": timezone.now() + timedelta(days=9)}
    APIKey.objects.filter(pk=owner.key.pk).update(**day)
    for page in (LIST, f"/admin/accounts/tenant/{owner.tenant.pk}/change/?tab=keys"):
        assert f"Active, expires {day['expires_at']:%Y-%m-%d}" in staff.get(page).content.decode()
    APIKey.objects.filter(pk=owner.key.pk).update(revoked_at=NOW)
    assert f"Revoked {NOW:%Y-%m-%d}" in staff.get(LIST).content.decode()


def test_models_are_picked_by_family_and_stored_ones_stay(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    stored = ["kling-3.0-720p", "Gone-1.0-720p"]
    APIKey.objects.filter(pk=owner.key.pk).update(allowed_models=stored)
    page = staff.get(change_page(owner.key)).content.decode()
    assert "No longer offered" in page
    chosen = re.findall(r'name="allowed_models" value="([^"]+)"[^>]* checked', page)
    assert chosen == ["Kling-3.0-720p", "Gone-1.0-720p"]
    assert len(re.findall("<details open><summary>", page)) == 2
    staff.post(change_page(owner.key), form(owner.tenant, name="renamed", allowed_models=chosen))
    assert APIKey.objects.get(pk=owner.key.pk).allowed_models == stored


def test_revoking_again_keeps_the_first_time(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    owner.key.revoke(NOW)
    act(staff, "revoke", owner.key)
    assert APIKey.objects.get().revoked_at == NOW


def test_rotated_keys_are_shown_once_and_the_old_ones_still_work(staff: Client, owner: Caller) -> None:
    old = [key for number in range(12) if (key := make_caller(owner.tenant, f"key {number}").key)]
    texts = shown(act(staff, "rotate", *old))
    assert len(set(texts)) == 12
    kept = everything_stored() + staff.get(LIST).content.decode()
    for text in texts:
        assert Caller(text).get("/v1/models").status_code == 200
        assert text.rpartition("_")[2] not in kept
    for key in APIKey.objects.filter(pk__in=[key.pk for key in old]):
        assert key.expires_at is not None
        assert timedelta(hours=23) < key.expires_at - timezone.now() <= timedelta(hours=24)


def test_a_rotation_is_in_the_audit_log(staff: Client, owner: Caller) -> None:
    assert owner.key is not None
    [text] = shown(act(staff, "rotate", owner.key))
    parsed = keys.parse(text)
    assert parsed is not None
    new, old = AuditEntry.objects.all()
    assert (old.subject, old.after["replaced_by"]) == (f"API key {owner.key}", f"owner ({parsed.prefix}…)")
    assert (new.subject, new.before) == (f"API key owner ({parsed.prefix}…)", {})
    assert new.after["scopes"] == owner.key.scopes


def test_keys_that_cannot_be_rotated_are_named_and_the_others_are_rotated(
    staff: Client, owner: Caller, mate: Caller
) -> None:
    assert owner.key is not None
    assert mate.key is not None
    owner.key.revoke(NOW)
    answer = act(staff, "rotate", owner.key, mate.key)
    assert f"{owner.key} has been revoked" in answer.content.decode()
    assert len(shown(answer)) == 1


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["view"], []),
        (["view", "change"], ["revoke"]),
        (["view", "add"], []),
        (["view", "add", "change"], ["rotate", "revoke"]),
    ],
)
def test_actions_need_permission(permissions: list[str], allowed: list[str], owner: Caller) -> None:
    person = User.objects.create_user("tim", is_staff=True)
    names = [f"{permission}_apikey" for permission in permissions]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    browser = Client()
    browser.force_login(person)
    page = browser.get(LIST).content.decode()
    assert [name for name in ("rotate", "revoke") if f'<option value="{name}">' in page] == allowed
    for name in {"rotate", "revoke"} - set(allowed):
        assert owner.key is not None
        act(browser, name, owner.key)
    assert APIKey.objects.filter(revoked_at=None, expires_at=None).count() == 1
