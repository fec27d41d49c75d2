"""Recovery codes: each logs in once a person who lost the authenticator app."""

import re
from typing import Any

import pytest
from axes.models import AccessAttempt

from accounts.models import AuditEntry, Authenticator, RecoveryCode, User, authenticator
from accounts.people import recovery, totp
from accounts.people.recovery import NUMBER
from tests.accounts.test_second_factor import CODE, CONFIRM, OFF, PAGE
from tests.conftest import NOW, Caller
from tests.support.members import after
from tests.support.people import (
    PASSWORD,
    Browser,
    at_once,
    code_of,
    device_of,
    leads_to,
    mails,
    make_person,
    text,
)
from tests.support.stored import everything_stored

RENEW = "/profile/second-factor/codes/"


@pytest.fixture(autouse=True)
def clock_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "clock", NOW.timestamp)


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant)


@pytest.fixture
def codes(alice: User) -> list[str]:
    return recovery.renew(device_of(alice))


def codes_on(page: Any) -> list[str]:
    return re.findall(r"\b(?:[2-9A-Z]{4}-){3}[2-9A-Z]{4}\b", text(page))


def begun() -> Browser:
    """A browser that has sent the right password."""
    browser = Browser()
    assert leads_to(browser.log_in("alice")) == CODE
    return browser


def test_ten_codes_are_shown_once_at_the_setup_and_stored_as_digests(alice: User) -> None:
    browser = Browser(alice)
    browser.post(PAGE, password=PASSWORD)
    page = after(browser.post(CONFIRM, code=code_of(Authenticator.objects.get())))
    codes = codes_on(page)
    assert len({*codes}) == NUMBER == 10
    assert "no-store" in page.headers["cache-control"]
    stored = everything_stored()
    for code in codes:
        assert code not in stored
        assert code.replace("-", "") not in stored
    for path in (PAGE, RENEW, "/profile/"):
        assert not codes_on(browser.get(path))
    assert "10 unused codes" in browser.see(PAGE)


def test_a_code_logs_in_once_is_recorded_and_mailed(
    alice: User, codes: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    browser, typed = begun(), f" {codes[0].lower().replace('-', ' ')} "
    with django_capture_on_commit_callbacks(execute=True):
        assert leads_to(browser.post(CODE, code=typed)) == "/"
    assert browser.is_logged_in()
    [mail] = mails()
    assert mail.to == [alice.email]
    assert "A recovery code was used. 9 are left." in mail.body
    entry = AuditEntry.objects.filter(subject=f"person {alice}").latest("pk")
    assert (entry.actor, entry.before, entry.after) == (
        alice,
        {"recovery codes": 10},
        {"recovery codes": 9},
    )
    again = begun()
    assert again.post(CODE, code=codes[0]).context["form"].errors["code"]
    assert not again.is_logged_in()
    assert "9 unused codes" in browser.see(PAGE)


def test_a_code_opens_the_console_as_a_code_of_the_app_does(codes: list[str], alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    browser = begun()
    browser.post(CODE, code=codes[0])
    assert browser.get("/admin/jsi18n/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_code_sent_twice_at_once_logs_in_one(alice: User, codes: list[str]) -> None:
    browsers = [begun(), begun()]
    answers = at_once(*(lambda browser=browser: browser.post(CODE, code=codes[0]) for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 302]


def test_wrong_codes_and_those_of_others_fail_and_lock_the_log_in(alice: User, codes: list[str]) -> None:
    other = make_person("bob")
    [foreign, *_] = recovery.renew(device_of(other))
    browser = begun()
    wrong = codes[0][:-1] + ("2" if codes[0][-1] != "2" else "3")
    answers = [browser.post(CODE, code=code).status_code for code in (foreign, wrong, foreign, wrong, wrong)]
    assert answers == [200, 200, 200, 200, 429]
    assert browser.post(CODE, code=codes[0]).status_code == 429
    assert recovery.left(Authenticator.objects.get(user=alice)) == NUMBER
    AccessAttempt.objects.all().delete()
    assert browser.post(CODE, code=codes[0]).status_code == 302


def test_a_wrong_recovery_code_does_not_delay_codes_of_the_app(alice: User, codes: list[str]) -> None:
    browser = begun()
    browser.post(CODE, code="2222-2222-2222-2222")
    assert browser.post(CODE, code=code_of(Authenticator.objects.get(user=alice))).status_code == 302


def test_new_codes_need_the_password_and_replace_the_old_ones(
    alice: User, codes: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    browser = Browser(alice)
    assert browser.post(RENEW, password="wrong").context["form"].errors["password"]
    assert recovery.left(Authenticator.objects.get()) == NUMBER
    with django_capture_on_commit_callbacks(execute=True):
        fresh = codes_on(after(browser.post(RENEW, password=PASSWORD)))
    assert len(fresh) == NUMBER
    assert not {*fresh} & {*codes}
    [mail] = mails()
    assert "New recovery codes were created" in mail.body
    entry = AuditEntry.objects.filter(subject=f"person {alice}").latest("pk")
    assert entry.after == {"recovery codes": "changed"}
    assert begun().post(CODE, code=codes[0]).status_code == 200
    assert begun().post(CODE, code=fresh[0]).status_code == 302


def test_without_a_second_factor_there_are_no_codes(alice: User) -> None:
    browser = Browser(alice)
    assert leads_to(browser.get(RENEW)) == PAGE
    assert leads_to(browser.post(RENEW, password=PASSWORD)) == PAGE
    assert not RecoveryCode.objects.exists()


def test_a_code_turns_the_second_factor_off_and_all_codes_end(alice: User, codes: list[str]) -> None:
    assert leads_to(Browser(alice).post(OFF, code=codes[0])) == "/profile/"
    assert totp.of(alice) is None
    assert not RecoveryCode.objects.exists()
