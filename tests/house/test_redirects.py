"""Each form that succeeds leads on to another page, so that neither a reload nor Back sends it again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.console.keys import CONFIRMED
from accounts.models import Role, User, authenticator
from accounts.people import confirmation, totp
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask
from tests.house.test_isolation import (  # noqa: F401 - fixtures
    PAGE_REQUESTS,
    House,
    _address,
    bucket,
    house,
    video,
)
from tests.support.people import PASSWORD, Browser, code_of, device_of, leads_to, make_person
from tests.support.rows import check_each, rolled_back
from videos.models import UpstreamAccount
from videos.states import Status
from videos.tasks import staff_actions

NEW_PASSWORD = "another purple cat"
TWICE = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
FORMS: dict[str, dict[str, Any]] = {
    "people:forgotten": {"email": "ann@people.example"},
    "people:profile": {"first_name": "Ann", "last_name": "Lee", "username": "ann"},
    "people:email": {"email": "ann@new.example", "password": PASSWORD},
    "people:password": {"old_password": PASSWORD, **TWICE},
    "people:second-factor": {"password": PASSWORD},
    "account:members": {"email": "new@people.example", "role": "viewer"},
    "account:member-role": {"role": "viewer"},
    "account:new-key": {"name": "a program", "scopes": ["read"]},
    "account:key": {"name": "renamed", "scopes": ["read"]},
    "account:rotate-key": {"overlap": "day"},
    "account:bucket": {"bucket": "films-1250000000", "region": "ap-guangzhou"},
    "portal:playground": {name: GOOD_BODY[name] for name in ("model", "seconds", "prompt")},
}
"""What is sent to each page; the others are sent empty."""
Sent = tuple[Browser, str, dict[str, Any]]


def _log_in(_: House, ann: User) -> Sent:
    return Browser(), "/log-in/", {"username": ann.username, "password": PASSWORD}


def _code(_: House, ann: User) -> Sent:
    device, browser = device_of(ann), Browser()
    browser.log_in(ann.username)
    return browser, "/log-in/code/", {"code": code_of(device)}


def _reset(_: House, ann: User) -> Sent:
    browser, token = Browser(), default_token_generator.make_token(ann)
    link = reverse("people:reset", args=[urlsafe_base64_encode(force_bytes(ann.pk)), token])
    return browser, leads_to(browser.get(link)), TWICE


def _confirm_email(_: House, ann: User) -> Sent:
    signed = signing.dumps([ann.pk, ann.email, "ann@new.example"], salt=confirmation._SALT)
    return Browser(ann), reverse("people:confirm-email", args=[signed]), {}


def _confirm_second_factor(_: House, ann: User) -> Sent:
    device = totp.begin(ann)
    return Browser(ann), reverse("people:confirm-second-factor"), {"code": code_of(device)}


def _renew_codes(_: House, ann: User) -> Sent:
    browser, _device = Browser(ann), device_of(ann)
    return browser, reverse("people:recovery-codes"), {"password": PASSWORD}


def _turn_off(_: House, ann: User) -> Sent:
    browser, device = Browser(ann), device_of(ann)
    return browser, reverse("people:turn-off-second-factor"), {"code": code_of(device)}


def _join(there: House, _: User) -> Sent:
    return Browser(make_person("eve")), _address(there, "people:invitation"), {}


SPECIAL: dict[str, Callable[[House, User], Sent]] = {
    "people:log-in": _log_in,
    "people:log-in-code": _code,
    "people:reset": _reset,
    "people:confirm-email": _confirm_email,
    "people:confirm-second-factor": _confirm_second_factor,
    "people:recovery-codes": _renew_codes,
    "people:turn-off-second-factor": _turn_off,
    "people:invitation": _join,
}


def test_each_form_of_people_and_of_the_portal_leads_on(
    house: House,  # noqa: F811 - the fixture
    bucket: None,  # noqa: F811 - the fixture
    account: UpstreamAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authenticator, "clock", NOW.timestamp)
    make_person("ann", house.owner.tenant, Role.OWNER)

    def leads_on(route: str) -> None:
        def usual(house: House, ann: User) -> Sent:
            return Browser(ann), _address(house, route), FORMS.get(route, {})

        browser, path, fields = SPECIAL.get(route, usual)(house, User.objects.get(username="ann"))
        to = leads_to(browser.post(path, **fields))
        shown = browser.get(to)
        b"".join(shown)
        assert shown.status_code in (200, 302), to

    check_each([route for method, route in PAGE_REQUESTS if method == "POST"], rolled_back(leads_on))


def test_each_form_of_our_own_in_the_console_leads_on(
    owner: Caller,
    make_task: MakeTask,
    bucket: None,  # noqa: F811 - the fixture
    account: UpstreamAccount,
) -> None:
    browser, tenant = Browser(make_person("sophie", is_staff=True, is_superuser=True)), owner.tenant.pk
    task = make_task(Status.IN_DOUBT, attention="in doubt")
    assert owner.key is not None
    chosen = {"_selected_action": [owner.key.pk]}
    mark = {"mark": staff_actions.state_token(task), "reason": "because I looked"}
    forms: list[tuple[str, dict[str, Any]]] = [
        (f"accounts/tenant/{tenant}/invite/", {"email": "new@people.example", "role": "owner"}),
        (f"accounts/tenant/{tenant}/bucket/", {}),
        ("accounts/apikey/add/", {"tenant": tenant, "name": "a program", "scopes": ["read"]}),
        ("accounts/apikey/", {"action": "rotate", **chosen}),
        ("accounts/apikey/", {"action": "revoke", CONFIRMED: "yes", **chosen}),
        (f"accounts/apikey/{owner.key.pk}/revoke/", {}),
        (f"accounts/apikey/made/{uuid4()}/", {}),
        (
            "videos/ledgerentry/add/",
            {"tenant": tenant, "kind": "top_up", "amount": "5", "reason": "she paid"},
        ),
        ("videos/price/add/", {"model": GOOD_BODY["model"], "per_second": "3", "reason": "dearer"}),
        (f"videos/upstreamaccount/{account.pk}/restore/", {"reason": "mended"}),
        (f"videos/task/{task.pk}/decide/release/", mark),
        ("videos/task/add/", {"tenant": owner.tenant.name, **FORMS["portal:playground"]}),
    ]

    def leads_on(form: tuple[str, dict[str, Any]]) -> None:
        path, fields = form
        assert browser.get(leads_to(browser.post(f"/admin/{path}", **fields))).status_code == 200

    check_each(forms, rolled_back(leads_on))
