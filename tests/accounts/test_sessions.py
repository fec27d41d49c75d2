"""Sessions of people: they can see and end them, and losing permissions ends them."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import APIKey, AuditEntry, Membership, Role, Session, Tenant, User
from accounts.people import hashing, sessions
from accounts.people.browsers import browser_name
from tests.conftest import Caller
from tests.support.console import Person
from tests.support.people import PASSWORD, Browser, code_of, leads_to, link_in, mails, make_person, text
from tests.support.rows import check_each

PAGE = "/profile/sessions/"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
NEW_PASSWORD = "another long password"


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


@pytest.fixture
def bob(owner: Caller) -> User:
    return make_person("bob", owner.tenant)


def logged_in(name: str, **extra: Any) -> Browser:
    browser = Browser(**extra)
    browser.log_in(name)
    return browser


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/profile/").status_code == 200)


# --- the page


def test_a_person_sees_their_sessions(alice: User) -> None:
    here = logged_in("alice", HTTP_USER_AGENT=EDGE, REMOTE_ADDR="203.0.113.7")
    logged_in("alice", HTTP_USER_AGENT="<b>a robot</b>", REMOTE_ADDR="2001:db8::1")
    page = here.see(PAGE)
    for shown in ("Edge, Windows", "203.0.113.7", "&lt;b&gt;a robot&lt;/b&gt;", "2001:db8::1", "this one"):
        assert shown in page
    for session in Session.objects.all():
        assert session.session_key not in page


def test_a_person_ends_one_or_all_other_sessions(alice: User, bob: User) -> None:
    here, there, elsewhere, his = (logged_in(name) for name in ("alice", "alice", "alice", "bob"))
    (name, _other) = re.findall(r'name="session" value="([0-9a-f]+)"', here.see(PAGE))
    here.post(PAGE, session=name)
    assert sorted(map(is_in, (here, there, elsewhere))) == [False, True, True]
    assert AuditEntry.objects.latest("id").after == {"sessions ended": 1}
    his.post(PAGE, session=name)
    here.post(PAGE, session="unknown")
    here.post(PAGE)
    assert [is_in(browser) for browser in (here, there, elsewhere, his)] == [True, False, False, True]


def test_the_last_use_of_a_session_is_recorded_at_intervals(alice: User) -> None:
    browser = logged_in("alice")
    begun = Session.objects.get().seen_at
    browser.get("/profile/")
    assert Session.objects.get().seen_at == begun
    session = browser.client.session
    session["seen_at"] = (timezone.now() - sessions.SEEN_PRECISION).isoformat()
    session.save()
    browser.get("/profile/")
    seen = Session.objects.get().seen_at
    assert seen is not None
    assert timezone.now() - seen < timedelta(minutes=1)


# --- ending


def change_password(browser: Browser) -> Any:
    words = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    return browser.post("/profile/password/", **words)


def turn_on(browser: Browser) -> Any:
    browser.post("/profile/second-factor/", password=PASSWORD)
    device = User.objects.get(username="alice").authenticator_set.get()
    return browser.post("/profile/second-factor/confirm/", code=code_of(device))


OWN_CHANGES: dict[str, Callable[[Browser], Any]] = {"a password": change_password, "a second factor": turn_on}


@pytest.mark.parametrize("change", OWN_CHANGES)
def test_security_changes_end_all_other_sessions(change: str, alice: User) -> None:
    here, there = logged_in("alice"), logged_in("alice")
    assert OWN_CHANGES[change](here).status_code in (200, 302)
    assert (is_in(here), is_in(there)) == (True, False)
    assert Session.objects.filter(user=alice).count() == 1


def test_a_password_reset_ends_all_sessions(alice: User) -> None:
    there = logged_in("alice")
    stranger = Browser()
    stranger.post("/password/forgotten/", email=alice.email)
    path = leads_to(stranger.get(link_in(mails()[0])))
    stranger.post(path, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    assert not is_in(there)
    assert not Session.objects.filter(user=alice).exists()


def test_losing_permissions_ends_all_sessions(alice: User, bob: User, owner: Caller) -> None:
    def logs_out(take: Callable[[], Any]) -> None:
        Membership.objects.update_or_create(user=bob, tenant=owner.tenant, defaults={"role": Role.MEMBER})
        User.objects.filter(pk=bob.pk).update(is_staff=True, is_active=True)
        his = logged_in("bob")
        take()
        assert not is_in(his)

    hers, sophie = logged_in("alice"), Person("sophie")
    members = f"/portal/{owner.tenant.pk}/members/"
    person = f"/admin/accounts/user/{bob.pk}/"

    def place() -> str:
        return f"{members}{Membership.objects.get(user=bob).pk}/"

    password = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    takes: list[Callable[[], Any]] = [
        lambda: hers.post(f"{place()}role/", role="viewer"),
        lambda: hers.post(f"{place()}remove/"),
        lambda: sophie.fill_in(f"{person}change/", **{"memberships-0-role": "viewer"}),
        lambda: sophie.fill_in(f"{person}change/", **{"memberships-0-DELETE": "on"}),
        lambda: sophie.fill_in(f"{person}change/", is_staff=None),
        lambda: sophie.fill_in(f"{person}change/", is_active=None),
        lambda: sophie.client.post(f"{person}password/", password),
    ]
    check_each(takes[:-1], logs_out)
    logs_out(takes[-1])
    assert is_in(hers)


def test_keeping_or_gaining_permissions_ends_no_session(alice: User, bob: User, owner: Caller) -> None:
    his, hers = logged_in("bob"), logged_in("alice")
    hers.post(f"/portal/{owner.tenant.pk}/members/{Membership.objects.get(user=bob).pk}/role/", role="owner")
    Person("sophie").fill_in(f"/admin/accounts/user/{bob.pk}/change/", first_name="Bob", is_staff="on")
    assert is_in(his)


# --- notifications


def sent_mails() -> list[tuple[list[str], str]]:
    return [(message.to, message.body) for message in mails()]


def test_a_person_is_notified_of_account_changes(
    alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    browser = logged_in("alice", REMOTE_ADDR="203.0.113.7")
    with django_capture_on_commit_callbacks(execute=True):
        change_password(browser)
        turn_on_with = {"password": NEW_PASSWORD}
        browser.post("/profile/second-factor/", **turn_on_with)
        device = alice.authenticator_set.get()
        browser.post("/profile/second-factor/confirm/", code=code_of(device))
    bodies = [body for to, body in sent_mails() if to == [alice.email]]
    assert ["password was changed" in bodies[0], "turned on" in bodies[1]] == [True, True]
    assert all("203.0.113.7" in body for body in bodies)


def test_an_address_change_notifies_both_addresses(
    alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    browser = logged_in("alice")
    browser.post("/profile/email/", email="alice@new.example", password=PASSWORD)
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(link_in(mails()[0]))
    assert [to for to, _ in sent_mails()][1:] == [["alice@new.example"], ["alice@people.example"]]
    assert "alice@new.example" in sent_mails()[-1][1]


def test_owners_are_notified_of_a_new_key(
    alice: User, bob: User, owner: Caller, django_capture_on_commit_callbacks: Any
) -> None:
    tenant: Tenant = owner.tenant
    with django_capture_on_commit_callbacks(execute=True):
        page = logged_in("bob").see(f"/portal/{tenant.pk}/keys/new/")
        (form_id,) = re.findall(r'name="form_id" value="([^"]+)"', page)
        logged_in("bob").post(f"/portal/{tenant.pk}/keys/new/", name="mine", scopes="read", form_id=form_id)
    key = APIKey.objects.get(name="mine")
    [(to, body)] = sent_mails()
    assert to == [alice.email]
    assert f"bob created the API key mine ({key.prefix}…)" in body


# --- the pool for hashing passwords


def test_password_checks_beyond_the_queue_of_the_pool_raise_busy() -> None:
    pool, started, go_on = hashing.Pool(1, 1), threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        go_on.wait(10)
        return "hash"

    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda: outcomes.append(pool.run(slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    started.wait(10)
    while pool._places._value:  # until the other thread waits, too
        threading.Event().wait(0.01)
    with pytest.raises(hashing.HashingPoolFull):
        pool.run(slow)
    go_on.set()
    for thread in threads:
        thread.join()
    assert outcomes == ["hash", "hash"]
    assert pool.run(lambda: "free again") == "free again"


def test_a_log_in_beyond_the_pool_is_asked_to_retry(
    alice: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["accounts.people.hashing.PooledHasher"]
    monkeypatch.setattr(hashing, "_pool", hashing.Pool(1, -1))
    browser = Browser()
    browser.client.raise_request_exception = False
    answer = browser.log_in("alice")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Please wait" in text(answer)
    assert not browser.is_logged_in()


def test_the_pool_hashes_as_django_does(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.people.hashing.PooledHasher"]
    person = User(username="dora")
    person.set_password(PASSWORD)
    assert person.password.startswith("pbkdf2_sha256$")
    assert person.check_password(PASSWORD)
    assert not person.check_password("wrong")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (EDGE, "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Firefox", "Firefox"),
        ("curl/8.14.1", "curl/8.14.1"),
        ("", ""),
    ],
)
def test_a_browser_has_the_name_that_its_owner_knows(agent: str, name: str) -> None:
    assert browser_name(agent) == name
