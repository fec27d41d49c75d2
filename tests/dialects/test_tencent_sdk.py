"""Tencent's own Python SDK, unchanged but for its endpoint, creates, describes and reads refusals."""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.utils import timezone

from accounts.models import APIKey, KeyKind, Quota, Scope, Tenant
from tests.conftest import Caller, Sandbox
from tests.support import worker_process
from tests.support.fork_server import ForkServer
from tests.support.rows import check_each
from tests.support.signing import CREATE, DESCRIBE, WISH, code_of
from tests.support.web_process import WebProcess
from tests.support.worker_process import TOO_LONG, Workers
from videos.models import RecentCalls, Task, UpstreamAccount

workers = worker_process.workers  # the fixture
_PACKAGE = "tencentcloud.mps.v20190612"
MEBIBYTE = 1024 * 1024


class Sdk:
    """Tencent's client of MPS, with a new key pair of the tenant."""

    def __init__(self, url: str, tenant: Tenant, **fields: Any) -> None:
        self.key, self.secret_key = APIKey.objects.mint(tenant, "an SDK", kind=KeyKind.PAIR, **fields)
        self._host = urlsplit(url).netloc
        self._models = import_module(f"{_PACKAGE}.models")

    def call(self, action: str, payload: dict[str, Any], **changes: Any) -> Any:
        """The response; `changes` replace the id, the key, the version or others of the client."""
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile

        pair = (changes.get("secret_id", self.key.prefix), changes.get("secret_key", self.secret_key))
        credential = Credential(*pair, changes.get("token"))
        http = HttpProfile(protocol="http", endpoint=self._host, keepAlive=False)
        profile = ClientProfile(httpProfile=http)
        profile.unsignedPayload = changes.get("unsigned", False)
        client = import_module(f"{_PACKAGE}.mps_client").MpsClient(credential, "ap-guangzhou", profile)
        client._apiVersion = changes.get("version", client._apiVersion)
        if "as_json" in changes:  # parameters or actions that the package does not know
            return client.call_json(action, payload)["Response"]
        request = getattr(self._models, f"{action}Request")()
        request.from_json_string(json.dumps(payload))
        return getattr(client, action)(request)

    def code(self, action: str, payload: dict[str, Any], **changes: Any) -> str:
        """The code of the exception that a call raises."""
        from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

        with pytest.raises(TencentCloudSDKException) as refused:
            self.call(action, payload, **changes)
        assert refused.value.get_message()
        assert refused.value.get_request_id()
        return str(refused.value.get_code())


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the vendor's packages use deprecated features
        yield


@pytest.fixture
def web(
    transactional_db: None, fork_server: ForkServer, tmp_path: Path, results_folder: Path
) -> Iterator[WebProcess]:
    process = WebProcess(fork_server, tmp_path / "web.log", RESULTS_DIR=str(results_folder))
    process.wait()
    yield process
    process.kill()


@pytest.mark.processes
def test_a_video_is_made_by_real_processes(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, web: WebProcess
) -> None:
    workers.start()
    sdk = Sdk(web.url, owner.tenant)
    extra = {"ExtraParameters": {"Resolution": "1080P", "EnableAudio": True}, "Operator": "admin"}
    task_id = sdk.call(CREATE, {**WISH, **extra}).TaskId
    until = time.monotonic() + TOO_LONG
    while (described := sdk.call(DESCRIBE, {"TaskId": task_id})).Status in ("WAIT", "RUN"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert (described.Status, described.Message) == ("DONE", "ok")
    [link] = described.VideoUrls
    assert httpx.get(link).content[4:8] == b"ftyp"
    assert len(sandbox.tasks()) == 1
    assert sdk.call(CREATE, WISH, unsigned=True).TaskId != task_id
    _check_edge(web, sdk)


def _check_edge(web: WebProcess, sdk: Sdk) -> None:
    """Refusals of the edge, which come before any view, are in the envelope, too."""
    headers = {"x-tc-action": CREATE, "content-type": "application/json"}
    large = {"NegativePrompt": "x" * (MEBIBYTE - 200), **WISH}
    assert sdk.code(CREATE, {**large, "Prompt": "y" * 300}) == "RequestSizeLimitExceeded"
    assert sdk.code(CREATE, large) == "InvalidParameterValue"  # the body was read, and the signature verified
    assert sdk.code(CREATE, large, secret_key="guessed") == "AuthFailure.SignatureFailure"
    assert sdk.code(CREATE, large, secret_id="RLYnobody") == "AuthFailure.SecretIdNotFound"
    many = {**headers, **{f"x-{number}": "1" for number in range(70)}}
    for sent, code in ((many, "RequestSizeLimitExceeded"), (headers, "AuthFailure.InvalidAuthorization")):
        answer = httpx.post(web.url, headers={**sent, "x-tc-version": "2019-06-12"}, content=b"{}")
        assert answer.status_code == 200
        body = answer.json()["Response"]
        assert code_of(body) == code
        assert body["RequestId"] == answer.headers["x-request-id"]
    assert httpx.post(web.url, content=b"{}").status_code != 200


KINDS: dict[str, Callable[[Sdk], str]] = {
    "AuthFailure.SecretIdNotFound": lambda sdk: sdk.code(CREATE, WISH, secret_id="RLY0000000000000"),
    "AuthFailure.SignatureFailure": lambda sdk: sdk.code(CREATE, WISH, secret_key="guessed"),
    "AuthFailure.TokenFailure": lambda sdk: sdk.code(CREATE, WISH, token="temporary"),
    "NoSuchVersion": lambda sdk: sdk.code(CREATE, WISH, version="2018-07-17"),
    "InvalidAction": lambda sdk: sdk.code("DescribeTasks", {}, as_json=True),
    "MissingParameter": lambda sdk: sdk.code(CREATE, {"Prompt": "a cat"}),
    "UnknownParameter": lambda sdk: sdk.code(CREATE, {**WISH, "Seed": 1}, as_json=True),
    "InvalidParameter": lambda sdk: sdk.code(CREATE, {**WISH, "Duration": "5"}),
    "InvalidParameterValue": lambda sdk: sdk.code(CREATE, {**WISH, "SceneType": "dance"}),
    "InvalidParameterValue.DurationTooLong": lambda sdk: sdk.code(CREATE, {**WISH, "Duration": 60}),
    "InvalidParameterValue.Resolution": lambda sdk: sdk.code(
        CREATE, {**WISH, "ExtraParameters": {"Resolution": "8K"}}
    ),
    "InvalidParameter.ModelNotSupported": lambda sdk: sdk.code(CREATE, {**WISH, "ModelName": "Jimeng"}),
    "InvalidParameter.InvalidUrl": lambda sdk: sdk.code(CREATE, {**WISH, "ImageUrl": "ftp://e.example/1"}),
    "ResourceNotFound.TaskNotFound": lambda sdk: sdk.code(DESCRIBE, {"TaskId": "2147483792"}),
    "AuthFailure.UnauthorizedOperation": lambda sdk: _with(sdk, scopes=[Scope.READ]),
    "UnauthorizedOperation": lambda sdk: _with(sdk, allowed_models=["GV-3.1-720p"]),
    "IpNotInWhitelist": lambda sdk: _with(sdk, allowed_networks=["203.0.113.0/24"]),
    "LimitExceeded.CreateTask": lambda sdk: _under(sdk, concurrent_tasks=0),
    "LimitExceeded": lambda sdk: _under(sdk, seconds_per_day=1),
    "FailedOperation.UserArrears": lambda sdk: _under(sdk, is_prepaid=True),
    "RequestLimitExceeded": lambda sdk: _full(sdk),
}


def _with(sdk: Sdk, **fields: Any) -> str:
    before = APIKey.objects.filter(pk=sdk.key.pk).values(*fields).get()
    APIKey.objects.filter(pk=sdk.key.pk).update(**fields)
    code = sdk.code(CREATE, WISH)
    APIKey.objects.filter(pk=sdk.key.pk).update(**before)
    return code


def _under(sdk: Sdk, **fields: Any) -> str:
    Quota.objects.create(tenant=sdk.key.tenant, **fields)
    code = sdk.code(CREATE, WISH)
    Quota.objects.filter(tenant=sdk.key.tenant).delete()
    return code


def _full(sdk: Sdk) -> str:
    later = timezone.now() + timedelta(hours=1)
    RecentCalls.objects.filter(tenant=sdk.key.tenant, action=CREATE).update(moments=[later] * 10)
    return sdk.code(CREATE, WISH)


@pytest.mark.processes
def test_the_sdk_raises_the_right_code_for_each_kind_of_error(
    web: WebProcess, owner: Caller, account: UpstreamAccount
) -> None:
    sdk = Sdk(web.url, owner.tenant)

    def check(kind: str) -> None:
        RecentCalls.objects.all().update(moments=[])
        assert KINDS[kind](sdk) == kind

    assert len(KINDS) >= 15
    check_each(KINDS, check)
    assert not Task.objects.exists()
