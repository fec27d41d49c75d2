"""The audit log in the portal: an owner sees who changed what of the tenant, and nothing else."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import audit
from accounts.models import AuditPlace, Membership, Role, Tenant, User
from accounts.portal.audit_log import PAGE, STAFF
from tests.conftest import NOW, Caller
from tests.support.members import Member, words


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant, name="alice")


@pytest.fixture
def sophie(db: None) -> audit.Author:
    """A member of staff in the console."""
    return audit.Author(User.objects.create_user("sophie"), AuditPlace.CONSOLE, "203.0.113.9")


def write(by: audit.Author, tenant: Tenant | None, subject: str, now: datetime = NOW, **after: Any) -> None:
    before = dict.fromkeys(after)
    audit.record(by, audit.Subject(subject), "a note of staff", before, after, now, tenant)


def shown(person: Member, **query: Any) -> list[str]:
    """The sentences on the page."""
    return [told for _, told in person.get("account:audit", **query).context["entries"]]


def test_what_members_change_is_told_in_the_words_of_the_pages(alice: Member) -> None:
    bob = Member(alice.tenant, Role.VIEWER, "bob")
    membership = Membership.objects.get(user=bob.user)
    alice.post("account:member-role", membership.pk, role="member")
    alice.post("account:bucket", bucket="films-1250000000", region="ap-guangzhou", keep_copy="on")
    bob.post("account:new-key", name="a program", scopes=["read"], form_id=str(uuid4()))
    [key, bucket, role] = shown(alice)
    assert role == "alice changed the membership of bob: role Viewer → Member"
    assert bucket.startswith("alice created the bucket of Alice: ")
    assert "bucket films-1250000000" in bucket
    assert key.startswith("bob created the API key a program (rly_")
    assert role in alice.see("account:audit")


def test_staff_are_not_named_and_only_what_concerns_the_tenant_is_shown(
    alice: Member, stranger: Caller, sophie: audit.Author
) -> None:
    write(sophie, alice.tenant, "quota of Alice", concurrent_tasks=10)
    write(sophie, alice.tenant, "tenant Alice", suspended_at=NOW.isoformat(), only_own_account=True)
    write(sophie, alice.tenant, "tenant Alice", only_own_account=False)
    write(sophie, alice.tenant, "upstream account secret-name", secret_id="changed")
    write(sophie, alice.tenant, "task task_1", status="failed")
    write(sophie, stranger.tenant, "quota of Charlie", concurrent_tasks=77)
    write(sophie, None, "person alice", password="changed")
    assert shown(alice) == [
        f"Platform staff changed the tenant Alice: suspended at none → {NOW:%Y-%m-%d %H:%M:%S}",
        "Platform staff changed the quota of Alice: concurrent tasks unlimited → 10",
    ]
    page = words(alice.get("account:audit"))
    for hidden in ("sophie", "203.0.113.9", "a note of staff", "secret-name", "task_1", "77", "Charlie"):
        assert hidden not in page


def test_it_is_filtered_by_day_and_paged(alice: Member, sophie: audit.Author) -> None:
    for day in range(3):
        write(sophie, alice.tenant, "quota of Alice", NOW + timedelta(days=day), queued_tasks=day)
    second = f"{NOW + timedelta(days=1):%Y-%m-%d}"

    def numbers(**query: str) -> list[str]:
        return [told.rpartition(" → ")[2] for told in shown(alice, **query)]

    assert numbers() == ["2", "1", "0"]
    assert numbers(start=second) == ["2", "1"]
    assert numbers(end=second) == ["1", "0"]
    assert numbers(start=second, end=second) == ["1"]
    assert "No such changes" in alice.see("account:audit", start="2999-01-01")
    wrong = alice.get("account:audit", start="soon")
    assert wrong.context["form"].errors["start"]
    for outside in ("9999-12-31", "0001-01-01"):
        form = alice.get("account:audit", start=outside, end=outside).context["form"]
        assert form.errors.keys() == {"start", "end"}
    assert "This is after the last day." in alice.see("account:audit", start=second, end="2020-01-01")
    for number in range(PAGE):
        write(sophie, alice.tenant, "quota of Alice", queued_tasks=100 + number)
    older = alice.get("account:audit").context["page"].older
    assert len(shown(alice)) == PAGE
    further = alice.client.get(alice.url("account:audit") + older)
    assert len(further.context["entries"]) == 3


def test_it_is_filtered_by_what_was_changed_and_by_whom(alice: Member, sophie: audit.Author) -> None:
    by_alice = audit.Author(alice.user, AuditPlace.PORTAL)
    write(sophie, alice.tenant, "quota of Alice", queued_tasks=1)
    write(by_alice, alice.tenant, "API key a program", requests_per_minute=2)
    write(sophie, alice.tenant, "API key another", requests_per_minute=3)
    # Of staff who are called like a member, too, owners are told only that they are staff.
    write(audit.Author(None, AuditPlace.CONSOLE, name="alice"), alice.tenant, "tenant Alice", name="4")

    def numbers(**query: str) -> list[str]:
        return [told.rpartition(" → ")[2] for told in shown(alice, **query)]

    assert numbers(about="api_key") == ["3", "2"]
    assert numbers(by="alice") == ["2"]
    assert numbers(by=STAFF) == ["4", "3", "1"]
    assert numbers(by=STAFF, about="api_key") == ["3"]
    assert numbers(about="") == ["4", "3", "2", "1"]
    page = alice.get("account:audit", about="price", by="sophie")
    assert page.context["form"].errors.keys() == {"about", "by"}
    assert len(page.context["entries"]) == 4


def test_without_changes_the_page_says_so_and_takes_few_queries(
    alice: Member, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(6):
        page = alice.get("account:audit")
    assert "No changes yet" in words(page)
