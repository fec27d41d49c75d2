"""An invalid setting is reported in one line with its name, value and what is allowed."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from config.edge import server
from config.environment import BadSettingError, Environment
from tests.support.rows import check_each, each
from videos.local.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
DESCRIBED = set(re.findall(r"^#([A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
KEY = Fernet.generate_key().decode()
SECRET = "hunter2"

BAD: dict[str, tuple[str, ...]] = {
    "PUBLIC_URL": (
        *("video.example.com", "ftp://x.example", "https://", "https://x.example/path"),
        *(
            "https://x.example:port",
            "https://x.example:99999",
            "https://x.example?a=b",
            "https://a b.example",
        ),
    ),
    "ALLOWED_HOSTS": ("https://x.example", "x.example:8000", "localhost,a b", "localhost;x"),
    "CORS_ALLOWED_ORIGINS": ("*", "app.example", "https://app.example/", "https://a.example,b"),
    "MEDIA_ORIGINS": ("bucket.example", "https://a.example;script-src *", "https://a.example *"),
    "BEHIND_TLS_PROXY": ("ture", "2", "-"),
    "DEBUG": ("debug",),
    "STAFF_TOTP_REQUIRED": ("ja",),
    "HTTP_2": ("h2",),
    "LOG_JSON": ("json",),
    "LOG_LEVEL": ("loud", "NOTSET", "WARN", "20"),
    "ENCRYPTION_KEYS": ("abc", f"{KEY},abc", "é" * 44, "x" * 44, "QUJD" * 10),
    "DATABASE_URL": (
        *("nonsense", "postgres://", "sqlite:///x.db", "mysql://u:hunter2@h/x", "postgres://u:hunter2@h"),
        *("postgres://u:hunter2@h:port/x", "postgres://u:hunter2@h:99999/x", "postgres://[::1/x", "x://h/x"),
    ),
    "EMAIL_URL": ("nonsense", "smtp://", "http://u:hunter2@x.example", "smtp://u:hunter2@x.example:port"),
    "DEFAULT_FROM_EMAIL": ("nobody", "a b", "Reelay <>", "a@b\nBcc: c@d"),
    "DATA_DIR": ("/dev/null", "/dev/null/data", "/proc/data"),
    "RESULTS_DIR": ("/dev/null", "/dev/null/results"),
    "RESULTS_URL": ("results", "file://host/x", "s3://", "s3://k:hunter2@b", "cos://b-1", "s3://b?acl=x"),
    "BUCKET_URL": ("{bucket}", "cos://{bucket}", "cos://{bucket}/{tenant}?region={region}", "cos://{"),
    "UPSTREAM_UIN": ("uin/1", "1.5", "-1", "\u0661"),
    "STS_ENDPOINT": ("sts.example", "ftp://sts.example", "https://sts.example/v3"),
    "RESULT_FETCHES": ("0", "all"),
    "CONTENT_DELIVERY": ("stream", "Proxy"),
    "STATIC_ROOT": ("/dev/null",),
    "SITE_ROOT": ("/dev/null",),
    "LEAST_FREE_DISK_MB": ("-1", "1GB", "0.5"),
    "RESULT_HOSTS": (
        *("https://x.example", "*", "*.com", "x.*.example", "*.10.0.0.1", "x.example:0", "x.example:65536"),
        *(
            "127.1",
            "0x7f.0.0.1",
            "x.example.",
            "x example",
            "u@x.example",
            "[::1%eth0]",
            "[::1",
            "\uff41.example",
        ),
    ),
    "RESULT_FETCH_SECONDS": ("0", "1h", "86401"),
    "RESULT_LEAST_RATE": ("-1", "10KiB"),
    "RESULT_MAX_BYTES": ("0", "4GiB"),
    "RESULT_RETENTION_DAYS": ("0", "-1", "month", "1.5", "99999999999999999999"),
    "EXPIRY_NOTICE_DAYS": ("-1", "soon"),
    "TASK_RETENTION_DAYS": ("-1", "never", "36501"),
    "LINK_LIFE_SECONDS": ("0", "1h"),
    "UPLOADS": ("some", "-"),
    "CHECK_INPUTS": ("some", "images"),
    "CHECK_INPUTS_SECONDS": ("0", "6.5", "4s"),
    "INPUT_HOSTS": ("http://10.0.0.5", "*", "x.example:0"),
    "FILE_LINK_SECONDS": ("59", "604801", "1d"),
    "FILES_RETENTION_DAYS": ("0", "-1", "1.5", "36501"),
    "FILES_BYTES_PER_TENANT": ("-1", "5GiB", "5e9", "1000000000000000001"),
    "WHEN_NO_UPSTREAM": ("wait", "REFUSE", "refuse|queue"),
    "INVITATION_DAYS": ("0", "-7", "1e3"),
    "CURRENCY": ("yuan", "cny", "CN", "CNYX", "C1Y", "\u0421NY"),
    "DEFAULT_TENANT_TIME_ZONE": ("Mars/Olympus", "asia/shanghai", "../UTC"),
    "DEFAULT_QUOTA": (
        *(
            "x",
            "concurrent_task=5",
            "tenant=1",
            " when_full=queue",
            "concurrent_tasks=",
            "concurrent_tasks=-1",
        ),
        *("concurrent_tasks=5.0", "concurrent_tasks=five", "concurrent_tasks=\u0665"),
        *("concurrent_tasks=9999999999", "spend_per_day=-0.01", "spend_per_day=1e3", "spend_per_day=NaN"),
        *("spend_per_day=0.0000001", "spend_per_month=1234567890123", "when_full=wait", "is_prepaid=perhaps"),
        *("queued_tasks=5,when_full=wait", "queued_tasks=5;when_full=queue"),
    ),
    "OTHER_REQUESTS_PER_MINUTE": ("-1", "many"),
    "TRUSTED_PROXIES": ("-1", "nginx", "\u0661"),
    "CONNECTIONS_PER_ADDRESS": ("-1", "all"),
    "LANE": ("fast",),
    "LANE_SHOWN": ("fast",),
    "API_THREADS": ("abc", "0", "-1", "1e2", "1_0", "16 threads", "1001"),
    "WORKER_THREADS": ("0", "abc"),
    "WORKER_CONCURRENCY": ("0", "abc"),
    "UPSTREAM_CREATE_TIMEOUT": ("0", "-1", "30s", "nan", "inf", "3601"),
    "SHUTDOWN_SECONDS": ("0", "-1", "60s", "nan", "7201"),
    "UPSTREAM_DESCRIBE_TIMEOUT": ("0", "10,5"),
    "TASK_DEADLINE_HOURS": ("0", "4h"),
    "IN_DOUBT_RELEASE_HOURS": ("0", "never"),
}
ANYTHING = {
    *("SECRET_KEY_FALLBACKS", "SECRET_KEY", "RESULTS_KEY_ID", "RESULTS_SECRET_KEY"),
    *("STS_SECRET_ID", "STS_SECRET_KEY"),
}
"""Settings that accept any text."""
NEVER_SHOWN = {
    "BUCKET_URL",
    "RESULTS_URL",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "EMAIL_URL",
    "ENCRYPTION_KEYS",
    "SECRET_KEY",
}
GOOD: dict[str, tuple[tuple[str, Any], ...]] = {
    "PUBLIC_URL": (
        ("https://x.example/", "https://x.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ),
    "ALLOWED_HOSTS": (("*", ["*"]), (".x.example, [::1]", [".x.example", "[::1]"])),
    "MEDIA_ORIGINS": (("https://*.x.example", ["https://*.x.example"]),),
    "RESULT_HOSTS": (
        ("*.X.example, cdn.example:8443", ["*.x.example", "cdn.example:8443"]),
        ("10.0.0.5:9000,[0:0::1]", ["10.0.0.5:9000", "[::1]"]),
    ),
    "DEBUG": (("TRUE", True), ("off", False), ("1", True)),
    "API_THREADS": ((" 4 ", 4), ("1000", 1000)),
    "UPSTREAM_CREATE_TIMEOUT": (("0.5", 0.5),),
    "CURRENCY": (("USD", "USD"),),
    "ENCRYPTION_KEYS": ((f"{KEY}, {KEY}", [KEY, KEY]),),
    "DEFAULT_FROM_EMAIL": (("a@b.example", "a@b.example"),),
    "TASK_RETENTION_DAYS": (("0", 0),),
}


@pytest.fixture
def settings_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The settings read with only these variables."""

    def read(variables: Mapping[str, str]) -> dict[str, Any]:
        for name in DESCRIBED:
            monkeypatch.setenv(name, "")
        for name, value in {"DATA_DIR": str(tmp_path), **variables}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "config" / "settings.py"))

    return read


def test_every_setting_has_invalid_values_in_the_table() -> None:
    assert BAD.keys() | ANYTHING == DESCRIBED


@each("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_an_invalid_value_is_reported_in_one_line(name: str, value: str, settings_with: Any) -> None:
    with pytest.raises(BadSettingError) as refused:
        settings_with({name: value})
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{name} ")
    assert "allowed" in line or "must" in line
    assert SECRET not in line
    assert name in NEVER_SHOWN or repr(value)[1:-1] in line or "says" in line
    assert name != "ENCRYPTION_KEYS" or not set(value.split(",")) & set(line.split())


@each("name, value, meant", [(name, *row) for name, rows in GOOD.items() for row in rows])
def test_a_valid_value_is_parsed(name: str, value: str, meant: Any, settings_with: Any) -> None:
    assert settings_with({name: value})[name] in (meant, [*meant, "x"] if isinstance(meant, list) else meant)


def test_an_empty_variable_counts_as_not_set(settings_with: Any) -> None:
    empty = settings_with({})
    assert (empty["API_THREADS"], empty["CURRENCY"], empty["PUBLIC_URL"]) == (16, "CNY", "")
    assert empty["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]


def test_passwords_in_addresses_are_not_shown(settings_with: Any) -> None:
    with pytest.raises(BadSettingError, match=r"https://…@x\.example"):
        settings_with({"PUBLIC_URL": f"https://staff:{SECRET}@x.example"})


@each("content", ["", "not a key", "\x00", "é"])
def test_a_damaged_secret_file_is_reported(content: str, settings_with: Any, tmp_path: Path) -> None:
    (tmp_path / "encryption_key").write_bytes(content.encode("latin-1"))
    with pytest.raises(BadSettingError, match=r"^DATA_DIR is .*(encryption_key is damaged|utf-8)"):
        settings_with({})


@each(
    "content, expected",
    [
        (b"API_THREADS 16", "sets nothing in line 1: NAME=value is allowed"),
        (b"# a comment\n\nexport DEBUG=false\nSECRET KEY=hunter2", "sets nothing in line 4"),
        (b"\xff\xfe", "cannot be read: it must be a file of UTF-8 text"),
    ],
)
def test_an_unreadable_env_file_is_reported(content: bytes, expected: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(BadSettingError) as refused:
        Environment.with_file(file)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{file} {expected}")
    assert SECRET not in line


def test_an_env_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettingError, match="it must be a file"):
        Environment.with_file(tmp_path)


def _ended(arguments: list[str], **environment: str) -> tuple[int, str]:
    changed = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=changed, capture_output=True, check=False
    )
    return done.returncode, done.stderr.decode()


SHARED = {"SECRET_KEY": "a secret of the tests only", "ENCRYPTION_KEYS": KEY}
NOWHERE = {"DATABASE_URL": f"postgres://u:{SECRET}@127.0.0.1:9/x", **SHARED}

ALONE = {**NOWHERE, "ENCRYPTION_KEYS": ""}


@pytest.mark.processes
def test_bad_settings_never_show_a_traceback() -> None:
    web = [*server.command("127.0.0.1", free_port(0)), "--log-level", "critical"]
    rows = [
        (["manage.py", "migrate"], {"API_THREADS": "abc"}, "API_THREADS is 'abc'"),
        (["manage.py", "worker"], NOWHERE, "DATABASE_URL names a server that cannot be used"),
        (["manage.py", "migrate"], ALONE, "DATABASE_URL is set but ENCRYPTION_KEYS is not."),
        (web, NOWHERE, "DATABASE_URL names a server that cannot be used"),
    ]

    def check(row: tuple[list[str], dict[str, str], str]) -> None:
        arguments, environment, begins = row
        code, output = _ended(arguments, **environment)
        assert code == 1
        [line] = output.splitlines()
        assert line.startswith(begins)
        assert SECRET not in line

    check_each(rows, check)
