"""Tencent's own SDKs work with the sandbox, for both products."""

import json
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import ALICE, APPLICATION, KLING, KLING_VOD, Sandbox, running
from videos.sandbox.protocol import MPS, VOD

PACKAGES = {MPS: "tencentcloud.mps.v20190612", VOD: "tencentcloud.vod.v20180717"}


class Sdk:
    """A product's own client of the sandbox."""

    def __init__(self, product: str, host: str, key: str = ALICE.secret_key) -> None:
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile

        client = import_module(f"{PACKAGES[product]}.{product}_client")
        self._models = import_module(f"{PACKAGES[product]}.models")
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=host, keepAlive=False))
        self._client = getattr(client, f"{product.capitalize()}Client")(
            Credential(ALICE.secret_id, key), "", profile
        )

    def call(self, action: str, payload: dict[str, Any]) -> Any:
        request = getattr(self._models, f"{action}Request")()
        request.from_json_string(json.dumps(payload))
        return getattr(self._client, action)(request)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with warnings.catch_warnings(), running(tmp_path) as sandbox:
        warnings.simplefilter("ignore")  # the vendor's packages use deprecated features
        yield sandbox


def test_the_client_of_mps_creates_and_describes_a_task(sandbox: Sandbox) -> None:
    sdk = Sdk(MPS, sandbox.host)
    extra = {"ExtraParameters": {"Resolution": "1080P", "LogoAdd": 0, "EnableAudio": True}}
    created = sdk.call("CreateAigcVideoTask", KLING | extra)
    sandbox.done(created.TaskId)
    described = sdk.call("DescribeAigcVideoTask", {"TaskId": created.TaskId})
    assert (described.Status, described.Resolution, described.Message) == ("DONE", "1920x1080", "ok")
    assert len(described.VideoUrls) == 1


def test_the_client_of_vod_creates_describes_and_lists_a_task(sandbox: Sandbox) -> None:
    sdk = Sdk(VOD, sandbox.host)
    picture = {"Type": "Url", "Category": "Image", "Url": "https://cdn.example.com/1.png"}
    session = {"SessionId": "s-1", "SessionContext": "ours", "FileInfos": [picture]}
    created = sdk.call("CreateAigcVideoTask", KLING_VOD | session)
    sandbox.done_vod(created.TaskId)

    described = sdk.call("DescribeTaskDetail", {"TaskId": created.TaskId, "SubAppId": APPLICATION})
    task = described.AigcVideoTask
    assert (described.TaskType, described.Status, task.ErrCode) == ("AigcVideoTask", "FINISH", 0)
    assert (task.SessionId, task.Input.FileInfos[0].Url) == ("s-1", picture["Url"])
    [file] = task.Output.FileInfos
    assert (file.MetaData.Width, file.MetaData.Duration, task.Output.Usage.OutputSeconds) == (1280, 5.0, 5)

    listed = sdk.call("DescribeTasks", {"SubAppId": APPLICATION, "Status": "FINISH", "Limit": 1})
    assert [(row.TaskId, row.SessionContext) for row in listed.TaskSet] == [(created.TaskId, "ours")]


@pytest.mark.parametrize(("product", "payload"), [(MPS, KLING), (VOD, KLING_VOD)])
def test_the_clients_read_our_refusals(sandbox: Sandbox, product: str, payload: dict[str, Any]) -> None:
    from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

    with pytest.raises(TencentCloudSDKException) as refused:
        Sdk(product, sandbox.host, key="guessed").call("CreateAigcVideoTask", payload)
    assert refused.value.get_code() == "AuthFailure.SignatureFailure"
