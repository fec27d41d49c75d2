"""Times in the staff console: one format in every language, with seconds."""

import re

import pytest
from django.utils import timezone

from accounts import audit
from accounts.models import APIKey
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from videos.models import TaskEvent
from videos.states import Status

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_OTHER = re.compile(r"[ap]\.m\.|[上下]午|\d年|\b(?:Nov|November)\.? \d")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_time_has_the_same_format(language: str, owner: Caller, make_task: MakeTask) -> None:
    sophie, task = Person("sophie"), make_task(Status.SUCCEEDED)
    TaskEvent.objects.create(task=task, at=NOW, verb="succeed", status="succeeded")
    audit.record(sophie.author, f"tenant {owner.tenant}", "", {}, {"name": "Alice"}, NOW, owner.tenant)
    APIKey.objects.update(last_used_at=timezone.now())
    sophie.client.cookies["django_language"] = language
    for path in (
        "videos/taskevent/",
        "videos/task/",
        "accounts/auditentry/",
        "accounts/apikey/",
        "accounts/tenant/",
        f"accounts/tenant/{owner.tenant.pk}/",
        f"accounts/tenant/{owner.tenant.pk}/history/",
        f"accounts/tenant/{owner.tenant.pk}/change/?tab=keys",
        f"videos/task/{task.pk}/change/",
    ):
        page = sophie.see(f"/admin/{path}")
        assert _MOMENT.search(page), path
        assert not _OTHER.search(page), (path, _OTHER.search(page))
