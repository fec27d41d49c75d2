"""Times in the staff console: one format in every language, with seconds."""

import re
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts import audit
from accounts.models import APIKey, AuditEntry, Authenticator, User
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from videos.billing import ledger
from videos.models import TaskEvent
from videos.states import Status

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_OTHER = re.compile(r"[ap]\.m\.|[上下]午|\d年|\b(?:Nov|November)\.? \d|\d{4}/\d\d/\d\d|\d\d [\d:.]+\+00:00")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_time_has_the_same_format(language: str, owner: Caller, make_task: MakeTask) -> None:
    sophie, task = Person("sophie"), make_task(Status.SUCCEEDED)
    TaskEvent.objects.create(task=task, at=NOW, verb="succeed", status="succeeded")
    audit.record(sophie.author, audit.subject_of(owner.tenant), "", {}, {"name": "Alice"}, NOW, owner.tenant)
    APIKey.objects.update(last_used_at=timezone.now())
    payment = ledger.top_up(owner.tenant, Decimal("4.5"), sophie.user, "Paid.", NOW)
    dora = User.objects.create_user("dora")
    Authenticator.objects.create(user=dora, name="phone", confirmed=True, created_at=NOW)
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
        f"videos/ledgerentry/{payment.pk}/change/",
        f"accounts/user/{dora.pk}/change/",
    ):
        page = sophie.see(f"/admin/{path}")
        assert _MOMENT.search(page), path
        assert not _OTHER.search(page), (path, _OTHER.search(page))


def test_the_title_of_a_row_tells_the_same_time_as_the_row(
    owner: Caller, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    sophie, task = Person("sophie"), make_task(Status.SUCCEEDED)
    event = TaskEvent.objects.create(task=task, at=NOW, verb="succeed", status="succeeded")
    audit.record(sophie.author, audit.subject_of(owner.tenant), "", {}, {"name": "Alice"}, NOW, owner.tenant)
    for path in (
        f"videos/taskevent/{event.pk}/change/",
        f"accounts/auditentry/{AuditEntry.objects.latest('pk').pk}/change/",
    ):
        told = _MOMENT.findall(sophie.see(f"/admin/{path}"))
        assert set(told) == {"2026-11-20 20:00:00"}, path
        assert len(told) > 1, path


def test_the_title_of_a_ledger_entry_tells_its_amount_as_pages_do(owner: Caller) -> None:
    sophie = Person("sophie")
    payment = ledger.top_up(owner.tenant, Decimal("4.5"), sophie.user, "Paid.", NOW)
    page = sophie.see(f"/admin/videos/ledgerentry/{payment.pk}/change/")
    assert "Top-up 4.50" in page
    assert "4.500000" not in page
    assert "What it adds to the balance, in CNY." in sophie.see("/admin/videos/ledgerentry/add/")
