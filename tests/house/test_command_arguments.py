"""Commands refuse invalid arguments in one line and change nothing."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Invitation, Tenant
from tests.conftest import Caller
from tests.support.rows import each

ROOT = Path(__file__).resolve().parents[2]
REFUSED = [
    (("createtenant", ""), "name: "),
    (("createtenant", "   "), "name: "),
    (("createtenant", "x" * 101), "at most 100 characters"),
    (("createtenant", "Alice"), "There is a tenant named 'Alice' already."),
    (("createtenant", " Alice "), "There is a tenant named 'Alice' already."),
    (("createtenant", "a\0b"), "control characters"),
    (("createtenant", "a\nb"), "control characters"),
    (("createtenant", "a\x1b[31m"), "control characters"),
    (("createtenant", "a\u2028b"), "control characters"),
    (("createtenant", "a\udcff"), "control characters"),
    (("createtenant", "Bob", "--time-zone", "Mars"), "time_zone: Mars is no time zone"),
    (("createtenant", "Bob", "--time-zone", "a\0"), "control characters"),
    (("createtenant", "Bob", "--owner", ""), "owner: "),
    (("createtenant", "Bob", "--owner", "bob"), "owner: Enter a valid"),
    (("createtenant", "Bob", "--owner", "bob@people.example\n"), "control characters"),
    (("createtenant", "Bob", "--owner", f"{'x' * 250}@people.example"), "owner: "),
    (("rotatekey", ""), "no key with that prefix"),
    (("rotatekey", "rly_unknown1"), "no key with that prefix"),
    (("rotatekey", "rly_\0"), "no key with that prefix"),
    (("rotatekey", "rly_\udcff"), "no key with that prefix"),
    (("rotatekey", "x" * 10_000), "no key with that prefix"),
    (("reconcile", "--tenant", ""), "no tenant named ''"),
    (("reconcile", "--tenant", "Bob"), "no tenant named 'Bob'"),
    (("reconcile", "--tenant", "a\0"), "no tenant named"),
    (("reconcile", "--tenant", "a\udcff"), "no tenant named"),
    (("checkaccount", ""), "no upstream account named"),
    (("checkaccount", "a\0"), "no upstream account named"),
    (("checkaccount", "a\udcff"), "no upstream account named"),
    (("worker", "--shutdown-graceful-timeout", "nan"), "--shutdown-graceful-timeout is nan"),
    (("worker", "--shutdown-graceful-timeout=-1",), "--shutdown-graceful-timeout is -1"),
    (("worker", "--shutdown-graceful-timeout", "inf"), "--shutdown-graceful-timeout is inf"),
]  # fmt: skip


@each("command, expected", REFUSED)
def test_invalid_arguments_are_refused_in_one_line(
    command: tuple[str, ...], expected: str, owner: Caller
) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*command)
    [line] = str(refused.value).splitlines()
    assert expected in line
    assert [tenant.name for tenant in Tenant.objects.all()] == ["Alice"]
    assert not Invitation.objects.exists()


@each("name", ["株式会社\u3000例", "Ünïcode & Söhne", "a\u200db", "x" * 100])
def test_a_tenant_name_can_be_any_single_line(name: str, db: None) -> None:
    call_command("createtenant", name, stdout=StringIO())
    assert Tenant.objects.get().name == name


@pytest.mark.processes
def test_a_failed_command_shows_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path)}

    def fail(*arguments: str | bytes) -> list[str]:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert done.returncode == 1
        return done.stderr.decode().splitlines()

    assert fail("createtenant", "Alice") == ["The database lacks tables: run python manage.py migrate first."]
    assert fail("createtenant", b"\xff") == [r"'\udcff' is not text in UTF-8."]
