"""Temporary keys of roles: signed calls to a loopback server, keys kept, and errors in words."""

import hmac
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings

from config.stores import Credentials
from config.stores.base import Denied, Misconfigured, StoreError, Unreachable
from tests.support.rows import each
from videos.local.processes import free_port
from videos.results import roles as configured
from videos.upstream.tencent.roles import LIFE_SECONDS, RENEWED_BEFORE_SECONDS, Roles
from videos.upstream.tencent.signing import Credential, authorization

OURS = Credential("AKIDplatform", "the-platforms-secret")
READER, OTHER = "qcs::cam::uin/100000000001:roleName/reader", "qcs::cam::uin/100000000002:roleName/reader"


class TokenService(ThreadingHTTPServer):
    """Checks each call's signature, and hands out numbered keys or the next of its `answers`."""

    daemon_threads = True

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.clock = clock
        self.calls: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Call(BaseHTTPRequestHandler):
    server: TokenService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.gate.wait(10)
        answer = self._refusal(body)
        if answer is None:
            self.server.calls.append(json.loads(body))
            answer = self.server.answers.pop(0) if self.server.answers else self._keys()
        status, sent = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
        self.send_response(status)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None: ...

    def _refusal(self, body: bytes) -> Any:
        """What is wrong with the call, by the signature that it should have."""
        asked = (self.headers["x-tc-action"], self.headers["x-tc-version"], bool(self.headers["x-tc-region"]))
        assert asked == ("AssumeRole", "2018-08-13", True)
        timestamp = int(self.headers["x-tc-timestamp"])
        signed = {name: self.headers[name] for name in ("content-type", "host")}
        expected = authorization(OURS, service="sts", headers=signed, body=body, timestamp=timestamp)
        is_right = hmac.compare_digest(expected, self.headers["authorization"])
        is_fresh = abs(timestamp - self.server.clock()) < 2
        return None if is_right and is_fresh else error("AuthFailure.SignatureFailure")

    def _keys(self) -> dict[str, Any]:
        number = len(self.server.calls)
        keys = {"TmpSecretId": f"id-{number}", "TmpSecretKey": f"key-{number}", "Token": f"token-{number}"}
        expires_at = int(self.server.clock()) + LIFE_SECONDS
        return {"Response": {"Credentials": keys, "ExpiredTime": expires_at, "RequestId": "r"}}


def error(code: str, message: str = "a message that names secrets") -> dict[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r"}}


class Clock:
    """Unix seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Iterator[TokenService]:
    with TokenService(clock) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def roles(service: TokenService, clock: Clock) -> Roles:
    return Roles(OURS, service.url, clock=clock)


def test_a_role_is_assumed_by_a_signed_call(roles: Roles, service: TokenService) -> None:
    assert roles.assume(READER) == Credentials("id-1", "key-1", "token-1")
    [call] = service.calls
    assert call == {"RoleArn": READER, "RoleSessionName": "reelay", "DurationSeconds": 1800}


def test_keys_are_kept_until_shortly_before_they_expire(
    roles: Roles, service: TokenService, clock: Clock
) -> None:
    first = roles.assume(READER)
    clock.now += LIFE_SECONDS - RENEWED_BEFORE_SECONDS - 1
    assert roles.assume(READER) is first
    clock.now += 1
    assert roles.assume(READER).key_id == "id-2"
    assert roles.assume(OTHER).key_id == "id-3"
    assert roles.assume(READER).key_id == "id-2"
    assert [call["RoleArn"] for call in service.calls] == [READER, READER, OTHER]


def test_many_threads_ask_once_for_a_role(roles: Roles, service: TokenService) -> None:
    service.gate.clear()
    found: list[Credentials] = []
    threads = [threading.Thread(target=lambda: found.append(roles.assume(READER))) for _ in range(8)]
    for thread in threads:
        thread.start()
    service.gate.set()
    for thread in threads:
        thread.join()
    assert [keys.key_id for keys in found] == ["id-1"] * 8
    assert len(service.calls) == 1


@each(
    "code, kind, words",
    [
        ("ResourceNotFound.RoleNotFound", Denied, "there is no such role"),
        ("InternalError.GetRoleError", Denied, "there is no such role"),
        ("UnauthorizedOperation", Denied, "the role does not let the platform's account assume it"),
        ("AuthFailure.UnauthorizedOperation", Denied, "the role does not let the platform's account"),
        ("InvalidParameter.ParamError", Denied, "the role cannot be assumed"),
        ("AuthFailure.SecretIdNotFound", Misconfigured, "the platform's own key pair"),
        ("InternalError.DbError", Unreachable, "at the moment"),
        ("RequestLimitExceeded", Unreachable, "at the moment"),
    ],
)
def test_an_error_is_told_in_words_with_its_code(
    code: str, kind: type[StoreError], words: str, roles: Roles, service: TokenService
) -> None:
    service.answers = [error(code)]
    with pytest.raises(kind, match=words) as refused:
        roles.assume(f"{READER}-{code}")
    assert type(refused.value) is kind
    assert f"({code})" in str(refused.value)
    assert "secrets" not in str(refused.value)


@each(
    "answer",
    [
        (500, b"{}"),
        (200, b"not json"),
        (200, b"[]"),
        (200, b'{"Response": {}}'),
        (200, b'{"Response": {"Error": {}}}'),
        (200, b'{"Response": {"Credentials": {"TmpSecretId": "a"}, "ExpiredTime": 1}}'),
        (
            200,
            b'{"Response": {"Credentials": {"TmpSecretId": "", "TmpSecretKey": "b", "Token": "c"},'
            b' "ExpiredTime": 1}}',
        ),
    ],
)
def test_an_answer_that_is_none_may_be_better_later(
    answer: tuple[int, bytes], roles: Roles, service: TokenService
) -> None:
    service.answers = [answer]
    with pytest.raises(Unreachable):
        roles.assume(READER)
    assert roles.assume(READER).token, "a failure is not kept"
    roles._kept.clear()


def test_a_service_that_is_not_there_is_unreachable(clock: Clock) -> None:
    with pytest.raises(Unreachable, match="ConnectError"):
        Roles(OURS, f"http://127.0.0.1:{free_port(0)}", clock=clock).assume(READER)


def test_a_wrong_key_of_ours_is_not_the_tenants_fault(service: TokenService, clock: Clock) -> None:
    with pytest.raises(Misconfigured, match="own key pair"):
        Roles(Credential(OURS.secret_id, "wrong"), service.url, clock=clock).assume(READER)
    with pytest.raises(Misconfigured, match="no key pair"):
        Roles(Credential("", ""), service.url, clock=clock).assume(READER)
    assert service.calls == []


def test_no_text_and_no_log_holds_a_secret(
    roles: Roles, service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        keys = roles.assume(READER)
    for secret in ("key-1", "token-1", OURS.secret_key):
        assert secret not in f"{keys!r} {vars(roles)!r} {caplog.text}"


def test_the_settings_name_the_key_pair_and_the_service(
    service: TokenService, clock: Clock, settings: LazySettings
) -> None:
    clock.now = time.time()
    settings.STS_SECRET_ID, settings.STS_SECRET_KEY = OURS.secret_id, OURS.secret_key
    settings.STS_ENDPOINT = service.url
    assert configured.assume(READER) == configured.assume(READER) == Credentials("id-1", "key-1", "token-1")


def test_the_http_client_is_loaded_only_when_a_role_is_assumed() -> None:
    code = "import sys, videos.upstream.tencent.roles; sys.exit('httpx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
