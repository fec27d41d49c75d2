"""A tenant's own bucket: validation, destination of videos, and secrecy of its key."""

import asyncio
import io
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import buckets
from accounts.buckets import Destination
from accounts.encryption import reencrypt
from accounts.models import CosBucket, Tenant
from tests.conftest import GOOD_BODY, Caller, Sandbox
from tests.support.console import Person
from tests.support.rows import each
from videos import catalogue
from videos.models import Task
from videos.products import Product
from videos.requests import parse
from videos.upstream import translate
from videos.upstream.base import Connection, Phase, Progress, Refused, Submission
from videos.upstream.connections import connect
from videos.upstream.download import Downloader
from videos.upstream.hosts import Hosts

BUCKET, REGION = "films-1250000000", "ap-guangzhou"
ROLE = "qcs::cam::uin/100000000001:roleName/reader"
SECRET, NEW_SECRET = "the-secret-half", "a-newer-secret-half"
TENANT = UUID("0193456789ab7def8123456789abcdef")
DAY = date(2026, 11, 20)
TASK = "task_0193456789ab7def8123456789abcdef"


# --- validation

# The host, <bucket>.cos.<region>.myqcloud.com, has at most 60 characters.
NAMES_TO_FIT = [
    ("a" * 20 + "-1250000000", "ap-guangzhou", False),
    ("a" * 19 + "-1250000000", "ap-guangzhou", True),
    ("a" * 21 + "-1250000000", "ap-beijing", True),
    ("a" * 22 + "-1250000000", "ap-beijing", False),
    ("a" * 15 + "-1250000000", "na-siliconvalley", True),
    ("a" * 16 + "-1250000000", "na-siliconvalley", False),
]


@pytest.mark.parametrize(
    "bucket",
    ["", BUCKET, "examplebucket-1-1250000000", "1-newproject-1250000000", "a--b-1250000000", "x-1"],
)
def test_a_full_bucket_name_is_accepted(bucket: str) -> None:
    buckets.check_bucket(bucket, REGION)


@pytest.mark.parametrize(
    "bucket",
    [
        "films",
        "1250000000",
        "-1250000000",
        "films-",
        "films-12x",
        "films-app",
        "-films-1250000000",
        "films--1250000000",
        "Films-1250000000",
        "my_films-1250000000",
        "my.films-1250000000",
        "my films-1250000000",
        "影片-1250000000",
        "films-１２５０",  # noqa: RUF001 - digits, but not those of a host
        "films-1250000000\n",
        "films-1250000000/x",
        "https://films-1250000000.cos.ap-guangzhou.myqcloud.com",
    ],
)
def test_an_invalid_bucket_name_is_refused(bucket: str) -> None:
    with pytest.raises(ValueError, match="name-appid"):
        buckets.check_bucket(bucket, REGION)


@pytest.mark.parametrize(("bucket", "region", "fits"), NAMES_TO_FIT)
def test_the_region_limits_the_length_of_a_bucket_name(bucket: str, region: str, fits: bool) -> None:
    if fits:
        buckets.check_bucket(bucket, region)
    else:
        with pytest.raises(ValueError, match=f"not exceed {len(bucket) - 1} characters"):
            buckets.check_bucket(bucket, region)


@pytest.mark.parametrize(
    "region",
    ["ap-guangzhou", "na-siliconvalley", "eu-frankfurt", "sa-saopaulo", "ap-shanghai-fsi", "ap-beijing-1"],
)
def test_a_valid_region_is_accepted(region: str) -> None:
    buckets.check_region(region, BUCKET)


@pytest.mark.parametrize(
    "region",
    [
        "guangzhou",
        "广州",
        "1-2",
        "ap-",
        "-guangzhou",
        "ap--guangzhou",
        "ap_guangzhou",
        "AP-Guangzhou",
        "ap-guangzhou ",
        "ap-guangzhou\n",
        "ap-guangzhou.myqcloud.com",
    ],
)
def test_an_invalid_region_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="such as ap-guangzhou"):
        buckets.check_region(region, BUCKET)


@pytest.mark.parametrize(("bucket", "region"), [(BUCKET, ""), ("", REGION)])
def test_bucket_and_region_need_each_other(bucket: str, region: str) -> None:
    with pytest.raises(ValueError, match="both"):
        buckets.check_region(region, bucket)


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "videos",
        "reelay/{date}",
        "{tenant}/{model}/{date}",
        "a.b_c-D/v{date}.{model}",
        ".hidden/x",
        "{date}{date}",
        "/".join(["{tenant}"] * 21),
        "x" * 200,
    ],
)
def test_a_path_of_plain_folders_and_placeholders_is_accepted(prefix: str) -> None:
    buckets.check_path_prefix(prefix)


@each(
    "prefix, why",
    [
        ("/videos", "single slashes"),
        ("videos/", "single slashes"),
        ("/", "single slashes"),
        ("videos//new", "single slashes"),
        (".", "single slashes"),
        ("videos/./new", "single slashes"),
        ("..", "single slashes"),
        ("../videos", "single slashes"),
        ("videos/../../new", "single slashes"),
        ("a..b", "single slashes"),
        ("...", "single slashes"),
        ("{user}", "{tenant}, {model}, {date}"),
        ("{Date}", "{tenant}, {model}, {date}"),
        ("{date", "{tenant}, {model}, {date}"),
        ("{}", "{tenant}, {model}, {date}"),
        ("{{date}}", "{tenant}, {model}, {date}"),
        ("{date:%Y}", "{tenant}, {model}, {date}"),
        ("{tenant.name}", "{tenant}, {model}, {date}"),
        ("my videos", "{tenant}, {model}, {date}"),
        ("videos\\new", "{tenant}, {model}, {date}"),
        ("videos?x=1", "{tenant}, {model}, {date}"),
        ("50%25", "{tenant}, {model}, {date}"),
        ("影片", "{tenant}, {model}, {date}"),
        ("videos\n", "{tenant}, {model}, {date}"),
        ("videos\x1b", "{tenant}, {model}, {date}"),
        ("{model}" * 28, "too long"),
        ("/".join(["{tenant}"] * 22), "too long"),
    ],
)
def test_an_unsafe_or_too_long_path_is_refused(prefix: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        buckets.check_path_prefix(prefix)


# --- destinations


@pytest.mark.parametrize(
    ("prefix", "model", "folder"),
    [
        ("reelay/{date}", "Kling-3.0-1080p", "reelay/2026-11-20/"),
        ("", "Kling-3.0-1080p", ""),
        ("{tenant}/{model}", "Kling-3.0-1080p", f"{TENANT.hex}/Kling-3.0-1080p/"),
        ("{date}-{date}", "x", "2026-11-20-2026-11-20/"),
        ("{model}", "可灵 3.0", "___3.0/"),
        ("{model}", "可灵", "__/"),
        ("{model}", "a/b\\c", "a_b_c/"),
        ("{model}", "..", "_/"),
        ("x/{model}/y", "../..", "x/_.__/y/"),
        ("{model}", ".", "_/"),
        ("{model}", "", "_/"),
        ("{model}", "{date}", "_date_/"),
        ("{model}", "é\x00\n?#%&=", "________/"),
        ("{model}", "x" * 80, "x" * 50 + "/"),
        (".{model}", ".hidden.", ".hidden/"),
    ],
)
def test_each_task_has_its_own_folder(prefix: str, model: str, folder: str) -> None:
    found = buckets.destination(BUCKET, REGION, prefix, tenant_id=TENANT, task_id=TASK, model=model, day=DAY)
    assert found == Destination(BUCKET, REGION, folder + TASK)


@pytest.mark.parametrize("prefix", ["reelay/{date}", ""])
def test_without_a_bucket_there_is_no_destination(prefix: str) -> None:
    assert buckets.destination("", "", prefix, tenant_id=TENANT, task_id=TASK, model="x", day=DAY) is None
    assert CosBucket(path_prefix=prefix).destination(TASK, "x", DAY) is None


def test_the_longest_path_leaves_room_for_the_file_name() -> None:
    prefix, task_id = "/".join(["{tenant}"] * 21), Task(id=TENANT).public_id
    buckets.check_path_prefix(prefix)
    found = buckets.destination(BUCKET, REGION, prefix, tenant_id=TENANT, task_id=task_id, model="x", day=DAY)
    assert found is not None
    assert len(f"{found.path}/") <= 850 - 100


# --- the rows


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path_prefix": ""},
        {"bucket": BUCKET, "region": REGION},
        {"bucket": BUCKET, "region": REGION, "secret_id": "AKIDx", "secret_key": SECRET},
    ],
)
def test_a_valid_bucket_is_stored(owner: Caller, fields: dict[str, str]) -> None:
    bucket = CosBucket(tenant=owner.tenant, **fields)
    bucket.full_clean()
    bucket.save()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"bucket": BUCKET}, ["region"]),
        ({"region": REGION}, ["region"]),
        ({"bucket": "films", "region": "Guangzhou"}, ["bucket", "region"]),
        ({"path_prefix": "/x"}, ["path_prefix"]),
        ({"secret_id": "AKIDx"}, ["secret_id"]),
        ({"secret_id": "AKIDx", "secret_key": ""}, ["secret_id"]),
        ({"secret_key": SECRET}, ["secret_id"]),
        ({"secret_id": "AKIDx", "secret_key": SECRET, "role_arn": ROLE}, ["role_arn"]),
        ({"role_arn": "reader"}, ["role_arn"]),
    ],
)
def test_all_errors_of_a_bucket_are_reported_by_field(
    owner: Caller, fields: dict[str, str], wrong: list[str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        CosBucket(tenant=owner.tenant, **fields).full_clean()
    assert list(refused.value.message_dict) == wrong
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"bucket": BUCKET}, "cos_bucket_with_region"),
        ({"region": REGION}, "cos_bucket_with_region"),
        ({"secret_id": "AKIDx"}, "cos_bucket_credentials_are_a_pair"),
        ({"secret_key": SECRET}, "cos_bucket_credentials_are_a_pair"),
        ({"secret_id": "AKIDx", "secret_key": SECRET, "role_arn": ROLE}, "cos_bucket_pair_or_role"),
    ],
)
def test_half_of_a_key_pair_is_not_stored(owner: Caller, fields: dict[str, str], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        CosBucket.objects.create(tenant=owner.tenant, **fields)


@pytest.fixture
def bucket(owner: Caller) -> CosBucket:
    """Alice's bucket with credentials."""
    return CosBucket.objects.create(
        tenant=owner.tenant, bucket=BUCKET, region=REGION, secret_id="AKIDalice", secret_key=SECRET
    )


CHANGES: dict[str, Any] = {
    "bucket": "others-1250000000",
    "region": "ap-beijing",
    "path_prefix": "elsewhere",
    "secret_id": "AKIDnew",
    "secret_key": NEW_SECRET,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_needs_a_new_check_whoever_makes_it(name: str, bucket: CosBucket) -> None:
    rows = CosBucket.objects.filter(pk=bucket.pk)
    rows.update(checked_at=timezone.now())
    rows.update(**{name: CHANGES[name]})
    assert rows.get().checked_at is None
    rows.update(checked_at=timezone.now())
    row = rows.get()
    setattr(row, name, f"{CHANGES[name]}" if name == "secret_key" else getattr(bucket, name))
    row.save()
    assert rows.get().checked_at is None


def test_a_role_instead_of_the_key_pair_needs_a_new_check(bucket: CosBucket) -> None:
    rows = CosBucket.objects.filter(pk=bucket.pk)
    rows.update(secret_id="", secret_key=None)
    rows.update(checked_at=timezone.now())
    rows.update(role_arn=ROLE)
    assert rows.get().checked_at is None


def test_a_check_holds_while_only_the_copy_or_the_encryption_changes(
    bucket: CosBucket, settings: LazySettings
) -> None:
    rows = CosBucket.objects.filter(pk=bucket.pk)
    rows.update(checked_at=timezone.now(), keep_copy=True)
    rows.update(keep_copy=False, bucket=BUCKET)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert reencrypt(CosBucket, "secret_key").anew == 1
    assert rows.get().checked_at is not None
    rows.update(secret_key=NEW_SECRET)
    assert rows.get().checked_at is None


def stored_key(bucket: CosBucket) -> str | None:
    """The raw column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_key FROM accounts_cosbucket WHERE tenant_id = %s", [bucket.pk])
        (value,) = cursor.fetchone()
        return None if value is None else str(value)


def test_the_database_stores_no_plain_secret(bucket: CosBucket) -> None:
    assert SECRET not in (stored_key(bucket) or SECRET)
    assert CosBucket.objects.get(pk=bucket.pk).secret_key == SECRET


def test_the_secret_is_in_no_text_about_the_bucket(bucket: CosBucket) -> None:
    found = bucket.destination(TASK, "Kling-3.0-720p", DAY)
    assert found == Destination(BUCKET, REGION, f"reelay/2026-11-20/{TASK}")
    assert SECRET not in f"{bucket} {bucket!r} {found!r}"


# --- the staff console


class Console:
    """A member of staff at a tenant's page."""

    def __init__(self, tenant: Tenant) -> None:
        self._staff = Person("staff")
        self._address = f"/admin/accounts/tenant/{tenant.pk}/change/?tab=bucket"

    def page(self) -> str:
        return self._staff.see(self._address)

    def submit(self, **fields: str) -> str:
        """Fill in and send the form; returns the page if it is shown again, otherwise nothing."""
        form = {"bucket": BUCKET, "region": REGION, "path_prefix": "x"} | fields
        sent = {f"cos_bucket-0-{name}": value for name, value in form.items()}
        answer = self._staff.fill_in(self._address, **sent)
        assert answer.status == 200
        return answer.page if answer.errors else ""


@pytest.fixture
def console(owner: Caller) -> Console:
    return Console(owner.tenant)


def test_staff_set_a_bucket_and_never_see_its_secret(console: Console, owner: Caller) -> None:
    assert "reelay/{date}" in console.page()
    assert console.submit(secret_id="AKIDalice", new_secret_key=SECRET) == ""
    bucket = CosBucket.objects.get(tenant=owner.tenant)
    assert (bucket.bucket, bucket.region, bucket.secret_key) == (BUCKET, REGION, SECRET)
    assert "AKIDalice" in console.page()
    for text in (SECRET, stored_key(bucket) or ""):
        assert text not in console.page()


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
    console: Console, bucket: CosBucket, fields: dict[str, str], credentials: tuple[str, str | None]
) -> None:
    assert console.submit(path_prefix="elsewhere/{model}", **fields) == ""
    bucket.refresh_from_db()
    assert (bucket.path_prefix, bucket.secret_id, bucket.secret_key) == ("elsewhere/{model}", *credentials)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"secret_id": "AKIDnew"}, "Set both the secret ID and its key"),
        ({"secret_id": "", "new_secret_key": NEW_SECRET}, "Set both the secret ID and its key"),
        ({"region": ""}, "Set both the bucket and its region"),
        ({"bucket": ""}, "Set both the bucket and its region"),
        ({"bucket": "films", "new_secret_key": NEW_SECRET}, "Write name-appid"),
        ({"path_prefix": "../{date}"}, "single slashes"),
    ],
)
def test_errors_are_shown_beside_their_fields_and_change_nothing(
    console: Console, bucket: CosBucket, fields: dict[str, str], error: str
) -> None:
    page = console.submit(**({"secret_id": "AKIDalice"} | fields))
    assert page.count(error) == 1
    assert SECRET not in page
    assert NEW_SECRET not in page
    assert "is violated" not in page
    assert CosBucket.objects.get(pk=bucket.pk).region == REGION
    assert CosBucket.objects.get(pk=bucket.pk).secret_key == SECRET


def test_staff_set_a_role_and_a_copy_instead_of_a_key_pair(console: Console, bucket: CosBucket) -> None:
    assert "Set either a key pair or a role" in console.submit(secret_id="AKIDalice", role_arn=ROLE)
    assert console.submit(secret_id="", role_arn=ROLE, keep_copy="on") == ""
    bucket.refresh_from_db()
    assert (bucket.role_arn, bucket.secret_id, bucket.keep_copy) == (ROLE, "", True)
    checked_at = timezone.now()
    CosBucket.objects.update(checked_at=checked_at)
    assert console.submit(secret_id="", role_arn=ROLE, keep_copy="on") == ""
    assert CosBucket.objects.get(pk=bucket.pk).checked_at == checked_at
    assert console.submit(secret_id="", role_arn=ROLE, region="ap-beijing") == ""
    assert CosBucket.objects.get(pk=bucket.pk).checked_at is None


def test_a_page_sent_unfilled_sets_nothing(console: Console, owner: Caller) -> None:
    assert console.submit(bucket="", region="", path_prefix="reelay/{date}") == ""
    assert not CosBucket.objects.filter(tenant=owner.tenant).exists()


def test_the_page_works_without_the_encryption_key_of_the_secret(
    console: Console, bucket: CosBucket, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = ["BqY0xLPVqWnP0bJpxD9vMH4WmPq3cGSG1nqGmc0oJ2c="]
    assert BUCKET in console.page()
    assert console.submit(secret_id="AKIDalice", new_secret_key=NEW_SECRET) == ""
    assert CosBucket.objects.get(pk=bucket.pk).secret_key == NEW_SECRET


# --- upstream


async def make(sandbox: Sandbox, destination: Destination | None) -> tuple[str, Progress]:
    """Create a video; returns its upstream id and upstream's answer about it."""
    translation = translate(parse(GOOD_BODY, catalogue.find), Product.MPS, Submission(destination))
    connection = Connection(Product.MPS, sandbox.url, sandbox.SECRET_ID, sandbox.SECRET_KEY)
    upstream = connect(connection, create_timeout=5, describe_timeout=5)
    try:
        submitted = await upstream.create(translation.payload)
        return submitted.task_id, await upstream.describe(submitted.task_id)
    finally:
        await upstream.aclose()


async def download(url: str) -> bytes:
    file, downloader = io.BytesIO(), Downloader()

    async def alive() -> None: ...

    await downloader.fetch(url, file, alive, hosts=Hosts(("127.0.0.1",)))
    await downloader.aclose()
    return file.getvalue()


def test_a_video_is_stored_in_the_bucket_and_can_be_downloaded(sandbox: Sandbox, bucket: CosBucket) -> None:
    destination = bucket.destination(TASK, GOOD_BODY["model"], DAY)
    upstream_id, progress = asyncio.run(make(sandbox, destination))
    folder = f"{sandbox.url}/buckets/{REGION}/{BUCKET}/reelay/2026-11-20/{TASK}"
    assert (progress.phase, progress.urls) == (Phase.DONE, (f"{folder}/{upstream_id}.mp4",))
    assert asyncio.run(download(progress.urls[0]))[4:8] == b"ftyp"
    (task,) = sandbox.tasks()
    assert task["payload"]["StoreCosParam"]["CosBucketPath"] == f"reelay/2026-11-20/{TASK}"


def test_without_a_bucket_a_video_stays_with_upstream(sandbox: Sandbox) -> None:
    _, progress = asyncio.run(make(sandbox, None))
    assert progress.urls[0].startswith(f"{sandbox.url}/results/")


def test_an_invalid_bucket_is_refused_upstream(sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match="CosBucketNameInvalid"):
        asyncio.run(make(sandbox, Destination("films", REGION, TASK)))
