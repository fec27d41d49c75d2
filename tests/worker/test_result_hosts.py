"""Where the result of a task may be fetched from."""

import asyncio

import pytest
from django.conf import LazySettings

from tests.conftest import NOW, MakeTask, Sandbox
from tests.support.rows import each
from videos.models import Task, UpstreamAccount
from videos.routing.clients import result_hosts
from videos.states import Status
from videos.upstream.download_errors import BadAddress
from videos.worker import store

BUCKET = {"store_bucket": "films-1250000000", "store_region": "ap-guangzhou", "store_path": "a"}


def told(task: Task, link: str) -> str:
    """How the link's host is taken."""
    try:
        return "trusted" if result_hosts(task).trusts(link) else "if public"
    except BadAddress as refused:
        return refused.reason


@each(
    "link, taken",
    [
        ("https://1500000001.vod2.myqcloud.com/1.mp4", "if public"),
        ("https://other-1250000000.cos.ap-guangzhou.myqcloud.com/1.mp4", "if public"),
        ("https://films-1250000000.cos.ap-guangzhou.tencentcos.cn/1.mp4", "if public"),
        ("https://1500000001.vod-qcloud.com/1.mp4", "if public"),
        ("https://films-1250000000.cos.ap-guangzhou.myqcloud.com/1.mp4", "trusted"),
        ("https://api.lan/1.mp4", "trusted"),
        ("http://api.lan:9000/1.mp4", "trusted"),
        ("http://127.0.0.1/1.mp4", "it is not among the hosts that are allowed"),
        ("http://[::1]/1.mp4", "it is not among the hosts that are allowed"),
        ("https://myqcloud.com/1.mp4", "it is not among the hosts that are allowed"),
        ("https://films.example/1.mp4", "it is not among the hosts that are allowed"),
    ],
)
def test_the_host_of_the_account_and_the_bucket_are_trusted(
    link: str, taken: str, account: UpstreamAccount, make_task: MakeTask
) -> None:
    account.endpoint = "https://api.lan:8443"
    assert told(make_task(Status.STORING, account=account, **BUCKET), link) == taken


@each(
    "endpoint, link",
    [("http://[::1]:9000", "http://[::1]:9001/"), ("http://localhost:1", "http://localhost/")],
)
def test_an_account_on_this_machine_is_trusted(
    endpoint: str, link: str, account: UpstreamAccount, make_task: MakeTask
) -> None:
    account.endpoint = endpoint
    assert told(make_task(Status.STORING, account=account), link) == "trusted"


def test_hosts_are_added_by_setting(
    account: UpstreamAccount, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.RESULT_HOSTS = ["10.0.0.5:9000"]
    task = make_task(Status.STORING, account=account)
    assert told(task, "http://10.0.0.5:9000/1.mp4") == "trusted"
    assert told(task, "https://x.myqcloud.com/1.mp4") == "it is not among the hosts that are allowed"


@pytest.mark.usefixtures("database_threads")
def test_a_result_elsewhere_is_not_fetched_and_staff_read_its_host(
    sandbox: Sandbox, account: UpstreamAccount, make_task: MakeTask
) -> None:
    link = f"{sandbox.url.replace('127.0.0.1', 'localhost')}/results/1.mp4?sign=secret"
    task = make_task(Status.STORING, account=account, done_at=NOW, result_link=link)
    asyncio.run(store.store(task.pk, lambda: NOW))
    task.refresh_from_db()
    assert task.status == Status.STORING
    assert "localhost is not contacted: it is not among the hosts that are allowed" in task.attention_label
    assert "secret" not in task.attention


@pytest.mark.usefixtures("database_threads")
def test_limits_are_taken_from_the_settings(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.RESULT_FETCH_SECONDS = 1e-9
    task = make_task(Status.STORING, account=sandbox_account, done_at=NOW, result_link=f"{sandbox.url}/x")
    asyncio.run(store.store(task.pk, lambda: NOW))
    task.refresh_from_db()
    assert "it took longer than 1e-09 s" in task.attention_label
