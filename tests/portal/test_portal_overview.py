"""The start page of a tenant, and the page that leads to the first API call."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, CosBucket, Purpose, Quota, Role
from tests.conftest import NOW, Caller, MakeTask, make_caller
from tests.portal.test_portal_limits import stand
from tests.support.members import Member, words
from tests.support.people import Browser, leads_to
from videos import catalogue
from videos.models import UpstreamAccount
from videos.portal.api import EXAMPLES
from videos.portal.overview import MOST_METERS, MOST_VIDEOS
from videos.requests import parse
from videos.states import Status


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant)


def test_a_member_begins_on_the_overview(alice: Member) -> None:
    assert leads_to(Browser(alice.user).get("/")) == alice.url("portal:overview")


# --- the overview


def test_the_latest_videos_are_shown_newest_first(alice: Member, make_task: MakeTask) -> None:
    tasks = [
        make_task(Status.SUCCEEDED, now=NOW + timedelta(seconds=number)) for number in range(MOST_VIDEOS + 1)
    ]
    tasks[2].hidden_at = NOW
    tasks[2].save(update_fields=["hidden_at"])
    page = alice.get("portal:overview").content.decode()
    shown = re.findall(r'class="what" href="[^"]*(task_\w+)/"', page)
    assert shown == [task.public_id for task in tasks[::-1] if task != tasks[2]]


def test_money_and_the_limits_nearest_to_their_end_come_first(alice: Member) -> None:
    limits: dict[str, Any] = {"concurrent_tasks": 10, "seconds_per_day": 100, "seconds_per_month": 1000}
    Quota.objects.create(tenant=alice.tenant, is_prepaid=True, spend_per_month=8, spend_per_day=0, **limits)
    stand(alice.tenant, balance=Decimal("-1.5"), month_spend=Decimal("7.25"), month_seconds=100)
    stand(alice.tenant, open_tasks=9, day_seconds=40)
    page = alice.get("portal:overview")
    meters = [meter.line.limit for meter in page.context["meters"]]
    nearest = ["spend_per_day", "concurrent_tasks", "spend_per_month", "seconds_per_day"]
    assert meters == nearest[:MOST_METERS]
    for expected in (
        "Balance -1.50 CNY",
        "Spend this month 7.25 CNY",
        "9 of 10",
        "Nearly reached",
        "used up",
    ):
        assert expected in words(page).replace("\u202f", " ")


def test_first_steps_are_shown_until_the_api_was_called(owner: Caller, make_task: MakeTask) -> None:
    owner.tenant.api_keys.update(purpose=Purpose.PORTAL)  # which does not count
    alice, vera = Member(owner.tenant), Member(owner.tenant, Role.VIEWER)

    def done() -> list[bool]:
        return [step["is_done"] for step in alice.get("portal:overview").context["steps"]]

    assert done() == [False, False, False, False]
    key, _ = APIKey.objects.mint(owner.tenant, "a program")
    make_task()
    CosBucket.objects.create(tenant=owner.tenant, bucket="", region="")
    assert done() == [True, False, True, False]
    CosBucket.objects.update(bucket="videos-1250000000", region="ap-guangzhou")
    assert done() == [True, False, True, True]
    links = [step["url"] for step in vera.get("portal:overview").context["steps"]]
    assert links == ["", vera.url("portal:api"), "", ""]
    assert "Getting started" in alice.see("portal:overview")
    key.last_used_at = timezone.now()
    key.save(update_fields=["last_used_at"])
    assert "Getting started" not in alice.see("portal:overview")


def test_a_call_to_the_api_ends_the_first_steps(alice: Member, owner: Caller) -> None:
    assert alice.get("portal:overview").context["steps"]
    assert owner.get("/v1/models").status_code == 200
    assert not alice.get("portal:overview").context["steps"]


def test_the_overview_takes_few_queries(
    alice: Member, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_task(Status.SUCCEEDED)
    with django_assert_max_num_queries(15):
        alice.get("portal:overview")


# --- the page about the API


def code_on(page: Any) -> str:
    return str(page.context["code"])


def test_each_example_names_the_endpoint_and_a_model_but_no_key(
    alice: Member, owner: Caller, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "https://video.example.com"
    tabs = re.findall(r'href="(\?example=\w+)#examples"', alice.get("portal:api").content.decode())
    assert len(tabs) == len(EXAMPLES)
    for tab in tabs:
        page = alice.client.get(alice.url("portal:api") + tab)
        code = code_on(page)
        assert "https://video.example.com/v1" in code
        assert catalogue.MODELS[0].name in code
        assert "REELAY_API_KEY" in code
        assert 'aria-current="true"' in page.content.decode()
        assert str(owner.text) not in page.content.decode()
    assert code_on(alice.get("portal:api", example="unknown")) == code_on(alice.get("portal:api"))


def test_the_example_uses_a_model_that_the_key_may_use(
    alice: Member, make_task: MakeTask, account: UpstreamAccount
) -> None:
    make_task(model="Vidu-q3-pro-720p")
    assert '"Vidu-q3-pro-720p"' in code_on(alice.get("portal:api"))
    APIKey.objects.mint(alice.tenant, "narrow", allowed_models=["Hailuo-2.3-768p"])
    assert '"Hailuo-2.3-768p"' in code_on(alice.get("portal:api"))
    APIKey.objects.mint(alice.tenant, "useless", allowed_models=["Nothing-1.0"])
    page = alice.get("portal:api")
    assert not code_on(page)
    assert "No model can be requested" in words(page)


def test_the_request_of_the_example_is_valid_for_every_model() -> None:
    for spec in catalogue.MODELS:
        body = {"model": spec.name, "seconds": str(spec.seconds.allowed[0]), "prompt": "A boat"}
        assert parse(body).model == spec


def test_active_keys_are_listed_with_a_way_to_a_new_one(alice: Member, owner: Caller) -> None:
    old = make_caller(owner.tenant, "an old program").key
    assert old is not None
    old.revoke(timezone.now())
    page = alice.see("portal:api")
    assert owner.key is not None
    assert owner.key.prefix in page
    assert "an old program" not in page
    vera = Member(owner.tenant, Role.VIEWER)
    for person, may_make in ((alice, True), (vera, False)):
        link = f'href="{person.url("account:new-key")}"'
        assert (link in person.get("portal:api").content.decode()) is may_make


def test_pages_link_to_the_documentation(alice: Member) -> None:
    page = alice.get("portal:api").content.decode()
    assert 'href="/docs/"' in page
    assert f'href="{reverse("reference")}"' in page


def test_the_page_about_the_api_takes_few_queries(
    alice: Member, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(15):
        alice.get("portal:api")
