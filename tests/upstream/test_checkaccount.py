"""`manage.py checkaccount` says in words whether an account works, and what to do if not."""

import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import Sandbox
from videos.local.processes import free_port
from videos.models import AccountState, UpstreamAccount
from videos.upstream.tencent.client import TencentClient

Condition = AccountState.Condition


def check(name: str = "somewhere") -> str:
    printed = StringIO()
    call_command("checkaccount", name, stdout=printed)
    return printed.getvalue()


def failed_check(name: str = "somewhere") -> str:
    with pytest.raises(CommandError) as failed:
        check(name)
    [line] = str(failed.value).splitlines()
    return line


def change(account: UpstreamAccount, **fields: object) -> None:
    for name, value in fields.items():
        setattr(account, name, value)
    account.save(update_fields=list(fields))


@pytest.mark.parametrize("product", ["mps", "vod"])
def test_an_account_that_works(product: str, sandbox: Sandbox, sandbox_account: UpstreamAccount) -> None:
    change(sandbox_account, product=product, sub_app_id=1_500_000_001)
    assert check() == "somewhere: The connection works.\n"
    state = AccountState.objects.get()
    assert (state.check_code, state.checked_at is not None) == ("", True)
    assert sandbox.tasks() == []


def test_a_wrong_secret_key(sandbox_account: UpstreamAccount) -> None:
    change(sandbox_account, secret_key="another")
    line = failed_check()
    assert "AuthFailure.SignatureFailure: The signature is wrong. Enter the secret key again" in line
    assert AccountState.objects.get().check_code == "AuthFailure.SignatureFailure"


def test_an_unknown_secret_id(sandbox_account: UpstreamAccount) -> None:
    change(sandbox_account, secret_id="AKIDnobody")
    assert "Check the secret ID and the secret key" in failed_check()


def test_a_clock_that_is_wrong(sandbox_account: UpstreamAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = TencentClient.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: time.time() - 3600)
    assert "Set the clock of this server" in failed_check()


REFUSALS = {
    "AuthFailure.UnauthorizedOperation": "in CAM",
    "UnauthorizedOperation": "in CAM",
    "FailedOperation.InvalidMpsUser": "Open the product in the console",
    "InvalidParameterValue.UserUnRegister": "Open the product in the console",
    "FailedOperation.UserArrears": "settle its bill",
    "UnsupportedRegion": "Leave the account's region empty",
    "InvalidParameterValue.SubAppId": "application ID",
    "IpNotInWhitelist": "address of this server",
    "ServiceUnavailable": "status page",
    "InvalidAction": "endpoint is that of the product",
}


def test_a_throttled_check_says_that_the_account_works(
    sandbox: Sandbox, sandbox_account: UpstreamAccount
) -> None:
    sandbox.script("describe", "throttle")
    assert "works" in check()
    assert AccountState.objects.get().check_code == ""


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_says_what_to_do(code: str, sandbox: Sandbox, sandbox_account: UpstreamAccount) -> None:
    sandbox.script("describe", "refuse", code=code, message="Because.")
    line = failed_check()
    assert line.startswith(f"somewhere: {code}: ")
    assert REFUSALS[code] in line
    assert "[Because. (RequestId " in line
    assert AccountState.objects.get().check_message == "Because."


def test_an_endpoint_that_cannot_be_reached(account: UpstreamAccount) -> None:
    place = f"http://127.0.0.1:{free_port(0)}"
    change(account, endpoint=place)
    line = failed_check()
    assert f"{place} could not be reached: Not reached: Check the endpoint, the proxy" in line
    assert AccountState.objects.get().check_code == "Unavailable"


def test_an_answer_that_is_not_the_apis(sandbox: Sandbox, sandbox_account: UpstreamAccount) -> None:
    sandbox.script("describe", "http_status", status=502)
    assert "No usable answer: Check that the endpoint is that of the product" in failed_check()


def test_a_proxy_that_cannot_be_reached_is_not_shown(sandbox_account: UpstreamAccount) -> None:
    change(sandbox_account, proxy_url=f"http://me:open-sesame@127.0.0.1:{free_port(0)}")
    line = failed_check()
    assert "could not be reached" in line
    assert "open-sesame" not in line


def test_a_secret_that_cannot_be_read(account: UpstreamAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE videos_upstreamaccount SET secret_key = 'lost'")
    assert "Unreadable secret: Put the earlier ENCRYPTION_KEYS back" in failed_check()


def test_an_account_out_of_service_is_put_on_trial(sandbox_account: UpstreamAccount) -> None:
    AccountState.objects.update(condition=Condition.OPEN, reason="InternalError")
    check()
    assert AccountState.objects.get().condition == Condition.TRIAL


def test_the_names_are_listed_for_an_unknown_one(account: UpstreamAccount) -> None:
    UpstreamAccount.objects.create(name="another", secret_id="AKIDx", secret_key="y")
    assert failed_check("nowhere").endswith("named 'nowhere'; there are: another, somewhere.")
    UpstreamAccount.objects.all().delete()
    assert failed_check("nowhere").endswith("there is none yet.")
