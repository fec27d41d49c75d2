"""The search table of prompts: filled within seconds, complete, rebuilt, and honest about being behind."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member
from videos.listing import prompts
from videos.models import PromptText, Task
from videos.states import Status
from videos.tasks import pruning

LATER = NOW + timedelta(seconds=5)
SHOTS = [
    {"index": 1, "prompt": "a dog", "duration": "2"},
    {"index": 2, "prompt": 'says "hi"', "duration": "3"},
]
PARAMETERS = {"multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS}


def texts() -> dict[Task, str]:
    return {row.task: row.text for row in PromptText.objects.select_related("task").order_by("pk")}


def request_with(parameters: Any, **more: Any) -> dict[str, Any]:
    return {"metadata": {"ext_info": {"AdditionalParameters": parameters}}, **more}


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"prompt": "a cat"}, "a cat"),
        ({"prompt": None}, ""),
        ({}, ""),
        (request_with(PARAMETERS, prompt="a cat"), 'a cat\na dog\nsays "hi"'),
        (request_with(PARAMETERS), 'a dog\nsays "hi"'),
        (request_with(json.dumps(PARAMETERS)), 'a dog\nsays "hi"'),
        (request_with({"multi_prompt": "no list"}, prompt="a cat"), "a cat"),
        (request_with('{"multi_prompt": [], "seed": 1e999999}', prompt="a cat"), "a cat"),
        (request_with("no JSON", prompt="a cat"), "a cat"),
    ],
    ids=str,
)
def test_all_prompts_of_a_request_can_be_searched(request_: Any, text: str, make_task: MakeTask) -> None:
    task = make_task(request=request_)
    assert prompts.add_new(LATER)
    assert texts() == {task: text}


def test_tasks_are_added_once_they_have_settled(make_task: MakeTask) -> None:
    first = make_task()
    assert prompts.add_new(NOW + timedelta(seconds=1))
    assert texts() == {}
    assert prompts.add_new(LATER)
    second = make_task(now=LATER)
    assert prompts.add_new(LATER + timedelta(seconds=3))
    assert [*texts()] == [first, second]


@pytest.mark.parametrize(
    ("age", "back", "is_found"),
    [
        (timedelta(seconds=9), prompts.BRIEF, True),
        (timedelta(minutes=4), prompts.BRIEF, False),
        (timedelta(minutes=4), prompts.LONG, True),
    ],
    ids=str,
)
def test_a_task_that_was_committed_late_is_found_by_looking_back(
    age: timedelta, back: timedelta, is_found: bool, make_task: MakeTask
) -> None:
    make_task(now=NOW - timedelta(hours=1))
    prompts.add_new(NOW)
    late = make_task(now=NOW - age)
    assert prompts.add_new(LATER, back)
    assert (late in texts()) is is_found


def test_after_a_pause_of_the_workers_late_tasks_are_found(make_task: MakeTask) -> None:
    make_task(now=NOW - timedelta(hours=1))
    prompts.add_new(NOW)
    late = make_task(now=NOW - timedelta(minutes=4))
    assert prompts.add_new(NOW + timedelta(hours=1))
    assert late in texts()


def test_many_tasks_are_added_in_batches(make_task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "BATCH", 2)
    monkeypatch.setattr(prompts, "BATCHES", 2)
    made = [make_task(now=NOW + timedelta(seconds=number)) for number in range(7)]
    end = NOW + timedelta(minutes=1)
    added = []
    while not prompts.add_new(end):
        added.append(len(texts()))
    assert (added, [*texts()]) == ([4], made)


def test_the_search_says_since_when_it_is_behind(make_task: MakeTask, owner: Caller) -> None:
    assert prompts.lacking_since(NOW) is None
    make_task()
    assert prompts.lacking_since(NOW + timedelta(seconds=29)) is None
    assert prompts.lacking_since(NOW + timedelta(seconds=31)) == NOW
    prompts.add_new(LATER)
    assert prompts.lacking_since(LATER + timedelta(minutes=1)) == LATER - prompts.SETTLED
    notice = "The search is catching up"
    alice, sophie = Member(owner.tenant), Person("sophie")
    history, tasks = f"/portal/{owner.tenant.pk}/videos/", "/admin/videos/task/"
    assert notice in alice.client.get(f"{history}?q=cat").content.decode()
    assert notice not in alice.client.get(history).content.decode()
    assert notice in sophie.see(f"{tasks}?q=cat")
    assert notice not in sophie.see(tasks)
    call_command("rebuildsearch")
    assert notice not in alice.client.get(f"{history}?q=cat").content.decode()
    assert notice not in sophie.see(f"{tasks}?q=cat")


def test_pruned_prompts_are_removed(make_task: MakeTask) -> None:
    make_task(Status.SUCCEEDED, hidden_at=NOW)
    kept = make_task()
    prompts.add_new(LATER)
    assert pruning.total(pruning.prune(pruning.deleted(), NOW)).tasks == 1
    assert [*texts()] == [kept]
    prompts.rebuild(LATER)
    assert [*texts()] == [kept]


def test_the_command_writes_the_table_anew(make_task: MakeTask, capsys: pytest.CaptureFixture[str]) -> None:
    task = make_task()
    prompts.add_new(LATER)
    PromptText.objects.update(text="outdated")
    call_command("rebuildsearch")
    assert texts() == {task: "a cat runs"}
    assert capsys.readouterr().out == "1 prompts can be searched\n"
