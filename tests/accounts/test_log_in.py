"""The log-in of staff and tenants: by name or address, with one answer to all failures and a rate limit."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.db import IntegrityError
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Role, Session, User
from accounts.networks import UNKNOWN, of_request
from accounts.people.lockout import MAX_FAILURES_PER_ADDRESS
from tests.conftest import Caller
from tests.support.people import LOG_IN, PASSWORD, Browser, leads_to, make_person, text
from tests.support.stored import everything_stored

FAILURE = "The user name or password is incorrect."
LIMIT = 5


@pytest.fixture
def alice(owner: Caller) -> User:
    return make_person("alice", owner.tenant, Role.OWNER)


def fail(browser: Browser, times: int, name: str = "alice") -> Any:
    """Log in with a wrong password that many times; returns the last answer."""
    for _ in range(times):
        answer = browser.log_in(name, "wrong")
    return answer


# --- success and failure


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
def test_all_failures_look_the_same(what: str, alice: User) -> None:
    make_person("gone", is_active=False)
    User.objects.create_user("robot")
    browser = Browser()
    name, password = FAILURES[what]
    answer = browser.log_in(name, password)
    assert answer.status_code == 200
    if name.strip() and password:
        assert answer.context["form"].non_field_errors() == [FAILURE]
    assert not browser.is_logged_in()


def test_an_empty_address_finds_nobody(db: None) -> None:
    User.objects.create_user("robot", password=PASSWORD)
    browser = Browser()
    for name in ("", " ", "@"):
        browser.log_in(name)
        assert not browser.is_logged_in()


def test_two_people_cannot_share_an_address(alice: User) -> None:
    with pytest.raises(IntegrityError, match="user_email_once"):
        User.objects.create_user("bob", "ALICE@people.example")


def test_a_logged_in_person_is_sent_to_the_start_page(alice: User) -> None:
    assert leads_to(Browser(alice).get(LOG_IN)) == "/"


def test_a_logged_in_person_without_access_is_told_why(alice: User) -> None:
    page = Browser(alice).see(f"{LOG_IN}?next=/admin/")
    assert "You are logged in as alice" in page


def test_logging_out_needs_a_form(alice: User) -> None:
    browser = Browser(alice)
    assert browser.get("/log-out/").status_code == 405
    assert browser.is_logged_in()
    assert leads_to(browser.post("/log-out/")) == LOG_IN
    assert not browser.is_logged_in()


def test_logging_in_starts_a_new_session(alice: User) -> None:
    browser = Browser()
    browser.client.session.save()
    before = browser.client.session.session_key
    browser.log_in("alice")
    assert browser.client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_form_without_csrf_token_is_refused(alice: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    answer = browser.log_in("alice")
    assert answer.status_code == 403
    assert not browser.is_logged_in()


# --- redirects


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
def test_the_log_in_returns_to_the_requested_page(place: str, alice: User) -> None:
    assert leads_to(Browser().log_in("alice", next=place)) == place


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_log_in_redirects_nowhere_else(place: str, alice: User) -> None:
    assert leads_to(Browser().log_in("alice", next=place)) == "/"
    assert Browser().client.get(LOG_IN, {"next": place}).context["next"] == ""
    browser = Browser()
    assert "evil" not in leads_to(browser.client.post("/log-out/", {"next": place}))


def test_a_page_that_needs_a_log_in_redirects_with_its_address(db: None) -> None:
    assert leads_to(Browser().get("/profile/")) == f"{LOG_IN}?next=/profile/"


# --- locking


@pytest.mark.parametrize(
    ("place", "log_in"),
    [("/portal/{}/videos/new/", "/log-in/"), ("/admin/videos/task/add/", "/admin/login/")],
)
def test_a_part_of_a_page_leads_the_whole_page_to_the_log_in(place: str, log_in: str, owner: Caller) -> None:
    page = place.format(owner.tenant.pk)
    sent = {"hx-request": "true", "hx-current-url": f"http://testserver{page}?from=task_1"}
    for ask in (Browser().client.get, Browser().client.post):
        answer = ask(f"{page}?part=preview", headers=sent)
        assert answer.status_code == 200
        query = urlencode({"next": f"{page}?from=task_1"})
        assert answer.headers["hx-redirect"] == f"{log_in}?{query}"
        elsewhere = ask(page, headers={**sent, "hx-current-url": "https://elsewhere.example/"})
        assert elsewhere.headers["hx-redirect"] == f"{log_in}?{urlencode({'next': page})}"


def test_too_many_failures_lock_the_log_in_even_for_the_right_password(alice: User) -> None:
    browser = Browser()
    assert fail(browser, LIMIT - 1).status_code == 200
    assert fail(browser, 1).status_code == 429
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert not browser.is_logged_in()
    assert "Try again in 15 minutes" in text(answer)
    assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60


def test_the_lock_ends_when_its_time_is_over(alice: User) -> None:
    browser = Browser()
    fail(browser, LIMIT)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert "Try again in 1 minute." in text(answer)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert leads_to(browser.log_in("alice")) == "/"


def test_attempts_while_locked_do_not_extend_the_lock(alice: User) -> None:
    browser = Browser()
    fail(browser, LIMIT)
    long_ago = timezone.now() - timedelta(minutes=10)
    AccessAttempt.objects.update(attempt_time=long_ago)
    fail(browser, 3)
    assert AccessAttempt.objects.get().attempt_time == long_ago


def test_a_success_resets_the_failures(alice: User) -> None:
    browser = Browser()
    for _ in range(3):
        fail(browser, LIMIT - 1)
        assert browser.log_in("alice").status_code == 302


def test_failures_are_counted_for_all_spellings_of_a_name(alice: User) -> None:
    names = ["alice", "ALICE", "alice@people.example", "Alice@people.EXAMPLE", "aLice"]
    answers = [Browser().log_in(name, "wrong").status_code for name in names]
    assert answers == [200, 200, 200, 200, 429]
    nobodys = [Browser().log_in(name, "wrong").status_code for name in ("No", "nO", "NO", "no", "No")]
    assert nobodys == [200, 200, 200, 200, 429]


def test_the_lock_does_not_affect_other_names_or_other_addresses(alice: User) -> None:
    make_person("bob")
    fail(Browser(), LIMIT)
    assert Browser().log_in("bob").status_code == 302
    assert Browser(REMOTE_ADDR="203.0.113.9").log_in("alice").status_code == 302


def test_trying_many_names_locks_the_address(alice: User) -> None:
    make_person("bob")
    browser = Browser()
    for number in range(MAX_FAILURES_PER_ADDRESS - 1):
        assert browser.log_in(f"name{number}", "wrong").status_code == 200
    assert leads_to(Browser().log_in("bob")) == "/"  # which resets only bob's failures
    assert browser.log_in("nobody", "wrong").status_code == 429
    answer = browser.log_in("alice")
    assert answer.status_code == 429
    assert "There were too many failed log-ins from your network. Try again in 15 minutes." in text(answer)
    assert Browser(REMOTE_ADDR="203.0.113.9").log_in("alice").status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert leads_to(browser.log_in("alice")) == "/"


def test_unknown_addresses_are_not_locked_for_everybody(alice: User, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 2
    for number in range(MAX_FAILURES_PER_ADDRESS + 1):
        Browser().log_in(f"name{number}", "wrong")
    assert leads_to(Browser().log_in("alice")) == "/"


def test_behind_a_proxy_the_forwarded_address_counts(alice: User, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 1
    bad, good = (
        Browser(HTTP_X_FORWARDED_FOR=f"198.51.100.7, {address}") for address in ("203.0.113.9", "203.0.113.8")
    )
    assert fail(bad, LIMIT).status_code == 429
    assert good.log_in("alice").status_code == 302


def test_failures_from_unknown_addresses_are_counted_together(alice: User, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 2
    assert of_request(RequestFactory().get("/")) == UNKNOWN
    answers = [Browser(HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").log_in("alice", "wrong") for n in range(LIMIT)]
    assert answers[-1].status_code == 429


# --- secrecy


def test_nothing_secret_is_stored_of_a_failure(alice: User, caplog: pytest.LogCaptureFixture) -> None:
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
def test_cookies_are_secure_over_https_and_http_only(what: str, alice: User, settings: LazySettings) -> None:
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


def test_the_page_is_not_cached_and_loads_nothing_from_other_sites(db: None) -> None:
    answer = Browser().get(LOG_IN)
    assert "no-store" in answer.headers["cache-control"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert " style=" not in text(answer)
