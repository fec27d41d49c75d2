"""The check of a tenant's bucket, in the portal, the console and the API, with folders as buckets."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.utils import timezone, translation

from accounts import audit, bucket_check, bucket_findings, bucket_policies, buckets
from accounts.bucket_check import BucketCheck, NoBucket, TooManyChecks
from accounts.bucket_policies import NO_UIN, Place
from accounts.models import AuditEntry, AuditPlace, CosBucket, Role, Scope
from config import stores
from config.stores import Credentials
from config.stores.base import (
    Denied,
    Full,
    Misconfigured,
    Missing,
    StoredObject,
    StoreError,
    Unreachable,
)
from config.stores.folder import FolderStore
from tests.conftest import Caller, MakeTask, make_caller
from tests.house.test_docs import _examples, _shape
from tests.support.console import Person
from tests.support.members import Member, after, words
from tests.support.people import leads_to
from tests.support.refusals import BUCKET_CHECK, assert_refused
from tests.support.rows import each
from videos.states import Status

BUCKET, REGION = "films-1250000000", "ap-guangzhou"
ROLE = "qcs::cam::uin/100000000001:roleName/reader"
SECRET = "the-secret-half"
STEPS = ["credentials", "write", "read", "list", "delete", "grant"]


@dataclass
class Faults:
    """What the buckets of a test do wrong, by the name of the call, and how they were opened."""

    errors: dict[str, StoreError]
    opened_with: list[Credentials]
    waits_for: threading.Event | None = None


FAULTS = Faults({}, [])


class FaultyFolder(FolderStore):
    """A folder whose calls fail as `FAULTS` says."""

    def put(self, key: str, content: Any, content_type: str = "") -> Any:
        if FAULTS.waits_for:
            FAULTS.waits_for.wait(10)
        self._fail("put")
        return super().put(key, content, content_type)

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Any:
        self._fail("open")
        return super().open(key, start, stop)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        self._fail("list")
        return super().list(prefix)

    def delete(self, key: str) -> None:
        super().delete(key)
        self._fail("delete")

    def _fail(self, name: str) -> None:
        if name in FAULTS.errors:
            raise FAULTS.errors[name]


def faulty_folder(bucket: str, path: str, parameters: Any, credentials: Credentials) -> FaultyFolder:
    FAULTS.opened_with.append(credentials)
    return FaultyFolder(Path(path))


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Buckets that fail as they are told."""
    monkeypatch.setitem(stores.KINDS, "file", stores.Kind(f"{__name__}.faulty_folder"))
    monkeypatch.setattr(FAULTS, "errors", {})
    monkeypatch.setattr(FAULTS, "opened_with", [])
    return FAULTS


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    """The folder that is Alice's bucket."""
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    return tmp_path / BUCKET


@pytest.fixture
def bucket(owner: Caller) -> CosBucket:
    """Alice's bucket with credentials."""
    place = {"bucket": BUCKET, "region": REGION}
    return CosBucket.objects.create(tenant=owner.tenant, **place, secret_id="AKIDalice", secret_key=SECRET)


Check = Callable[[], BucketCheck]


@pytest.fixture
def check(owner: Caller) -> Check:
    by = audit.Author(None, AuditPlace.COMMAND_LINE, name="a test")
    return lambda: bucket_check.check(owner.tenant, by, timezone.now())


def codes(found: BucketCheck) -> str:
    assert [finding.step for finding in found.findings] == STEPS
    return " ".join(finding.code for finding in found.findings)


def test_a_good_bucket_is_marked_and_nothing_stays_in_it(
    bucket: CosBucket, check: Check, folder: Path
) -> None:
    before = timezone.now()
    found = check()
    assert (found.ok, found.bucket, found.region) == (True, BUCKET, REGION)
    assert codes(found) == "key_pair ok ok ok ok not_visible"
    assert found.checked_at is not None
    assert found.checked_at >= before
    assert CosBucket.objects.get().checked_at == found.checked_at
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    [entry] = AuditEntry.objects.all()
    assert (entry.subject, entry.after) == ("COS bucket of Alice", {"check": "passed"})


DENIED, GONE, SLOW = Denied("no"), Misconfigured("none"), Unreachable("slow")


@each(
    "errors, expected",
    [
        ({"put": DENIED}, "key_pair denied not_tried ok ok not_visible"),
        ({"put": GONE}, "key_pair misconfigured not_tried not_tried not_tried not_visible"),
        ({"put": Missing("none")}, "key_pair misconfigured not_tried ok ok not_visible"),
        ({"put": SLOW}, "key_pair unreachable not_tried not_tried ok not_visible"),
        ({"put": Full("full")}, "key_pair full not_tried ok ok not_visible"),
        ({"put": StoreError("odd")}, "key_pair refused not_tried ok ok not_visible"),
        ({"open": DENIED}, "key_pair ok denied ok ok not_visible"),
        ({"open": Missing("gone")}, "key_pair ok missing ok ok not_visible"),
        ({"list": DENIED}, "key_pair ok ok denied ok not_visible"),
        ({"delete": DENIED}, "key_pair ok ok ok denied not_visible"),
    ],
)
def test_each_fault_has_its_code_and_a_fix(
    errors: dict[str, StoreError], expected: str, faults: Faults, bucket: CosBucket, check: Check
) -> None:
    bucket_check._LIMIT._full_at.clear()
    faults.errors = errors
    found = check()
    assert codes(found) == expected
    assert not found.ok
    assert found.checked_at is None
    assert CosBucket.objects.get().checked_at is None
    for finding in found.findings:
        assert finding.message
        assert "%(" not in finding.message + finding.fix
        assert bool(finding.fix) is (finding.ok is False or finding.step == "grant")
    failed = [f"{finding.step}: {finding.code}" for finding in found.findings if finding.ok is False]
    assert AuditEntry.objects.get().after == {"check": "failed", "steps": failed}


def test_the_fix_names_the_action_the_bucket_and_the_region(
    faults: Faults, bucket: CosBucket, check: Check
) -> None:
    faults.errors = {"put": DENIED, "list": DENIED}
    _, write, _, listing, *_ = check().findings
    assert "name/cos:PutObject" in write.fix
    assert "name/cos:GetBucket" in listing.fix
    assert f"reelay/{bucket.tenant.day_of(timezone.now())}/reelay-check/" in write.message
    faults.errors = {"put": GONE}
    assert f"Compare {BUCKET} and {REGION} with" in check().findings[1].fix
    with translation.override("zh-hans"):
        assert "存储桶" in check().findings[1].message


def test_a_role_is_used_in_place_of_a_key_pair(
    faults: Faults, bucket: CosBucket, check: Check, settings: LazySettings
) -> None:
    CosBucket.objects.update(secret_id="", secret_key=None)
    CosBucket.objects.update(role_arn=ROLE)
    settings.ASSUME_ROLE = f"{__name__}.assume"
    assert codes(check()) == "role ok ok ok ok not_visible"
    assert faults.opened_with == [Credentials("id", "key", "token")]


def assume(role_arn: str) -> Credentials:
    assert role_arn == ROLE
    return Credentials("id", "key", "token")


def refuse(role_arn: str) -> Credentials:
    raise FAULTS.errors["role"]


@each(
    "error, code",
    [(DENIED, "role_denied"), (GONE, "role_unsupported"), (SLOW, "role_unreachable")],
)
def test_a_role_that_cannot_be_assumed_is_told(
    error: StoreError, code: str, faults: Faults, bucket: CosBucket, check: Check, settings: LazySettings
) -> None:
    CosBucket.objects.update(secret_id="", secret_key=None)
    CosBucket.objects.update(role_arn=ROLE)
    settings.ASSUME_ROLE = f"{__name__}.refuse"
    faults.errors = {"role": error}
    found = check()
    assert codes(found) == f"{code} not_tried not_tried not_tried not_tried not_visible"
    assert not found.ok
    assert ROLE in found.findings[0].message or code != "role_denied"


def test_a_bucket_without_usable_credentials_cannot_be_checked(
    bucket: CosBucket, check: Check, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert codes(check()).split()[:2] == ["undecryptable", "not_tried"]
    CosBucket.objects.update(secret_id="", secret_key=None)
    assert codes(check()).split()[:2] == ["no_credentials", "not_tried"]


def test_a_video_in_the_bucket_proves_that_the_provider_may_write(
    bucket: CosBucket, check: Check, make_task: MakeTask
) -> None:
    place = {"store_bucket": BUCKET, "store_region": REGION, "store_path": "reelay/task_1"}
    make_task(Status.SUCCEEDED, **place)
    make_task(Status.SUCCEEDED, **place | {"store_region": "ap-beijing"}, bucket_key="reelay/task_1/a.mp4")
    assert check().findings[-1].code == "not_visible"
    make_task(Status.SUCCEEDED, **place, bucket_key="reelay/task_1/a.mp4")
    grant = check().findings[-1]
    assert (grant.code, grant.ok, grant.fix) == ("proven", True, "")


def test_a_bucket_that_hangs_is_given_up_before_the_request_would_be(
    faults: Faults, bucket: CosBucket, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_check, "SECONDS", 0.2)
    monkeypatch.setattr(faults, "waits_for", threading.Event())
    assert codes(check()) == "key_pair unreachable not_tried not_tried not_tried not_visible"
    assert faults.waits_for is not None
    faults.waits_for.set()


def test_a_bucket_that_was_changed_during_the_check_is_not_marked(
    bucket: CosBucket, check: Check, settings: LazySettings
) -> None:
    settings.BUCKET_EVIDENCE = f"{__name__}.change_and_say_no"
    found = check()
    assert found.ok
    assert found.checked_at is None
    assert CosBucket.objects.get().checked_at is None


def change_and_say_no(*_: Any) -> bool:
    CosBucket.objects.update(path_prefix="elsewhere")
    return False


def test_a_tenant_may_check_ten_times_a_minute(bucket: CosBucket, check: Check) -> None:
    for _ in range(10):
        assert check().ok
    with pytest.raises(TooManyChecks):
        check()
    assert AuditEntry.objects.count() == 10


@pytest.mark.parametrize("has_row", [True, False])
def test_without_a_bucket_there_is_nothing_to_check(has_row: bool, owner: Caller, check: Check) -> None:
    if has_row:
        CosBucket.objects.create(tenant=owner.tenant)
    with pytest.raises(NoBucket):
        check()


# --- policies


@each(
    "prefix, begin",
    [
        ("reelay/{date}", "reelay/"),
        ("videos", "videos/"),
        ("", ""),
        ("v{date}/x", "v"),
        ("{model}", ""),
        ("a/{tenant}/{model}", "a/0193456789ab7def8123456789abcdef/"),
    ],
)
def test_policies_are_limited_to_what_all_keys_begin_with(prefix: str, begin: str) -> None:
    tenant = UUID("0193456789ab7def8123456789abcdef")
    assert buckets.begin(prefix, tenant) == begin
    place = Place(BUCKET, REGION, begin)
    objects = f"qcs::cos:{REGION}:uid/1250000000:{BUCKET}/{begin}*"
    access, upstream = bucket_policies.for_access(place), bucket_policies.for_upstream(place, "100000000009")
    assert access["statement"][0]["resource"] == upstream["statement"][0]["resource"] == [objects]
    listed = access["statement"][1]["condition"]["string_like"]["cos:prefix"] if begin else [f"{begin}*"]
    assert f"{begin}*" in listed
    assert all(each.replace("%2F", "/") == f"{begin}*" for each in listed)


def test_the_policies_allow_what_the_check_and_the_provider_do() -> None:
    place = Place(BUCKET, REGION, "reelay/")
    objects, listing = bucket_policies.for_access(place)["statement"]
    names = ("GetObject", "HeadObject", "PutObject", "DeleteObject")
    assert objects["action"] == [f"name/cos:{name}" for name in names]
    assert listing["action"] == ["name/cos:GetBucket"]
    [upstream] = bucket_policies.for_upstream(place, "100000000009")["statement"]
    assert upstream["principal"] == {"qcs": ["qcs::cam::uin/100000000009:roleName/MPS_QcsRole"]}
    assert {"name/cos:PutObject", "name/cos:UploadPart"} < {*upstream["action"]}
    assert NO_UIN in bucket_policies.written(bucket_policies.for_upstream(place, ""))


# --- the portal


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant)


def test_an_owner_checks_the_bucket_on_its_page(
    alice: Member, bucket: CosBucket, settings: LazySettings
) -> None:
    settings.UPSTREAM_UIN = "100000000009"
    before = alice.see("account:bucket")
    assert "None since the last change" in before
    assert "qcs::cam::uin/100000000009:roleName/MPS_QcsRole" in before
    answer = after(alice.post("account:check-bucket"))
    page = words(answer)
    assert "The bucket can be used." in page
    assert "What was written was read back unchanged." in page
    assert "None since the last change" not in page
    assert SECRET not in answer.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.place, entry.tenant) == (alice.user, "portal", alice.tenant)
    assert alice.get("account:check-bucket").status_code == 302


def test_the_page_says_what_failed_and_what_to_do(faults: Faults, alice: Member, bucket: CosBucket) -> None:
    faults.errors = {"put": DENIED}
    page = words(after(alice.post("account:check-bucket")))
    assert "The bucket cannot be used yet" in page
    assert "could be written into reelay/" in page
    assert "What to do: Make sure that the key pair or role is right and enabled" in page


def test_an_owner_who_checks_too_often_is_told_to_wait(alice: Member, bucket: CosBucket) -> None:
    answers = [alice.post("account:check-bucket") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert "Try again in a minute." in words(answers[-1])


def test_members_see_neither_the_button_nor_the_policies(owner: Caller, bucket: CosBucket) -> None:
    person = Member(owner.tenant, Role.MEMBER)
    assert "Check this bucket" not in person.see("account:bucket")
    assert person.post("account:check-bucket").status_code == 403


# --- the console


def test_staff_who_may_change_buckets_check_one(owner: Caller, bucket: CosBucket) -> None:
    tenant = f"/admin/accounts/tenant/{owner.tenant.pk}/"
    sophie = Person("sophie", "view_tenant", "change_tenant", "view_cosbucket", "change_cosbucket")
    assert f"{tenant}bucket/" in sophie.see(f"{tenant}change/?tab=bucket")
    assert "Check this bucket" in sophie.see(f"{tenant}bucket/")
    answer = sophie.send(f"{tenant}bucket/", {})
    assert "The bucket can be used." in answer.page
    assert SECRET not in answer.page
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.place, entry.tenant) == (sophie.user, "console", owner.tenant)
    viewer = Person("vera", "view_tenant", "view_cosbucket")
    assert f"{tenant}bucket/" not in viewer.see(f"{tenant}change/?tab=bucket")
    assert viewer.get(f"{tenant}bucket/").status_code == 403
    assert viewer.client.post(f"{tenant}bucket/").status_code == 403
    CosBucket.objects.all().delete()
    assert "The tenant has no bucket of its own." in sophie.see(f"{tenant}bucket/")
    assert leads_to(sophie.client.post(f"{tenant}bucket/")) == f"{tenant}bucket/"


# --- the API


@pytest.fixture
def manager(owner: Caller) -> Caller:
    """A program of Alice's that may manage her account."""
    return make_caller(owner.tenant, "manager", (Scope.MANAGE,))


def test_a_program_checks_the_bucket(faults: Faults, manager: Caller, bucket: CosBucket) -> None:
    faults.errors = {"put": DENIED}
    answer = manager.post(BUCKET_CHECK, {}, HTTP_ACCEPT_LANGUAGE="zh-hans").json()
    documented = _examples()["bucket_check"]
    assert (answer["object"], answer["ok"], answer["checked_at"]) == ("bucket_check", False, None)
    assert answer.keys() == documented.keys()
    assert _shape(answer["findings"]) == _shape(documented["findings"])
    by_step = {found["step"]: found for found in documented["findings"]}
    write, grant = answer["findings"][1], answer["findings"][-1]
    assert (write["code"], write["fix"], grant) == ("denied", by_step["write"]["fix"], by_step["grant"])
    assert answer["policies"].keys() == {"access", "upstream"}
    assert SECRET not in json.dumps(answer)
    faults.errors = {}
    good = manager.post(BUCKET_CHECK, {}).json()
    assert good["ok"] is True
    assert abs(good["checked_at"] - timezone.now().timestamp()) < 60
    entry = AuditEntry.objects.latest("id")
    assert (entry.place, entry.actor, entry.actor_name) == ("api", None, str(manager.key))


def test_a_program_without_a_bucket_or_with_too_many_checks_is_refused(
    manager: Caller, owner: Caller
) -> None:
    assert_refused(manager.post(BUCKET_CHECK, {}), 404, "bucket_not_set")
    CosBucket.objects.create(tenant=owner.tenant, bucket=BUCKET, region=REGION)
    answers = [manager.post(BUCKET_CHECK, {}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert_refused(answers[-1], 429, "rate_limit_exceeded")
    assert int(answers[-1].headers["retry-after"]) <= 6


def test_every_code_is_documented() -> None:
    document = (Path(__file__).resolve().parents[2] / "docs" / "buckets.md").read_text()
    known = {
        *bucket_findings._REASONS,
        *bucket_findings._OF_CREDENTIALS,
        *bucket_findings._OF_GRANT,
        *("ok", "not_tried"),
    }
    assert [code for code in sorted(known) if f"`{code}`" not in document] == []
