"""The second factor: the password alone does not log in, and no code works twice."""

import re
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Authenticator, Role, User, authenticator
from accounts.people import totp
from accounts.people.log_in import CODE_TIMEOUT
from tests.conftest import NOW, Caller
from tests.support.members import after
from tests.support.people import (
    LOG_IN,
    PASSWORD,
    Browser,
    code_of,
    device_of,
    forgive,
    leads_to,
    make_person,
    text,
    wrong,
)
from tests.support.stored import everything_stored

CODE, PAGE, CONFIRM, OFF = (
    "/log-in/code/",
    "/profile/second-factor/",
    "/profile/second-factor/confirm/",
    "/profile/second-factor/off/",
)
CONSOLE = "/admin/jsi18n/"
"""A page of the console."""


@pytest.fixture(autouse=True)
def clock_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped clock, so that no code expires between app and form."""
    monkeypatch.setattr(authenticator, "clock", NOW.timestamp)


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


@pytest.fixture
def sophie(db: None) -> User:
    """A member of staff."""
    return make_person("sophie", is_staff=True, is_superuser=True)


def secret_on(page: str) -> str:
    (found,) = re.findall(r'<code class="mono" id="secret">([A-Z2-7 ]+)</code>', page)
    return str(found).replace(" ", "")


def age_session(browser: Browser, by: timedelta) -> None:
    """Make the first step of the log-in that old."""
    session = browser.client.session
    session["log_in"] = {**session["log_in"], "at": session["log_in"]["at"] - by.total_seconds()}
    session.save()


# --- setting it up


def test_a_person_sets_it_up_with_a_secret_and_a_first_code(alice: User) -> None:
    browser = Browser(alice)
    assert "Set it up" in browser.see(PAGE)
    page = text(after(browser.post(PAGE, password=PASSWORD)))
    device = Authenticator.objects.get(user=alice)
    assert secret_on(page) == totp.secret(device).replace(" ", "")
    assert '<img class="qr" src="data:image/svg+xml' in page
    assert totp.of(alice) is None
    confirmed = text(after(browser.post(CONFIRM, code=code_of(device))))
    assert "you need a code to log in" in confirmed
    assert '<a class="button primary" href="/profile/">' in confirmed
    assert totp.of(alice) == device
    assert "Turn it off" in browser.see("/profile/")


def test_setting_it_up_needs_the_password(alice: User) -> None:
    browser = Browser(alice)
    for guess in ("", "wrong"):
        answer = browser.post(PAGE, password=guess)
        assert answer.context["form"].errors["password"]
        assert 'id="secret"' not in text(answer)
    assert not Authenticator.objects.exists()
    answers = [browser.post(PAGE, password="wrong").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert "wrong" not in everything_stored()


def test_a_wrong_first_code_does_not_turn_it_on(alice: User) -> None:
    browser = Browser(alice)
    browser.post(PAGE, password=PASSWORD)
    device = Authenticator.objects.get()
    answer = browser.post(CONFIRM, code=wrong(code_of(device)))
    assert answer.context["form"].errors["code"]
    assert totp.of(alice) is None
    assert browser.log_in("alice").status_code == 302


def test_the_secret_is_shown_only_to_who_made_it_until_the_first_code(alice: User, sophie: User) -> None:
    browser = Browser(alice)
    begun = leads_to(browser.post(PAGE, password=PASSWORD))
    made = browser.get(begun)
    secret = secret_on(text(made))
    assert secret_on(browser.see(begun)) == secret
    assert 'id="secret"' not in Browser(sophie).see(begun)
    assert "no-store" in made.headers["cache-control"]
    device = Authenticator.objects.get()
    pages = [text(browser.post(CONFIRM, code=wrong(code_of(device)))), browser.see(PAGE)]
    forgive(device)
    browser.post(CONFIRM, code=code_of(device))
    pages += [
        browser.see(PAGE),
        text(browser.post(PAGE, password=PASSWORD)),
        browser.see(begun),
        browser.see("/profile/"),
    ]
    for page in pages:
        assert secret not in page.replace(" ", "")


def test_a_new_secret_replaces_an_unconfirmed_one(alice: User) -> None:
    browser = Browser(alice)
    first, second = (secret_on(text(after(browser.post(PAGE, password=PASSWORD)))) for _ in range(2))
    assert first != second
    assert Authenticator.objects.count() == 1


def test_a_secret_in_use_is_not_replaced_by_a_new_setup(alice: User) -> None:
    device = device_of(alice)
    browser = Browser(alice)
    browser.post(PAGE, password=PASSWORD)
    browser.post(CONFIRM, code=code_of(device))
    assert list(Authenticator.objects.filter(user=alice)) == [device]


def test_a_code_turns_it_off(alice: User) -> None:
    device = device_of(alice)
    browser = Browser(alice)
    assert browser.post(OFF, code=wrong(code_of(device))).status_code == 200
    assert browser.post(OFF, code="").status_code == 200
    assert totp.of(alice) is not None
    forgive(device)
    assert leads_to(browser.post(OFF, code=code_of(device))) == "/profile/"
    assert not Authenticator.objects.exists()


def test_nobody_turns_off_another_persons(alice: User, sophie: User) -> None:
    device = device_of(alice)
    assert Browser(sophie).post(OFF, code=code_of(device)).status_code == 200
    assert totp.of(alice) == device


# --- logging in with it


def begin(browser: Browser, name: str = "alice", **fields: Any) -> str:
    return leads_to(browser.log_in(name, **fields))


def test_the_password_alone_does_not_log_in(alice: User) -> None:
    device_of(alice)
    browser = Browser()
    assert begin(browser) == CODE
    assert not browser.is_logged_in()
    assert leads_to(browser.get("/profile/")).startswith(LOG_IN)
    assert browser.get(CODE).status_code == 200


def test_password_and_code_log_in(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    code = code_of(device)
    assert leads_to(browser.post(CODE, code=f"{code[:3]} {code[3:]}")) == "/"
    assert browser.is_logged_in()
    assert browser.see("/profile/")


def test_a_code_alone_logs_nobody_in(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    assert leads_to(browser.get(CODE)) == LOG_IN
    assert leads_to(browser.post(CODE, code=code_of(device))) == LOG_IN
    browser.log_in("alice", "wrong")
    assert leads_to(browser.post(CODE, code=code_of(device))) == LOG_IN
    browser.post(LOG_IN, username="alice", otp_token=code_of(device), password=" ")
    assert not browser.is_logged_in()


def test_a_code_works_only_once(alice: User) -> None:
    device = device_of(alice)
    code = code_of(device)
    first, second = Browser(), Browser()
    begin(first)
    begin(second)
    assert first.post(CODE, code=code).status_code == 302
    answer = second.post(CODE, code=code)
    assert answer.status_code == 200
    assert answer.context["form"].errors["code"]
    assert not second.is_logged_in()
    forgive(device)
    assert second.post(CODE, code=code_of(device, -1)).status_code == 200  # older than the one that was used
    forgive(device)
    assert second.post(CODE, code=code_of(device, 1)).status_code == 302


def test_the_code_that_confirmed_it_does_not_log_in(alice: User) -> None:
    browser = Browser(alice)
    browser.post(PAGE, password=PASSWORD)
    device = Authenticator.objects.get()
    code = code_of(device)
    browser.post(CONFIRM, code=code)
    other = Browser()
    begin(other)
    assert other.post(CODE, code=code).status_code == 200
    assert not other.is_logged_in()


def test_after_a_wrong_code_the_right_one_has_to_wait(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    browser.post(CODE, code=wrong(code_of(device)))
    assert browser.post(CODE, code=code_of(device)).status_code == 200
    assert not browser.is_logged_in()
    forgive(device)
    assert browser.post(CODE, code=code_of(device)).status_code == 302


def test_too_many_wrong_codes_lock_the_log_in(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    answers = [browser.post(CODE, code=wrong(code_of(device))).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    forgive(device)
    assert browser.post(CODE, code=code_of(device)).status_code == 429
    assert Browser().log_in("alice").status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert browser.post(CODE, code=code_of(device)).status_code == 302


def test_right_passwords_between_wrong_codes_do_not_reset_the_count(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    answers = []
    for _ in range(5):
        begin(browser)
        answers.append(browser.post(CODE, code=wrong(code_of(device))).status_code)
    assert answers[-1] == 429


def test_the_second_step_expires(alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    age_session(browser, CODE_TIMEOUT - timedelta(minutes=1))
    assert browser.get(CODE).status_code == 200
    age_session(browser, timedelta(minutes=2))
    assert leads_to(browser.post(CODE, code=code_of(device))) == LOG_IN
    assert not browser.is_logged_in()


@pytest.mark.parametrize("change", ["the password", "the person"])
def test_the_second_step_is_void_if_the_first_would_now_fail(change: str, alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    if change == "the password":
        alice.set_password("another one")
    else:
        alice.is_active = False
    alice.save()
    assert leads_to(browser.post(CODE, code=code_of(device))) == LOG_IN


def test_another_persons_code_does_not_log_in(alice: User, sophie: User) -> None:
    device_of(alice)
    foreign = device_of(sophie)
    browser = Browser()
    begin(browser)
    assert browser.post(CODE, code=code_of(foreign)).status_code == 200
    assert not browser.is_logged_in()


@pytest.mark.parametrize(("place", "leads"), [("/profile/?a=b", "/profile/?a=b"), ("//evil.example/", "/")])
def test_both_steps_return_only_to_the_requested_page(place: str, leads: str, alice: User) -> None:
    device = device_of(alice)
    browser = Browser()
    step = begin(browser, next=place)
    assert "evil" not in step
    assert leads_to(browser.post(step, code=code_of(device))) == leads
    other = Browser()
    begin(other)
    assert leads_to(other.post(CODE, code=code_of(device, 1), next=place)) == leads


def test_an_invitation_link_is_not_kept_in_the_session(alice: User) -> None:
    device_of(alice)
    browser = Browser()
    begin(browser, next="/invitations/a-secret/")
    browser.post(CODE, code="000000", next="/invitations/a-secret/")
    assert "a-secret" not in everything_stored()


# --- the console


def test_staff_without_a_second_factor_can_enter_the_console(sophie: User) -> None:
    assert Browser(sophie).get(CONSOLE).status_code == 200


def test_staff_with_a_second_factor_must_have_used_it_to_enter_the_console(sophie: User) -> None:
    device = device_of(sophie)
    browser = Browser(sophie)
    assert leads_to(browser.get(CONSOLE)) == f"/admin/login/?next={CONSOLE}"
    door = leads_to(browser.get(f"/admin/login/?next={CONSOLE}"))
    assert door == f"{LOG_IN}?next={CONSOLE}"
    step = leads_to(browser.get(door))  # this session has already passed the password
    assert step == f"{CODE}?next={CONSOLE}"
    assert leads_to(browser.post(step, code=code_of(device))) == CONSOLE
    assert browser.get(CONSOLE).status_code == 200


def test_the_session_that_set_it_up_stays_verified_and_others_do_not(sophie: User) -> None:
    here, elsewhere = Browser(sophie), Browser(sophie)
    here.post(PAGE, password=PASSWORD)
    here.post(CONFIRM, code=code_of(Authenticator.objects.get()))
    assert here.get(CONSOLE).status_code == 200
    assert elsewhere.get(CONSOLE).status_code == 302


def test_an_unconfirmed_device_locks_nobody_out(sophie: User) -> None:
    browser = Browser(sophie)
    browser.post(PAGE, password=PASSWORD)
    assert browser.get(CONSOLE).status_code == 200


def test_another_persons_device_gives_no_access(sophie: User, alice: User) -> None:
    device_of(sophie)
    foreign = device_of(alice)
    browser = Browser(sophie)
    session = browser.client.session
    session["otp_device_id"] = foreign.persistent_id
    session.save()
    assert browser.get(CONSOLE).status_code == 302


def test_if_staff_need_a_second_factor_the_console_redirects_to_its_setup(
    sophie: User, settings: LazySettings
) -> None:
    settings.STAFF_TOTP_REQUIRED = True
    browser = Browser()
    assert leads_to(browser.log_in("sophie", next="/admin/")) == "/admin/"
    assert leads_to(browser.get(CONSOLE)) == f"/admin/login/?next={CONSOLE}"
    page = leads_to(browser.get(f"/admin/login/?next={CONSOLE}"))
    assert page == f"{PAGE}?next={CONSOLE}"
    assert "only to staff with a second factor" in browser.see(page)
    browser.post(page, password=PASSWORD)
    answer = browser.post(CONFIRM, code=code_of(Authenticator.objects.get()), next=CONSOLE)
    assert f'<a class="button primary" href="{CONSOLE}">' in text(after(answer))
    assert browser.get(CONSOLE).status_code == 200


@pytest.mark.parametrize("is_required", [False, True])
def test_a_second_factor_does_not_let_members_into_the_console(
    is_required: bool, alice: User, settings: LazySettings
) -> None:
    settings.STAFF_TOTP_REQUIRED = is_required
    device = device_of(alice)
    browser = Browser()
    begin(browser)
    browser.post(CODE, code=code_of(device))
    assert browser.get(CONSOLE).status_code == 302
    assert leads_to(browser.get("/admin/login/")) == f"{LOG_IN}?next=/admin/"
    assert "has no access to that page" in browser.see(f"{LOG_IN}?next=/admin/")


def test_the_consoles_log_in_pages_redirect_to_the_shared_ones(sophie: User) -> None:
    browser = Browser(sophie)
    assert leads_to(browser.get("/admin/login/")) == "/admin/"
    assert leads_to(browser.get("/admin/password_change/")) == "/profile/password/"
    assert leads_to(browser.post("/admin/logout/")) == LOG_IN
    assert not browser.is_logged_in()


def test_staff_see_no_device_secret_in_the_console(sophie: User, alice: User) -> None:
    device = device_of(alice)
    browser = Browser(sophie)
    for page in ("config", "qrcode"):
        assert browser.get(f"/admin/accounts/authenticator/{device.pk}/{page}/").status_code == 404


def test_the_database_stores_no_plain_secret(alice: User) -> None:
    device = device_of(alice)
    assert device.key not in everything_stored()
    assert totp.secret(device).replace(" ", "") not in everything_stored()


def test_pages_open_if_the_encryption_key_is_lost(alice: User, settings: LazySettings) -> None:
    browser = Browser()
    device = device_of(alice)
    browser.log_in("alice")
    browser.post(CODE, code=code_of(device))
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    browser.see("/profile/")
