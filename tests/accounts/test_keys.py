"""What a key can be used for, from where and until when, and rotation."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import networks
from accounts.api.authentication import ADDRESS_REFUSAL, REFUSAL
from accounts.api.lookup import find_key
from accounts.api.permissions import HasScope
from accounts.models import APIKey, Tenant
from accounts.models.api_key import NotRotatable
from config.edge.server import command
from tests.conftest import NOW, Caller, make_caller
from tests.support.worker_process import child_environment
from videos.local.processes import ProcessGroup, free_port

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MODELS = "/v1/models"
HOME, ABROAD = "203.0.113.7", "198.51.100.7"


def key_of(caller: Caller) -> APIKey:
    assert caller.key is not None
    return caller.key


def restrict(caller: Caller, **fields: Any) -> None:
    APIKey.objects.filter(pk=key_of(caller).pk).update(**fields)


def refusal(answer: Any) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


# --- finding a key


def test_authentication_reads_a_key_as_the_models_do(owner: Caller, mate: Caller) -> None:
    assert owner.text is not None
    Tenant.objects.update(time_zone="Asia/Shanghai")
    restrict(
        owner,
        scopes=["read", "manage"],
        expires_at=timezone.now() + DAY,
        last_used_at=NOW,
        last_used_address="2001:db8::7",
        replaced_by=mate.key,
        allowed_models=["GV-3.1-720p", "a,b", '"', "模型"],
        allowed_networks=["203.0.113.0/24"],
        requests_per_minute=10,
        spend_per_month=Decimal("9.5"),
    )
    looked_up = find_key(owner.text, timezone.now())
    found = looked_up and looked_up.key
    expected = APIKey.objects.select_related("tenant").get(pk=key_of(owner).pk)
    assert found is not None
    for one, other in ((found, expected), (found.tenant, expected.tenant)):
        read = {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}
        assert read == {name: getattr(other, name) for name in read}
        assert [type(value) for value in read.values()] == [type(getattr(other, name)) for name in read]
        assert (one._state.db, one._state.adding) == (other._state.db, other._state.adding)


def test_columns_read_with_a_key_need_no_conversion_by_the_models() -> None:
    converted = [
        field.name
        for model in (APIKey, Tenant)
        for field in model._meta.concrete_fields
        if hasattr(field, "from_db_value")
    ]
    assert converted == []


ENDINGS: dict[str, Callable[[APIKey], object]] = {
    "revoked": lambda key: key.revoke(timezone.now()),
    "expired": lambda key: APIKey.objects.filter(pk=key.pk).update(expires_at=timezone.now()),
    "suspended": lambda key: key.tenant.suspend(timezone.now()),
    "gone": lambda key: key.delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_requests_after_a_key_ends_are_refused(ending: str, owner: Caller) -> None:
    assert owner.get(MODELS).status_code == 200
    ENDINGS[ending](key_of(owner))
    assert refusal(owner.get(MODELS)) == (401, "invalid_api_key", REFUSAL)


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Another web process."""
    port = free_port(0)
    with ProcessGroup(tmp_path / "logs") as family:
        child = family.start("web", command("::1", port), child_environment(API_THREADS="2"))
        url = f"http://[::1]:{port}"
        family.wait_until_answers(child, f"{url}/healthz")
        yield url


@pytest.mark.processes
def test_another_process_records_the_address_and_refuses_a_revoked_key_at_once(
    server: str, owner: Caller
) -> None:
    restrict(owner, allowed_networks=["::1/128"])
    for _ in range(5):
        assert asked(server, owner) == 200
    assert APIKey.objects.get().last_used_address == "::1"
    key_of(owner).revoke(timezone.now())
    assert asked(server, owner) == 401


def asked(server: str, caller: Caller) -> int:
    """Returns the status of an answer over the network."""
    request = urllib.request.Request(server + MODELS, headers={"Authorization": f"Bearer {caller.text}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


# --- networks


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        ([], ABROAD, 200),
        ([], "", 200),
        (["203.0.113.0/24"], HOME, 200),
        (["203.0.113.0/24"], ABROAD, 403),
        (["203.0.113.0/24"], "203.0.114.0", 403),
        (["203.0.113.0/24"], f"::ffff:{HOME}", 200),
        (["203.0.113.0/24"], f"[::ffff:{ABROAD}]", 403),
        (["10.0.0.0/8", "203.0.113.7/32"], HOME, 200),
        (["203.0.113.7"], HOME, 200),
        (["0.0.0.0/0"], "2001:db8::7", 403),
        (["::/0"], "2001:db8::7", 200),
        (["::/0"], HOME, 403),
        (["2001:db8::/32"], "[2001:db8::7]", 200),
        (["fe80::/10"], "fe80::7%eth0", 200),
        (["203.0.113.0/24"], "", 403),
        (["203.0.113.0/24"], "nowhere", 403),
    ],
)
def test_a_key_works_only_from_its_networks(
    allowed: list[str], address: str, status: int, owner: Caller
) -> None:
    restrict(owner, allowed_networks=allowed)
    answer = owner.get(MODELS, REMOTE_ADDR=address)
    assert answer.status_code == status
    if status == 403:
        assert refusal(answer) == (403, "permission_denied", ADDRESS_REFUSAL)


def test_checks_run_in_order_key_address_scope(owner: Caller) -> None:
    restrict(owner, allowed_networks=["203.0.113.0/24"], scopes=["manage"], revoked_at=NOW)
    assert refusal(owner.get(MODELS, REMOTE_ADDR=ABROAD)) == (401, "invalid_api_key", REFUSAL)
    restrict(owner, revoked_at=None)
    assert refusal(owner.get(MODELS, REMOTE_ADDR=ABROAD)) == (403, "permission_denied", ADDRESS_REFUSAL)
    assert refusal(owner.get(MODELS, REMOTE_ADDR=HOME)) == (403, "permission_denied", HasScope.message)


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "203.0.113.7", "203.0.113.7/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1"]
)
def test_a_valid_network_is_accepted(text: str) -> None:
    networks.validate_network(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "2001:db8::1/32", "::ffff:10.0.0.0/104", " x"],
)
def test_an_invalid_network_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        networks.validate_network(text)


# --- addresses


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (HOME, HOME),
        (f" {HOME} ", HOME),
        (f"{HOME}:4711", HOME),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
        ("[fe80::7%25eth0]:80", "fe80::7"),
        (f"::ffff:{HOME}", HOME),
        (f"[::ffff:{HOME}]:80", HOME),
        ("::ffff:cb00:7107", HOME),
    ],
)
def test_an_address_is_parsed_in_any_notation(written: str, address: str) -> None:
    assert networks.parse_address(written) == ip_address(address)


@pytest.mark.parametrize(
    "written", ["", "unknown", "_hidden", "203.0.113", "203.0.113.07", "[::1", "1:x", "::1%" + "0" * 100]
)
def test_other_text_is_no_address(written: str) -> None:
    assert networks.parse_address(written) is None


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.1"),
        (0, HOME, "192.0.2.1"),
        (1, HOME, HOME),
        (1, f"10.0.0.1, {HOME}", HOME),
        (1, f"10.0.0.1,{HOME}:4711", HOME),
        (1, f"{HOME}, unknown", None),
        (2, f"{HOME}, 192.0.2.9", HOME),
        (2, f"10.0.0.1, [{HOME}], {HOME}, 192.0.2.9", HOME),
        (2, f", {HOME}, 192.0.2.9", HOME),
        (1, None, None),
        (1, "", None),
        (2, HOME, None),
        (3, f"{HOME}, 192.0.2.9", None),
    ],
)
def test_the_outermost_trusted_proxy_names_the_caller(
    proxies: int, forwarded: str | None, address: str | None, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = proxies
    header = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    meta = {"REMOTE_ADDR": "192.0.2.1", **header}
    assert networks.caller(meta) == (address and ip_address(address))


def test_a_forged_header_gives_no_access(owner: Caller, settings: LazySettings) -> None:
    restrict(owner, allowed_networks=["203.0.113.0/24"])
    for proxies, forwarded in ((0, HOME), (1, f"{HOME}, {ABROAD}"), (2, HOME)):
        settings.TRUSTED_PROXIES = proxies
        answer = owner.get(MODELS, HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR=ABROAD)
        assert answer.status_code == 403


# --- models


@pytest.mark.parametrize(
    ("allowed", "name", "may"),
    [
        ([], "Kling-3.0-720p", True),
        (["Kling-3.0-720p"], "Kling-3.0-720p", True),
        (["kling-3.0-720P"], "KLING-3.0-720p", True),
        (["GV-3.1-720p", "Kling-3.0-720p"], "Kling-3.0-720p", True),
        (["Kling-3.0-720p"], "Kling-3.0-1080p", False),
        (["Kling-3.0-720p"], "Kling-3.0", False),
        (["Kling-3.0-720p"], "", False),
    ],
)
def test_a_key_works_only_for_its_models(allowed: list[str], name: str, may: bool) -> None:
    assert APIKey(allowed_models=allowed).allows_model(name) is may


# --- last use


def test_concurrent_processes_record_a_use_once(owner: Caller) -> None:
    stale = [APIKey.objects.get() for _ in range(3)]
    ages = (timedelta(0), timedelta(seconds=1), timedelta(minutes=1))
    noted = [
        key.record_use(NOW + age, ip_address(f"192.0.2.{place}"))
        for place, (key, age) in enumerate(zip(stale, ages, strict=True))
    ]
    assert noted == [True, False, True]
    assert APIKey.objects.get().last_used_address == "192.0.2.2"


def test_concurrent_threads_record_a_use_once(transactional_db: None, owner: Caller) -> None:
    stale = [APIKey.objects.get() for _ in range(8)]
    assert sum(at_once(lambda number: stale[number].record_use(NOW, None), 8)) == 1


def at_once(do: Callable[[int], Any], times: int) -> list[Any]:
    """Run it that many times concurrently, each on its own connection."""
    start = threading.Barrier(times)

    def one(number: int) -> Any:
        try:
            start.wait()
            return do(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


@pytest.mark.parametrize("fields", [{"revoked_at": NOW}, {"allowed_networks": ["10.0.0.0/8"]}])
def test_a_refused_request_does_not_count_as_use(fields: dict[str, Any], owner: Caller) -> None:
    restrict(owner, **fields)
    assert owner.get(MODELS).status_code in (401, 403)
    assert (APIKey.objects.get().last_used_at, APIKey.objects.get().last_used_address) == (None, None)


def test_a_use_from_an_unknown_address_is_recorded_without_it(owner: Caller) -> None:
    restrict(owner, last_used_address=HOME)
    owner.get(MODELS, REMOTE_ADDR="unknown")
    assert APIKey.objects.get().last_used_at is not None
    assert APIKey.objects.get().last_used_address is None


# --- rotation


def test_a_rotated_key_keeps_the_permissions_of_the_old_one(owner: Caller) -> None:
    given = {
        "scopes": ["read", "manage"],
        "allowed_models": ["GV-3.1-720p"],
        "allowed_networks": ["203.0.113.0/24"],
        "requests_per_minute": 10,
        "spend_per_month": Decimal("9.5"),
    }
    restrict(owner, **given)
    new, _ = key_of(owner).rotate(NOW, DAY)
    new.refresh_from_db()
    assert {name: getattr(new, name) for name in given} == given
    assert (new.tenant, new.name, new.last_used_at) == (owner.tenant, "owner", None)


def test_both_keys_work_until_the_overlap_ends(owner: Caller) -> None:
    assert owner.text is not None
    new, text = key_of(owner).rotate(NOW, HOUR)
    for age, old_works in ((timedelta(0), True), (HOUR - timedelta(microseconds=1), True), (HOUR, False)):
        assert (find_key(owner.text, NOW + age) is not None) is old_works
        assert (found := find_key(text, NOW + age)) is not None
        assert found.key == new


def test_without_an_overlap_the_old_key_ends_at_once(owner: Caller) -> None:
    assert owner.text is not None
    key_of(owner).rotate(NOW, timedelta(0))
    assert find_key(owner.text, NOW) is None


@pytest.mark.parametrize(
    ("expires_at", "old_ends"), [(None, NOW + DAY), (NOW + HOUR, NOW + HOUR), (NOW + 9 * DAY, NOW + DAY)]
)
def test_a_rotation_never_extends_an_expiry(
    expires_at: datetime | None, old_ends: datetime, owner: Caller
) -> None:
    restrict(owner, expires_at=expires_at)
    new, _ = key_of(owner).rotate(NOW, DAY)
    old = APIKey.objects.get(pk=key_of(owner).pk)
    assert (old.expires_at, old.replaced_by) == (old_ends, new)
    assert APIKey.objects.get(pk=new.pk).expires_at == expires_at


OBSTACLES: list[tuple[str, Callable[[APIKey], object]]] = [
    ("revoked", lambda key: key.revoke(NOW)),
    ("expired", lambda key: APIKey.objects.filter(pk=key.pk).update(expires_at=NOW)),
    ("replaced", lambda key: APIKey.objects.get(pk=key.pk).rotate(NOW, DAY)),
]


@pytest.mark.parametrize(("word", "spoil"), OBSTACLES)
def test_an_ended_key_cannot_be_rotated(word: str, spoil: Callable[[APIKey], object], owner: Caller) -> None:
    spoil(key_of(owner))
    before = list(APIKey.objects.order_by("pk").values())
    with pytest.raises(NotRotatable, match=word):
        key_of(owner).rotate(NOW, DAY)
    assert list(APIKey.objects.order_by("pk").values()) == before


def test_a_new_key_can_be_rotated_again(owner: Caller) -> None:
    assert owner.text is not None
    new, _ = key_of(owner).rotate(NOW, DAY)
    newest, _ = new.rotate(NOW + HOUR, DAY)
    assert APIKey.objects.get(pk=key_of(owner).pk).replaced_by == new
    assert APIKey.objects.get(pk=new.pk).replaced_by == newest


def test_of_concurrent_rotations_one_succeeds(transactional_db: None, owner: Caller) -> None:
    def rotate(_: int) -> None:
        with suppress(NotRotatable):
            APIKey.objects.get(pk=key_of(owner).pk).rotate(NOW, DAY)

    at_once(rotate, 4)
    assert APIKey.objects.count() == 2


def test_a_rotated_key_is_still_found_in_one_query(
    owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert owner.text is not None
    key_of(owner).rotate(NOW, DAY)
    with django_assert_num_queries(1):
        assert find_key(owner.text, NOW) is not None


# --- commands


def printed(*command: str) -> dict[str, Any]:
    output = StringIO()
    call_command(*command, stdout=output)
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def test_the_command_prints_the_new_key_and_when_the_old_one_ends(owner: Caller) -> None:
    before = timezone.now()
    answer = printed("rotatekey", key_of(owner).prefix, "--overlap-hours", "1.5")
    assert answer["tenant"] == str(owner.tenant.id)
    ends = datetime.fromisoformat(answer["old_key_expires_at"])
    assert before < ends - timedelta(hours=1.5) < timezone.now()
    assert Caller(answer["key"]).get(MODELS).status_code == 200
    assert owner.get(MODELS).status_code == 200


def test_the_commands_default_overlap_is_a_day(owner: Caller) -> None:
    ends = datetime.fromisoformat(printed("rotatekey", key_of(owner).prefix)["old_key_expires_at"])
    assert timedelta(hours=23) < ends - timezone.now() <= DAY


@pytest.mark.parametrize("hours", ["-1", "nan", "inf", "1e9"])
def test_the_command_refuses_an_invalid_overlap(hours: str, owner: Caller) -> None:
    with pytest.raises(CommandError, match="overlap"):
        call_command("rotatekey", key_of(owner).prefix, f"--overlap-hours={hours}")
    assert APIKey.objects.count() == 1


def test_the_command_explains_a_refused_rotation_without_repeating_a_key(owner: Caller) -> None:
    key_of(owner).revoke(NOW)
    with pytest.raises(CommandError, match=r"The key owner \(rly_.{8}…\) has been revoked\."):
        call_command("rotatekey", key_of(owner).prefix)
    assert owner.text is not None
    with pytest.raises(CommandError) as raised:
        call_command("rotatekey", owner.text)
    assert owner.text not in str(raised.value)


def test_a_tenant_can_be_created_with_a_time_zone(db: None, settings: LazySettings) -> None:
    settings.DEFAULT_TENANT_TIME_ZONE = "Asia/Tokyo"
    for arguments, zone in (((), "Asia/Tokyo"), (("--time-zone", "Asia/Shanghai"), "Asia/Shanghai")):
        made = printed("createtenant", zone, *arguments)
        assert Tenant.objects.get(pk=made["tenant"]).time_zone == zone
        assert Caller(made["key"]).get(MODELS).status_code == 200


def test_an_unknown_time_zone_creates_no_tenant(db: None) -> None:
    with pytest.raises(CommandError, match="Mars is no time zone"):
        call_command("createtenant", "Alice", "--time-zone", "Mars")
    assert not Tenant.objects.exists()


# --- secrecy


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("table", ["accounts_apikey", "accounts_tenant", "videos_task"])
def test_no_error_page_and_no_log_shows_a_key(
    table: str, debug: bool, owner: Caller, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    assert owner.text is not None
    settings.DEBUG = debug
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    answer = owner.get("/v1/videos/task_0199f0d2a3b47c1d8e9f0a1b2c3d4e5f")
    assert answer.status_code == 500
    assert "Traceback" in caplog.text
    secret = owner.text.rpartition("_")[2]
    assert secret not in caplog.text
    assert secret not in answer.content.decode()


def test_the_text_of_a_key_shows_only_its_prefix(owner: Caller) -> None:
    caller = make_caller(owner.tenant, "a program")
    assert caller.text is not None
    assert str(caller.key) == f"a program ({caller.text[:12]}…)"
