"""Passwords are changed with the old one or reset by mail."""

import re
from smtplib import SMTPDataError
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from django.utils.http import urlsafe_base64_encode

from accounts.mail import BY_A_CALLER, TO_AN_ADDRESS
from accounts.models import Role, User
from tests.conftest import Caller
from tests.support.people import (
    LOG_IN,
    PASSWORD,
    Browser,
    device_of,
    leads_to,
    link_in,
    mails,
    make_person,
    text,
)
from tests.support.stored import everything_stored

FORGOTTEN, CHANGE = "/password/forgotten/", "/profile/password/"
NEW = "three green dogs asleep"


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


def twice(password: str) -> dict[str, str]:
    return {"new_password1": password, "new_password2": password}


def has_password(person: User, password: str) -> bool:
    return User.objects.get(pk=person.pk).check_password(password)


# --- changing


def test_changing_the_password_logs_out_all_other_sessions(alice: User) -> None:
    here, elsewhere = Browser(alice), Browser(alice)
    assert leads_to(here.post(CHANGE, old_password=PASSWORD, **twice(NEW))) == "/profile/"
    assert "Your password was changed." in here.see("/profile/")
    assert leads_to(elsewhere.get("/profile/")).startswith(LOG_IN)
    assert has_password(alice, NEW)


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "a wrong old one": ("old_password", {"old_password": "wrong"}, "The password is incorrect."),
    "two different ones": ("new_password2", {"new_password2": "another one"}, "match"),
    "a short one": ("new_password2", twice("abc4"), "too short"),
    "a common one": ("new_password2", twice("password123"), "too common"),
    "the address": ("new_password2", twice("alice@people.example"), "too similar"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_invalid_password_is_refused_at_its_field(what: str, alice: User) -> None:
    field, changes, message = BAD[what]
    answer = Browser(alice).post(CHANGE, **{"old_password": PASSWORD, **twice(NEW), **changes})
    assert message in str(answer.context["form"].errors[field])
    page = text(answer)
    assert f'id="id_{field}_error"' in page
    assert re.search(rf'<input[^>]*name="{field}"[^>]*aria-describedby="[^"]*id_{field}_error', page)
    assert has_password(alice, PASSWORD)


def test_the_password_rules_are_a_list_linked_to_the_field(alice: User) -> None:
    page = Browser(alice).see(CHANGE)
    (described,) = re.findall(r'<input[^>]*name="new_password1"[^>]*aria-describedby="([^"]+)"', page)
    assert f'id="{described}"><ul><li>' in page


def test_one_field_template_serves_all_pages_and_escapes_text() -> None:
    folders = (settings.BASE_DIR / "templates").rglob("*field.html")
    fields = [path for path in folders if "{{ field }}" in path.read_text()]
    assert [path.parent.name for path in fields] == ["templates"]
    assert "|safe" not in fields[0].read_text()


def test_wrong_old_passwords_are_counted(alice: User) -> None:
    browser = Browser(alice)
    answers = [browser.post(CHANGE, old_password=f"guess {n}", **twice(NEW)).status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert browser.post(CHANGE, old_password=PASSWORD, **twice(NEW)).status_code == 429
    assert has_password(alice, PASSWORD)
    stored = everything_stored()
    assert "guess 0" not in stored
    assert NEW not in stored


# --- resetting


def asked(address: str, browser: Browser | None = None) -> Any:
    return (browser or Browser()).post(FORGOTTEN, email=address)


def test_a_mailed_link_sets_a_new_password_once(alice: User) -> None:
    assert leads_to(asked("ALICE@people.example")) == "/password/sent/"
    (message,) = mails()
    assert message.to == ["alice@people.example"]
    link, browser = link_in(message), Browser()
    form = leads_to(browser.get(link))
    assert leads_to(browser.post(form, **twice(NEW))) == LOG_IN
    assert has_password(alice, NEW)
    assert not browser.is_logged_in()
    again = Browser()
    assert "This link does not work" in again.see(link)
    assert link.split("/")[-2] not in everything_stored()


def test_the_answer_is_the_same_for_known_and_unknown_addresses(alice: User) -> None:
    make_person("gone", is_active=False)
    User.objects.create_user("robot", "robot@people.example")  # without a password
    seen = set()
    for address in ("alice", "nobody", "gone", "robot"):
        browser = Browser()
        answer = asked(f"{address}@people.example", browser)
        seen.add((answer.status_code, leads_to(answer), browser.see("/password/sent/").count("account")))
    assert len(seen) == 1
    assert [message.to for message in mails()] == [["alice@people.example"]]


def test_the_link_uses_the_public_url(alice: User, settings: LazySettings) -> None:
    asked("alice@people.example")
    settings.PUBLIC_URL = "https://video.example.com"
    asked("alice@people.example")
    here, there = (message.body for message in mails())
    assert "http://testserver/password/reset/" in here
    assert "https://video.example.com/password/reset/" in there
    assert "testserver" not in there


def test_links_to_one_address_are_rate_limited_silently(alice: User) -> None:
    make_person("bob")
    for number in range(TO_AN_ADDRESS.most + 2):
        elsewhere = Browser(REMOTE_ADDR=f"203.0.113.{number}")
        assert leads_to(asked("Alice@people.example", elsewhere)) == "/password/sent/"
    asked("bob@people.example")
    to = [message.to for message in mails()]
    assert to == [["alice@people.example"]] * TO_AN_ADDRESS.most + [["bob@people.example"]]


def test_requests_for_links_from_one_address_are_rate_limited_per_hour(db: None) -> None:
    people = [make_person(f"person{number}") for number in range(BY_A_CALLER.most + 1)]
    for person in people:
        assert leads_to(asked(person.email)) == "/password/sent/"
    assert len(mails()) == BY_A_CALLER.most
    asked(people[-1].email, Browser(REMOTE_ADDR="203.0.113.9"))
    assert len(mails()) == BY_A_CALLER.most + 1


def test_requests_from_unknown_addresses_do_not_limit_each_other(db: None, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 2
    people = [make_person(f"person{number}") for number in range(BY_A_CALLER.most + 1)]
    for person in people:
        asked(person.email)
    assert len(mails()) == len(people)


@pytest.mark.parametrize("change", ["a letter of it", "the person", "a log-in since"])
def test_an_incomplete_or_expired_link_sets_nothing(change: str, alice: User) -> None:
    bob = make_person("bob")
    asked("alice@people.example")
    *_, uid, token, _ = link_in(mails()[0]).split("/")
    if change == "a letter of it":
        token = token[:-1] + ("0" if token[-1] != "0" else "1")
    elif change == "the person":
        uid = urlsafe_base64_encode(str(bob.pk).encode())
    else:
        User.objects.filter(pk=alice.pk).update(last_login=timezone.now())
    assert "This link does not work" in Browser().see(f"/password/reset/{uid}/{token}/")


def test_a_link_works_for_an_hour(alice: User, settings: LazySettings) -> None:
    token = default_token_generator.make_token(alice)
    assert default_token_generator.check_token(alice, token)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert not default_token_generator.check_token(alice, token)


def test_a_password_reset_does_not_bypass_the_second_factor(alice: User) -> None:
    device_of(alice)
    asked("alice@people.example")
    browser = Browser()
    browser.post(leads_to(browser.get(link_in(mails()[0]))), **twice(NEW))
    assert leads_to(browser.log_in("alice", NEW)) == "/log-in/code/"
    assert not browser.is_logged_in()


def test_an_unreachable_mail_server_does_not_break_the_page(
    alice: User, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert leads_to(asked("alice@people.example")) == "/password/sent/"
    assert mails() == []
    assert "mail was not sent" in caplog.text
    assert "Connection refused" in caplog.text
    assert "/password/reset/" not in caplog.text


class RefusingBackend(BaseEmailBackend):
    """A mail server whose errors quote the message."""

    def send_messages(self, messages: Any) -> int:
        (message,) = messages
        raise SMTPDataError(554, f"5.7.1 spam: <{link_of(message)}> for {message.to[0]}".encode())


def link_of(message: Any) -> str:
    (link,) = re.findall(r"https?://\S+", message.body)
    return str(link)


def test_a_mail_failure_is_logged_without_the_link_and_the_address(
    alice: User, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.{RefusingBackend.__name__}"
    asked("alice@people.example")
    assert mails() == []
    assert "554" in caplog.text
    assert "5.7.1 spam" in caplog.text
    for secret in ("/password/reset/", "alice@people.example"):
        assert secret not in caplog.text


@pytest.mark.parametrize("page", ["/password/sent/", "/profile/email/"])
def test_pages_say_that_a_mail_may_take_a_while(page: str, alice: User) -> None:
    assert "a few minutes" in Browser(alice).see(page)
