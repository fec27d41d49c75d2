"""The search of the staff console: what finds what, for whom, and that it stays fast."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Tenant
from tests.conftest import Caller, MakeTask
from tests.support.console import Person
from tests.support.plans import many_tasks, tasks_of_many  # noqa: F401 - fixtures
from tests.support.rows import check_each
from videos.console import search
from videos.listing import prompts
from videos.models import Task
from videos.states import Status

SEARCH = "/admin/search/"
_LINK = re.compile(r'<li><a href="([^"]+)">')


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def found(person: Person, text: str) -> list[str]:
    """The addresses that the search leads to."""
    answer = person.client.get(SEARCH, {"q": text, "part": "1"})
    assert answer.status_code == 200
    return _LINK.findall(answer.content.decode())


def of_task(task: Task) -> str:
    return f"/admin/videos/task/{task.pk}/change/"


def of_tenant(tenant: Tenant) -> str:
    return f"/admin/accounts/tenant/{tenant.pk}/"


def test_each_kind_is_found_by_what_people_know_of_it(
    sophie: Person, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    task = make_task(request={"prompt": "a Purple cat runs"})
    other = make_task(Status.RUNNING, request={"prompt": "a dog"}, upstream_task_id="24-Procedure-7c3f")
    prompts.rebuild(timezone.now())
    assert owner.key is not None
    key = f"/admin/accounts/apikey/{owner.key.pk}/change/"
    digits, its_id = task.pk.hex, str(task.pk)

    def holds(row: tuple[str, str, str]) -> None:
        text, expected, other_one = row
        links = found(sophie, text)
        assert expected in links
        assert other_one not in links

    rows = [
        ("ali", of_tenant(owner.tenant), of_tenant(stranger.tenant)),
        (str(owner.tenant.pk), of_tenant(owner.tenant), of_tenant(stranger.tenant)),
        (owner.tenant.pk.hex[:31], of_tenant(owner.tenant), of_tenant(stranger.tenant)),
        (owner.key.prefix, key, of_tenant(owner.tenant)),
        (owner.key.prefix.removeprefix("rly_")[:6], key, of_tenant(owner.tenant)),
        (task.public_id, of_task(task), of_task(other)),
        (its_id.upper(), of_task(task), of_task(other)),
        (digits, of_task(task), of_task(other)),
        (f"task_{digits[:30]}", of_task(task), of_task(other)),
        (digits[-12:], of_task(task), of_task(other)),
        (digits[-25:], of_task(task), of_task(other)),
        (its_id[-6:], of_task(task), of_task(other)),
        (digits[24:30], of_task(task), of_task(other)),
        (its_id[22:34], of_task(task), of_task(other)),
        (digits[1:31], of_task(task), of_task(other)),
        ("24-Procedure-7c3f", of_task(other), of_task(task)),
        ("purple RUNS", of_task(task), of_task(other)),
        ("prices", "/admin/videos/price/", of_task(task)),
    ]
    check_each(rows, holds)
    assert of_task(task) not in found(sophie, digits[24:29])  # too short for the middle
    for text in ("", " ", "\0", "nothing like that", "zzzz", "%", "_" * 300):
        assert of_task(task) not in found(sophie, text)
    assert "/admin/videos/task/?q=purple+RUNS" in found(sophie, "purple RUNS")


def test_it_is_a_page_without_script_and_in_chinese(sophie: Person, owner: Caller) -> None:
    page = sophie.see(f"{SEARCH}?q=alice")
    assert of_tenant(owner.tenant) in _LINK.findall(page)
    assert 'name="q" value="alice"' in page
    assert "6 of its middle among the latest 20,000 tasks" in page
    assert f'href="{SEARCH}"' in page  # in the sidebar
    assert "&lt;b&gt;" in sophie.see(f"{SEARCH}?q=<b>")
    sophie.client.cookies["django_language"] = "zh-hans"
    page = sophie.see(f"{SEARCH}?q=租户")
    assert "/admin/accounts/tenant/" in _LINK.findall(page)


def test_no_address_of_the_console_keeps_a_whole_key(sophie: Person, owner: Caller) -> None:
    assert owner.key is not None
    assert owner.text is not None
    prefix, key = owner.key.prefix, f"/admin/accounts/apikey/{owner.key.pk}/change/"
    for sent, kept in (
        (owner.text, prefix),
        (owner.text[:-3], prefix),
        (f"Bearer {owner.text} 100%", f"Bearer+{prefix}+100%25"),
    ):
        for page in (SEARCH, "/admin/accounts/apikey/"):
            answer = sophie.client.get(page, {"q": sent, "part": "1"})
            assert (answer.status_code, answer["location"]) == (302, f"{page}?q={kept}&part=1")
    assert _LINK.findall(sophie.client.get(SEARCH, {"q": owner.text}, follow=True).content.decode())[0] == key
    to_log_in = Client().get(SEARCH, {"q": owner.text}, follow=True)
    assert owner.text not in str((to_log_in.redirect_chain, to_log_in.content))
    assert found(sophie, prefix)[0] == key


def test_only_kinds_that_the_person_may_view_are_found(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(request={"prompt": "alice and a cat"})
    assert owner.key is not None
    APIKey.objects.filter(pk=owner.key.pk).update(prefix="rly_alice123")
    key = f"/admin/accounts/apikey/{owner.key.pk}/change/"
    rows: tuple[tuple[str, list[str]], ...] = (
        ("view_tenant", [of_tenant(owner.tenant)]),
        ("view_apikey", [key]),
        ("view_task", [of_task(task), "/admin/videos/task/?q=alice"]),
        ("view_price", []),
    )
    for permission, expected in rows:
        assert found(Person(permission, permission), "alice") == expected, permission
    assert Client().get(f"{SEARCH}?q=alice").status_code == 302  # to the log-in


def test_it_takes_few_queries(
    sophie: Person, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(12):
        make_task(request={"prompt": "0199"})
    with django_assert_max_num_queries(8):
        assert len(found(sophie, "0199")) >= search.MOST
    with django_assert_max_num_queries(7):
        found(sophie, "a purple cat")


@pytest.mark.usefixtures("many_tasks")
def test_parts_of_ids_are_found_by_indexes() -> None:
    task = Task.objects.order_by("pk")[5]
    digits = task.pk.hex
    for tasks, index in (
        (search.of_id_begin(digits[:12]), "videos_task_pkey"),
        (search.of_id_end(digits[-6:]), "prompt_text_id_end"),
        (search.of_id_end(digits[-20:]), "prompt_text_id_end"),
        (search.of_upstream_id("24-Procedure-7c3f"), "task_upstream_id_once_per_account"),
    ):
        plan = plan_of(tasks)
        assert index in plan, plan
        assert "Seq Scan on videos_task" not in plan, plan
    assert task.pk in set(search.of_id_end(digits[-6:]) or ())


@pytest.mark.usefixtures("many_tasks")
def test_the_middle_of_an_id_is_searched_among_the_latest_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    latest, earlier = (one.pk for one in Task.objects.order_by("-pk")[:2])
    middle = slice(9, -3)
    assert search.with_id_middle(earlier.hex[middle]) == [earlier]
    monkeypatch.setattr(search, "LATEST_IDS", 1)
    assert search.with_id_middle(latest.hex[middle]) == [latest]
    assert search.with_id_middle(earlier.hex[middle]) == []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {search.MIDDLE_OF_ID}", [100, "%abcdef%", search.MOST])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan Backward using videos_task_pkey" in plan, plan


def plan_of(rows: Any) -> str:
    with connection.cursor() as cursor:
        sql, parameters = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())
