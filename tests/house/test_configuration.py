"""System checks of the settings, and the encryption of secrets."""

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from accounts.encryption import UndecryptableError
from accounts.models import Quota, WhenFull
from accounts.quotas.in_force import FIELDS, default_columns
from config import local_secrets
from tests.conftest import NOW
from videos.models import UpstreamAccount

OURS = "reelay."


def messages() -> list[CheckMessage]:
    return [message for message in run_checks() if str(message.id).startswith(OURS)]


def ids() -> list[str]:
    return [str(message.id) for message in messages()]


# --- system checks


def test_the_settings_of_the_tests_pass_all_checks() -> None:
    assert messages() == []


@pytest.mark.parametrize(
    ("key_missing", "encryption_missing", "named"),
    [
        (True, True, ["SECRET_KEY", "ENCRYPTION_KEYS"]),
        (True, False, ["SECRET_KEY"]),
        (False, True, ["ENCRYPTION_KEYS"]),
        (False, False, []),
    ],
)
def test_a_shared_database_needs_shared_secrets(
    key_missing: bool, encryption_missing: bool, named: list[str], settings: LazySettings
) -> None:
    settings.EMBEDDED_POSTGRES = None
    settings.SECRET_KEY_GENERATED, settings.ENCRYPTION_KEYS_GENERATED = key_missing, encryption_missing
    found = messages()
    assert [message.id for message in found] == ["reelay.E002"] * len(named)
    for message, name in zip(found, named, strict=True):
        assert name in message.msg
        assert name in (message.hint or "")


SAFE = {
    "SERVED_WITH_TLS": True,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "ALLOWED_HOSTS": ["reelay.example"],
    "BEHIND_TLS_PROXY": True,
    "TRUSTED_PROXIES": 1,
    "DEBUG": False,
}
"""Settings of a safe deployment."""


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"TRUSTED_PROXIES": 0}, ["reelay.E009"]),
        ({"TRUSTED_PROXIES": 0, "BEHIND_TLS_PROXY": False}, []),
        ({"DEBUG": True}, ["reelay.E010"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["reelay.E011"]),
        ({"ALLOWED_HOSTS": ["reelay.example", "*"]}, ["reelay.E011"]),
        ({"ALLOWED_HOSTS": ["*"], "DEBUG": True, "SERVED_WITH_TLS": False}, []),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, ["reelay.E012"]),
        ({"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}, ["reelay.E012"]),
        (
            {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend", "SERVED_WITH_TLS": False},
            [],
        ),
    ],
)
def test_unsafe_settings_fail_the_deployment_check(
    changed: dict[str, Any], found: list[str], settings: LazySettings
) -> None:
    for name, value in {**SAFE, **changed}.items():
        setattr(settings, name, value)
    found_by_check = [m for m in run_checks(include_deployment_checks=True) if str(m.id).startswith(OURS)]
    assert [message.id for message in found_by_check] == found
    assert all(message.hint and message.is_serious() for message in found_by_check)


GOOD_QUOTAS: list[tuple[str, str, object]] = [
    ("concurrent_tasks", "5", 5),
    ("queued_tasks", "0", 0),
    ("requests_per_minute", "600", 600),
    ("seconds_per_day", "3600", 3600),
    ("seconds_per_month", "999999999", 999_999_999),
    ("spend_per_day", "9.50", Decimal("9.5")),
    ("spend_per_month", "123456789012.123456", Decimal("123456789012.123456")),
    ("when_full", "refuse", WhenFull.REFUSE),
    ("when_full", "queue", WhenFull.QUEUE),
    ("is_prepaid", "True", True),
    ("is_prepaid", "False", False),
]


@pytest.mark.parametrize(("name", "word", "value"), GOOD_QUOTAS)
def test_the_default_quota_can_set_each_limit(
    name: str, word: str, value: object, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {name: word}
    assert messages() == []
    quota = Quota(**dict(zip(FIELDS, default_columns(), strict=True)))
    quota.clean_fields(exclude=["tenant"])
    assert getattr(quota, name) == value


def test_the_table_above_has_every_limit() -> None:
    fields = {field.name for field in Quota._meta.get_fields()} - {"tenant"}
    assert {name for name, _, _ in GOOD_QUOTAS} == fields


@pytest.mark.parametrize(
    ("is_behind_proxy", "url", "found"),
    [
        (True, "http://video.example.com", ["reelay.E008"]),
        (True, "https://video.example.com", []),
        (True, "", []),
        (False, "http://video.example.com", []),
        (False, "https://video.example.com", []),
    ],
)
def test_behind_a_tls_proxy_the_public_url_must_be_https(
    is_behind_proxy: bool, url: str, found: list[str], settings: LazySettings
) -> None:
    settings.BEHIND_TLS_PROXY, settings.PUBLIC_URL = is_behind_proxy, url
    assert ids() == found


def test_every_message_has_a_hint(settings: LazySettings) -> None:
    settings.EMBEDDED_POSTGRES, settings.SECRET_KEY_GENERATED = None, True
    settings.BEHIND_TLS_PROXY, settings.PUBLIC_URL = True, "http://video.example.com"
    assert sorted(ids()) == ["reelay.E002", "reelay.E002", "reelay.E008"]
    assert all(message.hint for message in messages())


# --- generated secrets


def test_a_secret_is_generated_once_and_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    assert [local_secrets.kept(path, new) for new in ("first", "second")] == ["first", "first"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_concurrent_processes_generate_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    program = (
        "import sys, pathlib; from config.local_secrets import kept; sys.stdin.readline();"
        "print(kept(pathlib.Path(sys.argv[1]), sys.argv[2]))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), f"secret {number}" * 1000],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate()[0].strip() for process in processes}
    assert answers == {path.read_text()}


# --- secrets in the database


@pytest.fixture
def keys(settings: LazySettings) -> Callable[..., None]:
    """Sets the encryption keys by number."""
    made = [Fernet.generate_key().decode() for _ in range(3)]

    def use(*places: int) -> None:
        settings.ENCRYPTION_KEYS = [made[place] for place in places]

    use(0)
    return use


def test_an_encrypted_secret_can_be_read_and_is_never_stored_in_plain_text(
    keys: Callable[..., None], account: UpstreamAccount
) -> None:
    for secret in ("a secret key", "密钥 ✓", "x" * 5000, ""):
        account.secret_key = secret
        account.save(update_fields=["secret_key"])
        assert UpstreamAccount.objects.get().secret_key == secret
        assert not secret or secret not in stored()


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM videos_upstreamaccount a")
        return str(cursor.fetchone()[0])


def test_the_same_secret_encrypts_differently_each_time(
    keys: Callable[..., None], account: UpstreamAccount
) -> None:
    before = stored()
    account.save(update_fields=["secret_key"])
    assert stored() != before


def test_keys_can_be_rotated(keys: Callable[..., None], db: None) -> None:
    account = UpstreamAccount.objects.create(name="x", secret_id="AKIDx", secret_key="a secret key")
    keys(1, 0)
    account = UpstreamAccount.objects.get(pk=account.pk)
    assert account.secret_key == "a secret key"
    account.save(update_fields=["secret_key"])
    keys(1)
    assert UpstreamAccount.objects.get(pk=account.pk).secret_key == "a secret key"


def test_a_secret_whose_key_is_lost_raises_an_error_without_the_secret(
    keys: Callable[..., None], db: None, settings: LazySettings
) -> None:
    UpstreamAccount.objects.create(name="x", secret_id="AKIDx", secret_key="a secret key", created_at=NOW)
    kept = stored()
    keys(2)
    with pytest.raises(UndecryptableError) as raised:
        UpstreamAccount.objects.get()
    text = f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"
    assert "secret_key was encrypted" in text
    for secret in (
        "a secret key",
        *settings.ENCRYPTION_KEYS,
        kept[kept.index("gAAAA") : kept.index("gAAAA") + 30],
    ):
        assert secret not in text


def test_the_text_of_an_account_shows_no_secret(account: UpstreamAccount) -> None:
    assert account.secret_key not in f"{account} {account!r}"
