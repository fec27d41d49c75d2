"""The bucket in the tenant portal: owners set it, others see it, its key is never shown."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from accounts import buckets
from accounts.console.bucket import CosBucketInline
from accounts.models import AuditEntry, CosBucket, Role, Tenant
from accounts.pages.bucket_forms import CosBucketForm, OwnBucketForm
from tests.conftest import Caller
from tests.support.console import Form
from tests.support.members import Member, words
from tests.support.stored import everything_stored

BUCKET, REGION = "films-1250000000", "ap-guangzhou"
ROLE = "qcs::cam::uin/100000000001:roleName/reader"
SECRET, NEW_SECRET = "a-secret-key-of-alice", "a-new-secret-key"
FIELDS = {"bucket": BUCKET, "region": REGION, "path_prefix": "reelay/{date}", "secret_id": ""}


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant)


@pytest.fixture
def bucket(owner: Caller) -> CosBucket:
    """Alice's bucket with credentials."""
    return CosBucket.objects.create(
        tenant=owner.tenant, bucket=BUCKET, region=REGION, secret_id="AKIDalice", secret_key=SECRET
    )


def post(person: Member, **changes: str) -> Any:
    return person.client.post(person.url("account:bucket"), FIELDS | changes)


def test_without_a_bucket_the_page_says_where_videos_are_kept(alice: Member) -> None:
    page = alice.see("account:bucket")
    assert "No bucket is set: the platform keeps your videos for a limited time." in page
    assert "Your videos kept 30 days" in page
    assert "reelay/{date}" in alice.get("account:bucket").content.decode()


@pytest.mark.parametrize(
    ("keep_copy", "days", "kept"),
    [
        (True, None, "kept 30 days"),
        (True, 1, "kept 1 day"),
        (False, 7, "none: videos are only in your bucket"),
    ],
)
def test_the_page_says_how_long_copies_are_kept(
    keep_copy: bool, days: int | None, kept: str, owner: Caller, bucket: CosBucket
) -> None:
    CosBucket.objects.update(keep_copy=keep_copy)
    Tenant.objects.update(retention_days=days)
    assert f"Copies of the platform {kept}" in Member(owner.tenant, Role.VIEWER).see("account:bucket")


def test_an_owner_gives_a_role_instead_of_a_key_pair(alice: Member, bucket: CosBucket) -> None:
    both = post(alice, secret_id="AKIDalice", role_arn=ROLE)
    assert "Set either a key pair or a role" in words(both)
    assert post(alice, role_arn=ROLE, keep_copy="on").status_code == 302
    bucket.refresh_from_db()
    given = (bucket.role_arn, bucket.secret_id, bucket.secret_key, bucket.keep_copy)
    assert given == (ROLE, "", None, True)
    assert "Access Role" in alice.see("account:bucket")
    for wrong in ("reader", "qcs::cam::uin/1:roleName/a b", "qcs::cam::uin/x:roleName/a"):
        assert "Write a role such as" in words(post(alice, role_arn=wrong)), wrong


def test_an_owner_sets_a_bucket_and_nobody_sees_its_secret(alice: Member) -> None:
    assert post(alice, secret_id="AKIDalice", new_secret_key=SECRET).status_code == 302
    bucket = CosBucket.objects.get(tenant=alice.tenant)
    assert (bucket.bucket, bucket.region, bucket.path_prefix) == (BUCKET, REGION, "reelay/{date}")
    assert (bucket.secret_id, bucket.secret_key) == ("AKIDalice", SECRET)
    page = alice.get("account:bucket").content.decode()
    assert "AKIDalice" in page
    assert SECRET not in page
    assert SECRET not in everything_stored()


def test_the_page_shows_an_example_folder_of_today(alice: Member, bucket: CosBucket) -> None:
    page = alice.see("account:bucket")
    today = alice.tenant.day_of(timezone.now())
    [folder] = [word for word in page.split() if word.startswith(f"reelay/{today}/task_")]
    assert folder.endswith("/")


@pytest.mark.parametrize(
    ("fields", "credentials"),
    [
        ({"secret_id": "AKIDalice"}, ("AKIDalice", SECRET)),
        ({"secret_id": "AKIDalice", "new_secret_key": NEW_SECRET}, ("AKIDalice", NEW_SECRET)),
        ({"secret_id": "AKIDnew", "new_secret_key": NEW_SECRET}, ("AKIDnew", NEW_SECRET)),
        ({"secret_id": ""}, ("", None)),
    ],
)
def test_a_secret_is_kept_replaced_or_removed_with_its_id(
    alice: Member, bucket: CosBucket, fields: dict[str, str], credentials: tuple[str, str | None]
) -> None:
    assert post(alice, path_prefix="elsewhere/{model}", **fields).status_code == 302
    bucket.refresh_from_db()
    assert (bucket.path_prefix, bucket.secret_id, bucket.secret_key) == ("elsewhere/{model}", *credentials)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"secret_id": "AKIDnew"}, "Set both the secret ID and its key"),
        ({"region": ""}, "This field is required."),
        ({"bucket": ""}, "This field is required."),
        ({"bucket": "films", "new_secret_key": NEW_SECRET}, "Write name-appid"),
        ({"bucket": "x" * 49 + "-1250000000"}, "It must not exceed"),
        ({"path_prefix": "../{date}"}, "single slashes"),
        ({"path_prefix": "{day}"}, "and {tenant}, {model}, {date} fit."),
    ],
)
def test_errors_are_shown_beside_their_fields_and_change_nothing(
    alice: Member, bucket: CosBucket, fields: dict[str, str], error: str
) -> None:
    answer = post(alice, **({"secret_id": "AKIDalice"} | fields))
    assert error in words(answer)
    for secret in (SECRET, NEW_SECRET):
        assert secret not in answer.content.decode()
    unchanged = CosBucket.objects.get(tenant=alice.tenant)
    assert (unchanged.bucket, unchanged.region, unchanged.secret_key) == (BUCKET, REGION, SECRET)


def test_an_error_is_a_translatable_sentence_with_parameters() -> None:
    with pytest.raises(buckets.InvalidBucket) as refused:
        buckets.check_bucket("x" * 80 + "-1250000000", REGION)
    assert refused.value.sentence == "It must not exceed %(longest)s characters in this region."
    assert str(refused.value) == "It must not exceed 30 characters in this region."


def test_only_changed_columns_are_written(alice: Member, bucket: CosBucket) -> None:
    writes = Writes()
    with connection.execute_wrapper(writes):
        post(alice, secret_id="AKIDalice", path_prefix="elsewhere")
    [update] = writes.updates
    assert '"path_prefix"' in update
    assert '"secret_key"' not in update


def test_what_somebody_else_changed_meanwhile_is_kept(alice: Member, bucket: CosBucket) -> None:
    """Columns one by one, and a key pair as a whole."""
    page = alice.get("account:bucket").content.decode()
    [own] = [form for form in page.split("</form>") if 'name="bucket"' in form]
    sent = Form(own).fields
    CosBucket.objects.update(path_prefix="elsewhere", secret_id="AKIDbob")
    post(alice, **{**sent, "keep_copy": "on"})
    changed = CosBucket.objects.get()
    assert (changed.path_prefix, changed.secret_id, changed.keep_copy) == ("elsewhere", "AKIDbob", True)
    assert AuditEntry.objects.get().after == {"keep_copy": True}
    post(alice, **{**sent, "new_secret_key": NEW_SECRET})
    changed = CosBucket.objects.get()
    assert (changed.secret_id, changed.secret_key) == ("AKIDalice", NEW_SECRET)


class Writes:
    """Records updates of buckets."""

    def __init__(self) -> None:
        self.updates: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "accounts_cosbucket"'):
            self.updates.append(sql)
        return execute(sql, params, many, context)


def test_an_owner_removes_the_bucket_and_its_secret(alice: Member, bucket: CosBucket) -> None:
    assert BUCKET in alice.see("account:remove-bucket")
    assert CosBucket.objects.exists()
    assert alice.post("account:remove-bucket").status_code == 302
    assert not CosBucket.objects.exists()
    assert alice.get("account:remove-bucket").status_code == 302
    assert alice.post("account:remove-bucket").status_code == 302


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_without_the_owner_role_see_the_bucket_read_only(
    role: Role, owner: Caller, bucket: CosBucket
) -> None:
    person = Member(owner.tenant, role)
    page = person.get("account:bucket")
    assert page.context["form"] is None
    for expected in (BUCKET, REGION, "reelay/{date}", "Access Key pair"):
        assert expected in words(page)
    for untold in (SECRET, "AKIDalice", person.url("account:remove-bucket")):
        assert untold not in page.content.decode()
    assert post(person, path_prefix="elsewhere").status_code == 403
    for answer in (person.get("account:remove-bucket"), person.post("account:remove-bucket")):
        assert answer.status_code == 403
    assert CosBucket.objects.get().path_prefix == "reelay/{date}"


def test_another_tenants_bucket_is_not_found(stranger: Caller, owner: Caller, bucket: CosBucket) -> None:
    charlie = Member(stranger.tenant)
    assert BUCKET not in charlie.see("account:bucket")
    for name in ("account:bucket", "account:remove-bucket"):
        assert charlie.get(name, tenant=owner.tenant).status_code == 404
        assert charlie.client.post(charlie.url(name, tenant=owner.tenant), FIELDS).status_code == 404
    assert CosBucket.objects.get() == bucket


def test_the_page_works_without_the_encryption_key_of_the_secret(
    alice: Member, bucket: CosBucket, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = ["BqY0xLPVqWnP0bJpxD9vMH4WmPq3cGSG1nqGmc0oJ2c="]
    assert BUCKET in alice.see("account:bucket")
    assert post(alice, secret_id="AKIDalice", new_secret_key=NEW_SECRET).status_code == 302
    assert CosBucket.objects.get().secret_key == NEW_SECRET


def test_portal_and_console_share_the_rules_of_a_bucket() -> None:
    assert issubclass(CosBucketInline.form, CosBucketForm)
    assert issubclass(OwnBucketForm, CosBucketForm)


def test_changes_are_in_the_audit_log_without_the_key_pair(alice: Member) -> None:
    post(alice, secret_id="AKIDalice", new_secret_key=SECRET)
    post(alice, secret_id="AKIDalice")  # changes nothing
    post(alice, secret_id="AKIDalice", new_secret_key=NEW_SECRET)
    post(alice, secret_id="AKIDalice", path_prefix="films")
    alice.post("account:remove-bucket")
    alice.post("account:remove-bucket")  # already removed
    changes = list(AuditEntry.objects.order_by("id"))
    assert {(change.tenant, change.actor, change.place) for change in changes} == {
        (alice.tenant, alice.user, "portal")
    }
    place: dict[str, Any] = {"bucket": BUCKET, "region": REGION, "role_arn": "", "keep_copy": False}
    changed = {"key pair": "changed"}
    assert [(change.before, change.after) for change in changes] == [
        ({}, {**place, "path_prefix": "reelay/{date}", **changed}),
        ({}, changed),
        ({"path_prefix": "reelay/{date}"}, {"path_prefix": "films"}),
        ({**place, "path_prefix": "films"}, {}),
    ]
    for secret in (SECRET, NEW_SECRET, "AKIDalice"):
        assert secret not in str([(change.subject, change.before, change.after) for change in changes])
