"""API keys: stored as a digest, found in one query, with their use recorded once a minute."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts import keys
from accounts.api.lookup import find_key
from accounts.models import APIKey, Scope, Tenant
from tests.conftest import NOW, Caller, make_caller

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_consists_of_a_prefix_a_secret_and_a_checksum() -> None:
    text = keys.mint()
    assert re.fullmatch(r"rly_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", text)
    parsed = keys.parse(text)
    assert parsed is not None
    assert text.startswith(f"{parsed.prefix}_")
    assert parsed.digest == keys.digest(text)


def test_no_two_keys_are_the_same() -> None:
    assert len({keys.mint() for _ in range(100)}) == 100


def test_any_single_typing_error_is_detected_without_a_database() -> None:
    text = keys.mint()
    for position in range(len(text)):
        for letter in ALPHABET:
            typed = text[:position] + letter + text[position + 1 :]
            assert typed == text or keys.parse(typed) is None


@pytest.mark.parametrize(
    "text", ["", "rly_", "rly__", "sk-123", "rly_" + "é" * 58, "x" * 100_000, "\x00", "\ud800"]
)
def test_other_text_is_no_key(text: str) -> None:
    assert keys.parse(text) is None


@pytest.mark.parametrize(
    "change", [lambda text: text + "\n", lambda text: " " + text, str.upper, str.swapcase]
)
def test_a_key_must_match_exactly(change: type[str]) -> None:
    assert keys.parse(change(keys.mint())) is None


def test_the_key_itself_is_stored_nowhere(owner: Caller) -> None:
    assert owner.text is not None
    secret = owner.text.rpartition("_")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM accounts_apikey k")
        rows = [row for (row,) in cursor.fetchall()]
    assert len(rows) == 1
    assert secret not in rows[0]
    assert secret[:20] not in rows[0]
    assert keys.digest(owner.text) in rows[0]


def test_a_key_never_shows_its_secret(owner: Caller) -> None:
    assert owner.text is not None
    parsed = keys.parse(owner.text)
    for shown in (repr(owner.key), str(owner.key), repr(parsed), str(parsed)):
        assert owner.text not in shown
        assert owner.text.rpartition("_")[2] not in shown
        assert keys.digest(owner.text) not in shown


def test_a_key_is_found_together_with_its_tenant_in_one_query(
    owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert owner.text is not None
    with django_assert_num_queries(1):
        found = find_key(owner.text, NOW)
        assert found is not None
        assert found.key.tenant == owner.tenant


def test_authentication_is_one_query(
    owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller = make_caller(owner.tenant, scopes=(Scope.MANAGE,))
    for queries in (2, 1):  # the first use is recorded
        with django_assert_num_queries(queries):
            assert caller.get("/v1/models").status_code == 403


def test_text_that_is_no_key_costs_no_query(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert Caller("rly_12345678_123").get("/v1/models").status_code == 401


def test_use_is_recorded_at_most_once_a_minute(
    owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key = owner.key
    assert key is not None
    for age, writes, noted in [(0, 1, 0), (1, 0, 0), (59.999, 0, 0), (60, 1, 60), (61, 0, 60), (600, 1, 600)]:
        with django_assert_num_queries(writes):
            key.record_use(NOW + timedelta(seconds=age), None)
        assert APIKey.objects.get().last_used_at == NOW + timedelta(seconds=noted)


def test_a_request_records_when_and_from_where_its_key_was_used(owner: Caller) -> None:
    owner.get("/v1/models", REMOTE_ADDR="[2001:db8:0::7]")
    key = APIKey.objects.get()
    assert key.last_used_at is not None
    assert key.last_used_address == "2001:db8::7"


def test_a_refused_key_does_not_count_as_used(owner: Caller) -> None:
    assert owner.key is not None
    owner.key.revoke(NOW)
    owner.get("/v1/models")
    assert APIKey.objects.get().last_used_at is None


def test_a_key_expires_at_its_time_and_not_before(db: None) -> None:
    end = NOW + timedelta(days=1)
    _, text = APIKey.objects.mint(Tenant.objects.create(name="Alice"), "short", expires_at=end)
    assert find_key(text, end - timedelta(microseconds=1)) is not None
    assert find_key(text, end) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_case_insensitive(scheme: str, owner: Caller, nobody: Caller) -> None:
    answer = nobody.get("/v1/models", HTTP_AUTHORIZATION=f"{scheme} {owner.text}")
    assert answer.status_code == 200


def test_all_keys_of_a_tenant_see_the_same(owner: Caller, mate: Caller) -> None:
    assert owner.get("/v1/models").content == mate.get("/v1/models").content
