"""OpenAI's unmodified Python SDK: creates, polls, lists, downloads, deletes and retries."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import openai
import pytest
from django.db import connection, connections
from django.utils import timezone
from openai.types.video import Video
from pytest_django.live_server_helper import LiveServer

from accounts.models import APIKey, Quota
from tests.conftest import NOW, Caller, MakeTask, Sandbox, claim_next, make_caller, payload_of
from tests.support import worker_process
from tests.support.fork_server import ForkServer
from tests.support.uploads import picture
from tests.support.web_process import WebProcess
from tests.support.worker_process import Workers
from videos.billing import reconciliation
from videos.models import LedgerEntry, Task, UpstreamAccount
from videos.states import Status
from videos.tasks import idempotency, lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia

pytestmark = pytest.mark.filterwarnings(
    # The SDK warns that OpenAI's own service is deprecated.
    "ignore:The Sora API is scheduled:DeprecationWarning"
)
workers = worker_process.workers  # the fixture
VIDEO = bytes(range(256)) * 2048
REQUEST: dict[str, Any] = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}
DAY = timedelta(days=1)
NO_DELAY = 1
"""Milliseconds between polls, instead of the interval we advise."""


# The proxy


class Proxy:
    """A proxy between SDK and gateway that records requests, loses answers and triggers events."""

    def __init__(self, url: str) -> None:
        self.sent: list[str] = []
        """Method and path of each request, without the query."""
        self.retries: list[str | None] = []
        """The retry count of each request."""
        self.answers_to_lose = 0
        self.requests_to_lose = 0
        self.before_reads: Iterator[Callable[[], object]] = iter(())
        """Events, one before each read of a video."""
        self._address = urlsplit(url).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def carry(self, request: BaseHTTPRequestHandler) -> tuple[HTTPResponse, bytes] | None:
        """Our answer; None if it or the request is lost."""
        self.sent.append(f"{request.command} {urlsplit(request.path).path}")
        self.retries.append(request.headers["x-stainless-retry-count"])
        body = request.rfile.read(int(request.headers["content-length"] or 0))
        if self.requests_to_lose:
            self.requests_to_lose -= 1
            return None
        if request.command == "GET":
            self._run_next_event()
        answer, content = self._passed_on(request, body)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            return None
        return answer, content

    def _run_next_event(self) -> None:
        try:
            next(self.before_reads, int)()
        finally:
            connections.close_all()

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[HTTPResponse, bytes]:
        with closing(HTTPConnection(self._address, timeout=10)) as connected:
            connected.request(request.command, request.path, body, dict(request.headers.items()))
            answer = connected.getresponse()
            return answer, answer.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                carried = proxy.carry(self)
                if carried is None:
                    return  # together with the connection
                answer, content = carried
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        return Handler


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[Proxy]:
    """A proxy to the gateway."""
    proxy = Proxy(live_server.url)
    try:
        yield proxy
    finally:
        proxy.close()


def _client(address: str, owner: Caller, **settings: Any) -> openai.OpenAI:
    """A client with Alice's key; it loads no certificate authorities, which takes 30 ms, for plain HTTP."""
    plain = openai.DefaultHttpxClient(verify=False)
    return openai.OpenAI(base_url=f"{address}/v1", api_key=owner.text, http_client=plain, **settings)


@pytest.fixture
def caller(proxy: Proxy, owner: Caller) -> Iterator[openai.OpenAI]:
    """A default client with retries, behind the proxy."""
    with _client(proxy.url, owner) as client:
        yield client


@pytest.fixture
def sdk(live_server: LiveServer, owner: Caller) -> Iterator[openai.OpenAI]:
    """An OpenAI client with Alice's key and without retries."""
    with _client(live_server.url, owner, max_retries=0) as client:
        yield client


@pytest.fixture
def stored(make_task: MakeTask, results_folder: Path) -> Task:
    """A finished video with its file."""
    task = make_task(Status.SUCCEEDED)
    keep(results_folder, task.media_name)
    return task


def keep(folder: Path, name: str) -> None:
    """Store a video file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(VIDEO)


# Creating and polling


def test_a_video_is_made_and_followed(sdk: openai.OpenAI, account: UpstreamAccount) -> None:
    made = sdk.videos.create(
        model="Kling-3.0-omni-1080p",
        prompt="a cat runs",
        seconds="5",  # type: ignore[arg-type]  # the SDK knows OpenAI's lengths only
        extra_body={
            "images": ["https://example.com/1.png", "https://example.com/2.png"],
            "metadata": {"aspect_ratio": "16:9", "output_config": {"AudioGeneration": "Enabled"}},
        },
    )
    assert (made.object, made.status, made.progress, made.seconds) == ("video", "queued", 0, "5")
    payload = payload_of(Task.objects.get())
    assert [image["ImageUrl"] for image in payload["ImageInfos"]] == [
        "https://example.com/1.png",
        "https://example.com/2.png",
    ]
    assert payload["ExtraParameters"]["AspectRatio"] == "16:9"
    assert payload["ExtraParameters"]["EnableAudio"] is True
    followed = sdk.videos.retrieve(made.id)
    assert (followed.id, followed.created_at) == (made.id, made.created_at)


def test_a_list_of_shots_survives_the_form(sdk: openai.OpenAI, account: UpstreamAccount) -> None:
    shots = [
        {"index": 1, "prompt": "a cat", "duration": 2},
        {"index": 2, "prompt": "a dog", "duration": 3},
    ]
    parameters = {"multi_shot": True, "shot_type": "customize", "multi_prompt": shots}
    sdk.videos.create(
        model="Kling-3.0-720p",
        prompt="two pets",
        seconds="5",  # type: ignore[arg-type]  # the SDK knows OpenAI's lengths only
        extra_body={"metadata": {"ext_info": {"AdditionalParameters": parameters}}},
    )
    assert "a dog" in payload_of(Task.objects.get())["AdditionalParameters"]


def test_a_picture_is_sent_with_the_request(
    sdk: openai.OpenAI, account: UpstreamAccount, tmp_path: Path
) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(picture())
    with path.open("rb") as file:
        made = sdk.videos.create(
            model="Kling-2.6-1080p",
            prompt="she smiles",
            seconds="5",  # type: ignore[arg-type]  # the SDK knows OpenAI's lengths only
            input_reference=file,
        )
    [stored] = sdk.files.list()
    assert (stored.filename, stored.bytes) == ("portrait.png", len(picture()))
    assert payload_of(Task.objects.get())["ImageUrl"] == stored.id
    assert made.status == "queued"
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.videos.create(
            model="Kling-2.6-1080p",
            prompt="she smiles",
            seconds="5",  # type: ignore[arg-type]
            input_reference=b"<html>",
        )
    assert refused.value.param == "input_reference"


def test_a_file_is_uploaded_used_listed_and_deleted(sdk: openai.OpenAI, account: UpstreamAccount) -> None:
    file = sdk.files.create(
        file=("portrait.png", picture()),
        purpose="reference",  # type: ignore[arg-type]  # the SDK knows OpenAI's purposes only
    )
    assert (file.object, file.filename, file.status) == ("file", "portrait.png", "processed")
    assert sdk.files.wait_for_processing(file.id, poll_interval=0).id == file.id
    other = sdk.files.create(file=("b.png", picture(color="blue")), purpose="reference")  # type: ignore[arg-type]
    assert [found.id for found in sdk.files.list(limit=1)] == [other.id, file.id]  # page by page
    assert sdk.files.retrieve(file.id) == file
    assert sdk.files.content(file.id).read() == picture()
    sdk.videos.create(
        model="Kling-2.6-1080p",
        prompt="she smiles",
        seconds="5",  # type: ignore[arg-type]
        extra_body={"images": [file.id]},
    )
    with pytest.raises(openai.ConflictError) as used:
        sdk.files.delete(file.id)
    assert used.value.code == "file_in_use"
    assert sdk.files.delete(other.id).deleted


def test_a_finished_video_is_downloaded(sdk: openai.OpenAI, stored: Task) -> None:
    assert sdk.videos.retrieve(stored.public_id).status == "completed"
    assert sdk.videos.download_content(stored.public_id).read() == VIDEO


def test_refusals_are_raised_as_the_sdks_own_errors(sdk: openai.OpenAI, make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING)
    with pytest.raises(openai.ConflictError) as not_ready:
        sdk.videos.download_content(task.public_id)
    assert not_ready.value.code == "video_not_ready"
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.videos.retrieve("task_unknown")
    assert (unknown.value.code, unknown.value.type) == ("task_not_exist", "not_found_error")
    with pytest.raises(openai.BadRequestError) as file:
        sdk.videos.create(prompt="x", seconds="4", model="sora-2", input_reference=b"\x89PNG")
    assert file.value.code == "model_not_found"
    assert file.value.request_id is not None
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="sk-wrong").videos.retrieve(task.public_id)


def test_the_sdk_lists_the_models(sdk: openai.OpenAI) -> None:
    assert "Kling-3.0-720p" in [model.id for model in sdk.models.list()]
    model = sdk.models.retrieve("GV-3.1-720p")
    assert (model.owned_by, model.created) == ("GV", 1795132800)
    assert connection.is_usable()


# Following


def life_of(account: UpstreamAccount, folder: Path) -> Iterator[Callable[[], object]]:
    """The events of the next task until its video is stored."""
    keep(folder, "alice/1.mp4")

    def task() -> Task:
        return Task.objects.get()

    yield lambda: None
    yield lambda: claim_next(account, timezone.now())
    yield lambda: lifecycle.accepted(task(), "4-AigcVideo-1", timezone.now(), timedelta(minutes=1))
    yield lambda: lifecycle.produced(task(), "https://example.com/1.mp4", "1920x1080", timezone.now())
    yield lambda: lifecycle.succeed(task(), StoredMedia("alice/1.mp4", len(VIDEO)), timezone.now())


def test_create_and_poll_waits_for_the_video(
    caller: openai.OpenAI, proxy: Proxy, account: UpstreamAccount, results_folder: Path
) -> None:
    proxy.before_reads = life_of(account, results_folder)
    video = caller.videos.create_and_poll(**REQUEST, poll_interval_ms=NO_DELAY)
    assert (video.status, video.progress, video.size) == ("completed", 100, "1920x1080")
    assert proxy.sent == ["POST /v1/videos"] + 5 * [f"GET /v1/videos/{video.id}"]
    assert caller.videos.download_content(video.id).read() == VIDEO


def test_a_failed_video_ends_the_polling(caller: openai.OpenAI, proxy: Proxy, make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING)
    proxy.before_reads = iter(
        [lambda: lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It did not work.", timezone.now())]
    )
    video = caller.videos.poll(task.public_id, poll_interval_ms=NO_DELAY)
    assert video.status == "failed"
    assert video.error is not None
    assert (video.error.code, video.error.message) == ("generation_failed", "It did not work.")


@pytest.mark.processes
def test_creating_and_downloading_with_real_processes(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, web: WebProcess
) -> None:
    workers.start()
    with openai.OpenAI(base_url=f"{web.url}/v1", api_key=owner.text) as client:
        video = client.videos.create_and_poll(**REQUEST, poll_interval_ms=100)
        assert video.status == "completed"
        assert client.videos.download_content(video.id).read()[4:8] == b"ftyp"
        assert [listed.id for listed in client.videos.list()] == [video.id]
        assert client.videos.delete(video.id).deleted
        assert list(client.videos.list()) == []
    assert len(sandbox.tasks()) == 1
    assert reconciliation.differences() == []


@pytest.fixture
def web(
    transactional_db: None, fork_server: ForkServer, tmp_path: Path, results_folder: Path
) -> Iterator[WebProcess]:
    process = WebProcess(fork_server, tmp_path / "web.log", RESULTS_DIR=str(results_folder))
    process.wait()
    yield process
    process.kill()


# Listing


@pytest.fixture
def tasks(make_task: MakeTask, stranger: Caller) -> list[Task]:
    """Five tasks of Alice's, newest first, and one of Charlie's."""
    begun = timezone.now() - timedelta(minutes=10)
    statuses = [Status.SUCCEEDED, Status.FAILED, Status.RUNNING, Status.QUEUED, Status.QUEUED]
    models = ["Kling-3.0-720p", "GV-3.1-720p"]
    made = [
        make_task(status, now=begun + timedelta(minutes=number), model=models[number % 2])
        for number, status in enumerate(statuses)
    ]
    make_task(tenant=stranger.tenant, api_key=stranger.key)
    return made[::-1]


def ids(videos: Iterable[Video | Task]) -> list[str]:
    return [video.public_id if isinstance(video, Task) else video.id for video in videos]


@pytest.mark.parametrize(("limit", "pages"), [(2, 3), (5, 1), (100, 1)])
def test_all_pages_of_the_list_are_read(
    caller: openai.OpenAI, proxy: Proxy, tasks: list[Task], limit: int, pages: int
) -> None:
    assert ids(caller.videos.list(limit=limit)) == ids(tasks)
    assert proxy.sent == pages * ["GET /v1/videos"]
    assert ids(caller.videos.list(limit=limit, order="asc")) == ids(tasks[::-1])


def test_the_list_can_be_read_from_a_given_video(sdk: openai.OpenAI, tasks: list[Task]) -> None:
    page = sdk.videos.list(after=tasks[1].public_id, limit=2)
    assert (ids(page.data), page.has_more) == (ids(tasks[2:4]), True)
    assert ids(page.get_next_page().data) == ids(tasks[4:])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "queued"}, [0, 1]),
        ({"status": "failed"}, [3]),
        ({"model": "GV-3.1-720p"}, [1, 3]),
        ({"model": "Kling-3.0-720p", "status": "completed"}, [4]),
    ],
)
def test_the_filters_apply_to_every_page(
    sdk: openai.OpenAI, tasks: list[Task], query: dict[str, object], expected: list[int]
) -> None:
    found = sdk.videos.list(limit=1, extra_query=query)
    assert ids(found) == ids(tasks[number] for number in expected)


# Downloading and deleting


def test_a_video_is_streamed_into_a_file(sdk: openai.OpenAI, stored: Task, tmp_path: Path) -> None:
    with sdk.videos.with_streaming_response.download_content(stored.public_id) as answer:
        answer.stream_to_file(tmp_path / "1.mp4")
    assert (tmp_path / "1.mp4").read_bytes() == VIDEO


def test_a_deleted_video_is_gone(sdk: openai.OpenAI, stored: Task, results_folder: Path) -> None:
    deleted = sdk.videos.delete(stored.public_id)
    assert (deleted.id, deleted.object, deleted.deleted) == (stored.public_id, "video.deleted", True)
    assert not (results_folder / stored.media_name).exists()
    for again in (sdk.videos.retrieve, sdk.videos.delete, sdk.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            again(stored.public_id)
    assert list(sdk.videos.list()) == []


def test_a_waiting_video_is_cancelled_and_stays_readable(sdk: openai.OpenAI, make_task: MakeTask) -> None:
    task = make_task(Status.QUEUED)
    assert sdk.videos.delete(task.public_id).deleted
    video = sdk.videos.retrieve(task.public_id)
    assert video.error is not None
    assert (video.status, video.error.code) == ("failed", "cancelled")


# Errors


class Refusal(NamedTuple):
    """A refusal of a create and the SDK's exception for it."""

    name: str
    error: type[openai.APIStatusError]
    code: str
    quota: dict[str, Any] = {}
    key: dict[str, Any] = {}
    asked: dict[str, Any] = {}


CONCURRENCY, QUOTA = "concurrency_limit_exceeded", "insufficient_quota"
REFUSALS = (
    Refusal("no tasks", openai.RateLimitError, CONCURRENCY, {"concurrent_tasks": 0}),
    Refusal(
        "a queue for ever", openai.RateLimitError, CONCURRENCY, {"concurrent_tasks": 0, "when_full": "queue"}
    ),
    Refusal("no requests", openai.RateLimitError, "rate_limit_exceeded", {"requests_per_minute": 0}),
    Refusal("no balance", openai.RateLimitError, QUOTA, {"is_prepaid": True}),
    Refusal("seconds of a day", openai.RateLimitError, QUOTA, {"seconds_per_day": 4}),
    Refusal("money of a month", openai.RateLimitError, QUOTA, {"spend_per_month": Decimal("3.99")}),
    Refusal(
        "too dear",
        openai.BadRequestError,
        "max_cost_exceeded",
        asked={"extra_body": {"max_cost": "3.99"}},
    ),
    Refusal("unknown model", openai.BadRequestError, "model_not_found", asked={"model": "sora-2"}),
    Refusal("may only read", openai.PermissionDeniedError, "permission_denied", key={"scopes": ["read"]}),
    Refusal("expired", openai.AuthenticationError, "invalid_api_key", key={"expires_at": NOW - 900 * DAY}),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_permanent_refusals_are_not_retried(
    caller: openai.OpenAI, proxy: Proxy, owner: Caller, account: UpstreamAccount, refusal: Refusal
) -> None:
    Quota.objects.create(tenant=owner.tenant, **refusal.quota)
    APIKey.objects.filter(tenant=owner.tenant).update(**{"name": "Alice's", **refusal.key})
    with pytest.raises(refusal.error) as refused:
        caller.videos.create(**(REQUEST | refusal.asked))
    assert refused.value.code == refusal.code
    assert refused.value.request_id is not None
    assert proxy.sent == ["POST /v1/videos"]
    assert not Task.objects.exists()


def test_a_conflict_is_not_retried(caller: openai.OpenAI, proxy: Proxy, make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING)
    for refused, code in (
        (caller.videos.delete, "video_in_progress"),
        (caller.videos.download_content, "video_not_ready"),
    ):
        proxy.sent.clear()
        with pytest.raises(openai.ConflictError) as conflict:
            refused(task.public_id)
        assert (conflict.value.code, len(proxy.sent)) == (code, 1)


def test_a_client_at_the_limit_learns_when_to_retry(
    sdk: openai.OpenAI, make_task: MakeTask, owner: Caller
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1)
    make_task(Status.RUNNING)
    with pytest.raises(openai.RateLimitError) as refused:
        sdk.videos.create(**REQUEST)
    assert refused.value.code == "concurrency_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) > 0
    assert "x-should-retry" not in refused.value.response.headers


# Retries


def test_a_lost_answer_is_retried_and_makes_no_second_task(
    caller: openai.OpenAI, proxy: Proxy, owner: Caller, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1)  # which the first task reaches
    proxy.answers_to_lose = 2
    video = caller.videos.create(**REQUEST)
    assert proxy.retries == ["0", "1", "2"]
    assert video.id == Task.objects.get().public_id
    assert LedgerEntry.objects.get().kind == "hold"
    assert reconciliation.differences() == []


def test_a_request_that_never_arrived_makes_one_task(
    caller: openai.OpenAI, proxy: Proxy, account: UpstreamAccount
) -> None:
    proxy.requests_to_lose = 1
    video = caller.videos.create(**REQUEST)
    assert proxy.retries == ["0", "1"]
    assert video.id == Task.objects.get().public_id


def test_a_retry_does_not_return_another_programs_task(
    caller: openai.OpenAI, proxy: Proxy, owner: Caller, account: UpstreamAccount
) -> None:
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=make_caller(owner.tenant).text) as mate:
        twin = mate.videos.create(**REQUEST)
    proxy.answers_to_lose = 1
    assert caller.videos.create(**REQUEST).id != twin.id
    assert Task.objects.count() == 2


def test_five_identical_creates_make_five_tasks(
    caller: openai.OpenAI, proxy: Proxy, account: UpstreamAccount
) -> None:
    made = [caller.videos.create(**REQUEST).id for _ in range(5)]
    assert len(set(made)) == 5 == Task.objects.count()
    assert proxy.retries == 5 * ["0"]


def test_five_concurrent_identical_creates_make_five_tasks(
    proxy: Proxy, owner: Caller, account: UpstreamAccount
) -> None:
    async def made() -> list[Video]:
        async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=owner.text) as client:
            return await asyncio.gather(*(client.videos.create(**REQUEST) for _ in range(5)))

    assert len({video.id for video in asyncio.run(made())}) == 5 == Task.objects.count()


def test_a_retry_after_a_refusal_creates_its_own_task(
    caller: openai.OpenAI, proxy: Proxy, owner: Caller, make_task: MakeTask
) -> None:
    """It looks like a retry of the identical request, but the client was refused."""
    Quota.objects.create(tenant=owner.tenant, requests_per_minute=1)
    twin = make_task(
        now=timezone.now() - timedelta(seconds=57),
        api_key=owner.key,
        fingerprint=idempotency.hash_of(REQUEST),
    )
    video = caller.videos.create(**REQUEST)
    assert proxy.retries == ["0", "1"]
    assert video.id != twin.public_id
    assert Task.objects.filter(fingerprint=twin.fingerprint).count() == 2


def test_an_idempotency_key_distinguishes_a_retry_from_an_identical_request(
    caller: openai.OpenAI, proxy: Proxy, account: UpstreamAccount
) -> None:
    twins = [caller.videos.create(**REQUEST).id for _ in range(2)]
    proxy.answers_to_lose = 1
    asked = {**REQUEST, "extra_headers": {"Idempotency-Key": "mine"}}
    video = caller.videos.create(**asked)
    assert video.id not in twins
    again = caller.videos.with_raw_response.create(**asked)
    assert (again.parse().id, again.headers["idempotent-replayed"]) == (video.id, "true")
    assert Task.objects.count() == 3


def test_a_key_reused_for_another_request_is_refused_without_retries(
    caller: openai.OpenAI, proxy: Proxy, account: UpstreamAccount
) -> None:
    headers = {"Idempotency-Key": "mine"}
    caller.videos.create(**REQUEST, extra_headers=headers)
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        caller.videos.create(**(REQUEST | {"prompt": "a dog runs"}), extra_headers=headers)
    assert (refused.value.code, len(proxy.sent)) == ("idempotency_key_reused", 2)
