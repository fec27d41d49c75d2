"""One log-in for staff and tenants: by name or address, one answer to every failure, and not too often."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.db import IntegrityError
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Role, Session, User
from accounts.networks import UNKNOWN, of_request
from accounts.people.lockout import OF_AN_ADDRESS
from tests.conftest import Caller
from tests.support.people import LOG_IN, PASSWORD, Browser, leads_to, make_person, text
from tests.support.stored import everything_stored

FAILURE = "There is nobody with this name and this password."
LIMIT = 5


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


def fail(browser: Browser, times: int, name: str = "alice") -> Any:
    """Type a wrong password so often; the last answer."""
    for _ in range(times):
        answer = browser.log_in(name, "wrong")
    return answer


# --- who gets in


@pytest.mark.parametrize(
    "name", ["alice", "alice@people.example", "Alice@People.Example", "ALICE", " alice "]
)
def test_a_person_logs_in_by_name_or_address(name: str, alice: User) -> None:
    browser = Browser()
    assert leads_to(browser.log_in(name)) == "/"
    assert browser.is_logged_in()


FAILURES = {
    "a wrong password": ("alice", "wrong"),
    "nobody": ("nobody", PASSWORD),
    "nobody's address": ("nobody@people.example", PASSWORD),
    "the name of somebody who left": ("gone", PASSWORD),
    "their wrong password": ("gone", "wrong"),
    "somebody without a password": ("robot", ""),
    "an empty address": (" ", PASSWORD),
}


@pytest.mark.parametrize("what", FAILURES)
def test_every_failure_looks_the_same(what: str, alice: User) -> None:
    make_person("gone", is_active=False)
    User.objects.create_user("robot")
    browser = Browser()
    name, password = FAILURES[what]
    answer = browser.log_in(name, password)
    assert answer.status_code == 200
    if name.strip() and password:
        assert answer.context["form"].non_field_errors() == [FAILURE]
    assert not browser.is_logged_in()


def test_a_person_without_an_address_is_not_found_by_none(db: None) -> None:
    User.objects.create_user("robot", password=PASSWORD)
    browser = Browser()
    for name in ("", " ", "@"):
        browser.log_in(name)
        assert not browser.is_logged_in()


def test_two_people_have_no_address_in_common(alice: User) -> None:
    with pytest.raises(IntegrityError, match="user_email_once"):
        User.objects.create_user("bob", "ALICE@people.example")


def test_who_is_logged_in_is_sent_to_the_start(alice: User) -> None:
    assert leads_to(Browser(alice).get(LOG_IN)) == "/"


def test_who_is_logged_in_is_told_why_a_page_is_not_open_to_them(alice: User) -> None:
    page = Browser(alice).see(f"{LOG_IN}?next=/admin/")
    assert "You are logged in as alice" in page


def test_logging_out_takes_a_form(alice: User) -> None:
    browser = Browser(alice)
    assert browser.get("/log-out/").status_code == 405
    assert browser.is_logged_in()
    assert leads_to(browser.post("/log-out/")) == LOG_IN
    assert not browser.is_logged_in()


def test_the_log_in_begins_another_session(alice: User) -> None:
    browser = Browser()
    browser.client.session.save()
    before = browser.client.session.session_key
    browser.log_in("alice")
    assert browser.client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    answer = browser.log_in("alice")
    assert answer.status_code == 403
    assert not browser.is_logged_in()


# --- where it leads


HERE = ["/profile/", "/portal/x/?a=b", "/admin/videos/task/?q=%20"]
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    " //evil.example",
    "https://testserver@evil.example/",
]


@pytest.mark.parametrize("place", HERE)
def test_the_log_in_leads_back_to_where_one_was(place: str, alice: User) -> None:
    assert leads_to(Browser().log_in("alice", next=place)) == place


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_log_in_leads_nowhere_else(place: str, alice: User) -> None:
    assert leads_to(Browser().log_in("alice", next=place)) == "/"
    assert Browser().client.get(LOG_IN, {"next": place}).context["next"] == ""
    browser = Browser()
    assert "evil" not in leads_to(browser.client.post("/log-out/", {"next": place}))


def test_a_page_that_needs_somebody_says_where_to_return(db: None) -> None:
    assert leads_to(Browser().get("/profile/")) == f"{LOG_IN}?next=/profile/"


# --- not too often


def test_too_many_failures_close_the_log_in_even_for_the_right_password(alice: User) -> None:
    browser = Browser()
    assert fail(browser, LIMIT - 1).status_code == 200
    assert fail(browser, 1).status_code == 429
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert not browser.is_logged_in()
    assert "Come again in 15 minutes" in text(answer)
    assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60


def test_the_log_in_opens_again_when_the_time_is_over(alice: User) -> None:
    browser = Browser()
    fail(browser, LIMIT)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert "Come again in 1 minute." in text(answer)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert leads_to(browser.log_in("alice")) == "/"


def test_tries_while_it_is_closed_do_not_make_it_longer(alice: User) -> None:
    browser = Browser()
    fail(browser, LIMIT)
    long_ago = timezone.now() - timedelta(minutes=10)
    AccessAttempt.objects.update(attempt_time=long_ago)
    fail(browser, 3)
    assert AccessAttempt.objects.get().attempt_time == long_ago


def test_a_success_forgives_the_failures_before(alice: User) -> None:
    browser = Browser()
    for _ in range(3):
        fail(browser, LIMIT - 1)
        assert browser.log_in("alice").status_code == 302


def test_however_a_name_is_written_its_failures_are_counted_together(alice: User) -> None:
    names = ["alice", "ALICE", "alice@people.example", "Alice@people.EXAMPLE", "aLice"]
    answers = [Browser().log_in(name, "wrong").status_code for name in names]
    assert answers == [200, 200, 200, 200, 429]
    nobodys = [Browser().log_in(name, "wrong").status_code for name in ("No", "nO", "NO", "no", "No")]
    assert nobodys == [200, 200, 200, 200, 429]


def test_the_log_in_stays_open_for_other_names_and_from_elsewhere(alice: User) -> None:
    make_person("bob")
    fail(Browser(), LIMIT)
    assert Browser().log_in("bob").status_code == 302
    assert Browser(REMOTE_ADDR="203.0.113.9").log_in("alice").status_code == 302


def test_who_tries_many_names_from_one_address_is_stopped_there(alice: User) -> None:
    make_person("bob")
    browser = Browser()
    for number in range(OF_AN_ADDRESS - 1):
        assert browser.log_in(f"name{number}", "wrong").status_code == 200
    assert leads_to(Browser().log_in("bob")) == "/"  # which forgives nothing but bob's
    assert browser.log_in("nobody", "wrong").status_code == 429
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert "Too many log-ins failed where you are. Come again in 15 minutes." in text(answer)
    assert Browser(REMOTE_ADDR="203.0.113.9").log_in("alice").status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert leads_to(browser.log_in("alice")) == "/"


def test_addresses_that_cannot_be_known_are_not_closed_for_everybody(
    alice: User, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = 2
    for number in range(OF_AN_ADDRESS + 1):
        Browser().log_in(f"name{number}", "wrong")
    assert leads_to(Browser().log_in("alice")) == "/"


def test_behind_a_proxy_the_address_it_saw_counts(alice: User, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 1
    bad, good = (
        Browser(HTTP_X_FORWARDED_FOR=f"198.51.100.7, {address}") for address in ("203.0.113.9", "203.0.113.8")
    )
    assert fail(bad, LIMIT).status_code == 429
    assert good.log_in("alice").status_code == 302


def test_failures_from_addresses_that_cannot_be_known_are_counted_together(
    alice: User, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = 2
    assert of_request(RequestFactory().get("/")) == UNKNOWN
    answers = [Browser(HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").log_in("alice", "wrong") for n in range(LIMIT)]
    assert answers[-1].status_code == 429


# --- what is kept of it


def test_nothing_secret_is_kept_of_a_failure(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    browser = Browser()
    browser.post(
        f"{LOG_IN}?next=/invitations/a-secret/", username="alice", password="wr0ng", next="/x/a-secret/"
    )
    assert AccessAttempt.objects.exists()
    for secret in ("wr0ng", "a-secret"):
        assert secret not in everything_stored() + caplog.text


COOKIES = """
import json, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.conf import settings
kinds, traits = ("SESSION", "CSRF", "LANGUAGE"), ("SECURE", "HTTPONLY", "SAMESITE")
names = [f"{kind}_COOKIE_{trait}" for kind in kinds for trait in traits]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


TLS: dict[str, tuple[dict[str, str], bool]] = {
    "an https address": ({"PUBLIC_URL": "https://video.example.com"}, True),
    "a proxy that ends TLS": ({"BEHIND_TLS_PROXY": "true"}, True),
    "both": ({"PUBLIC_URL": "https://video.example.com", "BEHIND_TLS_PROXY": "true"}, True),
    "neither": ({}, False),
}


@pytest.mark.parametrize("what", TLS)
def test_cookies_are_kept_to_https_and_from_scripts(what: str, alice: User, settings: LazySettings) -> None:
    variables, is_secure = TLS[what]
    environment = {**os.environ, **variables}
    printed = subprocess.check_output([sys.executable, "-c", COOKIES], env=environment, text=True)
    for name, value in json.loads(printed).items():
        setattr(settings, name, value)
    browser = Browser()
    browser.get(LOG_IN)
    browser.log_in("alice")
    browser.post("/language/", language="zh-hans")
    names = ("sessionid", "csrftoken", "django_language")
    session, token, language = (browser.client.cookies[name] for name in names)
    assert {bool(cookie["secure"]) for cookie in (session, token, language)} == {is_secure}
    assert (session["httponly"], session["samesite"], token["samesite"]) == (True, "Lax", "Lax")


def test_the_page_is_not_kept_by_the_browser_and_loads_nothing_from_elsewhere(db: None) -> None:
    answer = Browser().get(LOG_IN)
    assert "no-store" in answer.headers["cache-control"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert " style=" not in text(answer)
