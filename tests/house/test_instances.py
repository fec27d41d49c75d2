"""Model instances made without their constructors are what the constructors make."""

from typing import Any
from uuid import uuid4

import pytest

from config.db import instances
from tests.conftest import NOW, MakeTask
from videos.models import Task


def _state(task: Task) -> tuple[bool, Any]:
    return task._state.adding, task._state.db


def test_an_unsaved_instance_is_what_the_constructor_makes() -> None:
    values: dict[str, Any] = {
        "id": uuid4(),
        "tenant_id": uuid4(),
        "model": "m",
        "seconds": 5,
        "created_at": NOW,
    }
    made, usual = instances.unsaved(Task, **values), Task(**values)
    assert {**vars(made), "_state": None} == {**vars(usual), "_state": None}
    assert _state(made) == _state(usual) == (True, None)


def test_each_unsaved_instance_has_lists_of_its_own() -> None:
    first, second = instances.unsaved(Task), instances.unsaved(Task)
    first.not_forwarded.append("size")
    first.payload["Prompt"] = "a cat"
    assert (second.not_forwarded, second.payload) == ([], {})


@pytest.mark.django_db
def test_a_loaded_instance_reads_its_other_columns_when_they_are_needed(make_task: MakeTask) -> None:
    task = make_task()
    loaded = instances.loaded(Task, ["id", "model"], [task.pk, task.model])
    assert _state(loaded) == (False, "default")
    assert loaded.get_deferred_fields() == {
        field.attname for field in Task._meta.concrete_fields if field.attname not in ("id", "model")
    }
    assert (loaded.tenant, loaded.request) == (task.tenant, task.request)
    with pytest.raises(ValueError, match="zip"):
        instances.loaded(Task, ["id", "model"], [task.pk])
