"""What holds for the clients of both products: what each answer, and each missing answer, means."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import check_each
from videos.products import Product
from videos.upstream.base import (
    AccountRefused,
    Connection,
    Duplicate,
    Faulted,
    NotSent,
    OutcomeUnknown,
    Phase,
    Progress,
    Refused,
    Submitted,
    Throttled,
    Unavailable,
    Upstream,
    UpstreamError,
)
from videos.upstream.connections import connect
from videos.upstream.tencent import mps, vod
from videos.upstream.tencent.client import MOST_BYTES

Answer = httpx.Response | Exception
Call = Callable[[Upstream], Awaitable[Any]]
QUERIES = {Product.MPS: "DescribeAigcVideoTask", Product.VOD: "DescribeTaskDetail"}
VERSIONS = {Product.MPS: "2019-06-12", Product.VOD: "2018-07-17"}
WORDS = {
    Product.MPS: {"WAIT": Phase.WAITING, "RUN": Phase.RUNNING, "DONE": Phase.DONE, "FAIL": Phase.FAILED},
    Product.VOD: {
        "WAITING": Phase.WAITING,
        "PROCESSING": Phase.RUNNING,
        "FINISH": Phase.DONE,
        "ABORTED": Phase.FAILED,
    },
}
CALLS: dict[str, Call] = {
    "create": lambda upstream: upstream.create({"Prompt": "a cat"}),
    "describe": lambda upstream: upstream.describe("4-x"),
    "check": lambda upstream: upstream.check(),
}
both = pytest.mark.parametrize("product", Product)
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def connection(product: Product, **more: Any) -> Connection:
    return Connection(product, f"https://{product}.example", "AKIDx", "the secret half", **more)


def over(answer: Answer, product: Product, **more: Any) -> tuple[Upstream, list[httpx.Request]]:
    """An account that always gets the same answer, and the requests it makes."""
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    account = connect(connection(product, **more), create_timeout=5, describe_timeout=5, transport=transport)
    return account, requests


def run(upstream: Upstream, call: Call) -> Any:
    async def work() -> Any:
        try:
            return await call(upstream)
        finally:
            await upstream.aclose()

    return asyncio.run(work())


def verdict(product: Product, call: Call, answer: Answer) -> UpstreamError:
    upstream, requests = over(answer, product)
    with pytest.raises(UpstreamError) as raised:
        run(upstream, call)
    assert len(requests) == 1, "nothing is repeated here"
    return raised.value


def success(**fields: Any) -> httpx.Response:
    return httpx.Response(200, json={"Response": {"RequestId": "r", **fields}})


def refusal(code: str, message: str = "No.") -> httpx.Response:
    return success(Error={"Code": code, "Message": message})


# --- requests


@both
def test_each_call_has_its_action_and_body(product: Product) -> None:
    upstream, requests = over(success(TaskId="4-x"), product)

    async def work(upstream: Upstream) -> None:
        await upstream.create({"Prompt": "a cat"})
        await upstream.describe("4-x")

    run(upstream, work)
    asked = [(request.headers["x-tc-action"], json.loads(request.content)) for request in requests]
    assert asked == [("CreateAigcVideoTask", {"Prompt": "a cat"}), (QUERIES[product], {"TaskId": "4-x"})]
    assert {request.headers["x-tc-version"] for request in requests} == {VERSIONS[product]}
    assert all(f"/{product}/tc3_request" in request.headers["authorization"] for request in requests)
    assert not any("x-tc-region" in request.headers for request in requests)


@both
@each_call
def test_a_region_is_sent_if_the_account_has_one(product: Product, call: Call) -> None:
    upstream, requests = over(success(TaskId="4-x"), product, region="ap-guangzhou")
    run(upstream, call)
    assert [request.headers["x-tc-region"] for request in requests] == ["ap-guangzhou"]


@each_call
def test_only_vod_has_applications(call: Call) -> None:
    for product in Product:
        upstream, requests = over(success(TaskId="4-x"), product, sub_app_id=1500000001)
        run(upstream, call)
        sent = [json.loads(request.content).get("SubAppId") for request in requests]
        assert sent == [1500000001 if product is Product.VOD else None]


# --- answers


@both
@pytest.mark.parametrize("task_id", ["1500000001-AigcVideoTask-0af", 123456])
def test_an_accepted_task_has_its_id_as_text(product: Product, task_id: Any) -> None:
    upstream, _ = over(success(TaskId=task_id), product)
    assert run(upstream, CALLS["create"]) == Submitted(str(task_id), "r")


@both
def test_an_acceptance_without_an_id_leaves_the_outcome_unknown(product: Product) -> None:
    for fields in ({}, {"TaskId": ""}, {"TaskId": None}, {"Status": "RUN"}):
        error = verdict(product, CALLS["create"], success(**fields))
        assert (type(error), error.request_id) == (OutcomeUnknown, "r")


REFUSALS: dict[type[UpstreamError], tuple[str, ...]] = {
    Throttled: ("RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded", "LimitExceeded.CreateTask"),
    AccountRefused: (
        *("AuthFailure.SignatureFailure", "UnauthorizedOperation", "FailedOperation.UserArrears"),
        *("InvalidParameterValue.SubAppId", "InvalidParameterValue.UserUnRegister", "LimitExceeded.Quota"),
        *("ResourceNotFound.UserUnregister", "ResourceNotFound.ServiceNotExist", "IpNotInWhitelist"),
    ),
    OutcomeUnknown: (
        "InternalError",
        "ServiceUnavailable",
        "NeverHeardOf",
        "FailedOperation.QueryAIGCTaskFailed",
    ),
    Faulted: ("FailedOperation", "FailedOperation.CreateAIGCTaskFailed"),
    Refused: ("UnknownParameter",),
    Duplicate: ("InvalidParameterValue.SessionId", "FailedOperation.TaskDuplicate"),
}
"""These mean the same for every call. What says that there is no such task is `NO_SUCH_TASK`."""
ANSWERS_TO_CHECK = {
    *REFUSALS[Refused],
    *REFUSALS[Faulted],
    *REFUSALS[Duplicate],
    *("InternalError", "FailedOperation.QueryAIGCTaskFailed"),
}
"""Codes that say nothing against the account if it asks for a task that does not exist."""
NO_SUCH_TASK = (
    *("ResourceNotFound.TaskNotFound", "ResourceNotFound", "FailedOperation.TaskNotFound"),
    *("InvalidParameterValue.TaskId", "InvalidParameterValue", "InvalidParameter"),
)


@both
@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_has_the_meaning_of_its_code(product: Product, name: str) -> None:
    def has_it(row: tuple[str, type[UpstreamError]]) -> None:
        error = verdict(product, CALLS[name], refusal(row[0]))
        assert (type(error), error.code, error.message, error.request_id) == (row[1], row[0], "No.", "r")
        assert str(error.advice)

    rows = [(code, kind) for kind, codes in REFUSALS.items() for code in codes]
    check_each([row for row in rows if name != "check" or row[0] not in ANSWERS_TO_CHECK], has_it)


@both
def test_the_query_of_an_unknown_task_is_refused(product: Product) -> None:
    for code in NO_SUCH_TASK:
        assert type(verdict(product, CALLS["describe"], refusal(code))) is Refused


@both
def test_an_account_works_if_upstream_looks_for_a_task(product: Product) -> None:
    for answer in (*map(refusal, (*NO_SUCH_TASK, *ANSWERS_TO_CHECK)), success(Status="RUN")):
        upstream, requests = over(answer, product)
        run(upstream, CALLS["check"])
        assert [request.headers["x-tc-action"] for request in requests] == [QUERIES[product]]


UNREADABLE = [
    httpx.Response(502, text="<html>Bad Gateway</html>"),
    httpx.Response(500, json={"Response": {"TaskId": "1"}}),
    httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    httpx.Response(204),
    httpx.Response(200, text=""),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, text='{"Response": {"TaskId": "4-Aigc'),
    httpx.Response(200, content=b"\xff\xfe\x00"),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={"Response": None}),
    httpx.Response(200, json={"Response": ["TaskId"]}),
    httpx.Response(200, json={"TaskId": "1"}),
    httpx.Response(200, json={"Response": {"Error": None}}),
    httpx.Response(200, json={"Response": {"Error": {"Code": None, "Message": None}}}),
    httpx.Response(200, json={"Response": {"Error": "no"}}),
    httpx.Response(200, text="[" * 10_000),
    httpx.Response(200, content=b" " * (MOST_BYTES + 1)),
    httpx.Response(200, json={"Response": {"Error": {"Code": 7, "Message": ["no"]}}}),
]


@both
@each_call
def test_an_unreadable_answer_leaves_the_outcome_unknown(product: Product, call: Call) -> None:
    def is_unknown(answer: httpx.Response) -> None:
        assert type(verdict(product, call, answer)) is OutcomeUnknown

    check_each(UNREADABLE, is_unknown, lambda answer: f"{answer.status_code} {answer.content[:40]!r}")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


NO_KEY: Any = type("Key", (), {"host": "x", "port": 1, "ssl": True, "is_ssl": True})()
REFUSED_CONNECTION = aiohttp.ClientConnectorError(NO_KEY, OSError(111, "refused"))
BROKEN: list[tuple[Exception, type[UpstreamError]]] = [
    (httpx.ConnectError("refused"), Unavailable),
    (httpx.ConnectTimeout("slow"), Unavailable),
    (caused(httpx.ConnectError("refused"), REFUSED_CONNECTION), Unavailable),
    (caused(httpx.ConnectTimeout("slow"), aiohttp.ConnectionTimeoutError()), Unavailable),
    (caused(httpx.ConnectTimeout("gone"), aiohttp.ServerDisconnectedError()), OutcomeUnknown),
    (caused(httpx.ConnectTimeout("gone"), aiohttp.ClientOSError(104, "reset")), OutcomeUnknown),
    (caused(httpx.ConnectTimeout("gone"), aiohttp.ClientConnectionResetError()), OutcomeUnknown),
    (caused(httpx.ReadTimeout("slow"), aiohttp.SocketTimeoutError()), OutcomeUnknown),
    (caused(httpx.ReadError("cut"), aiohttp.ClientPayloadError()), OutcomeUnknown),
    (aiohttp.ClientPayloadError(), OutcomeUnknown),
    (httpx.ReadTimeout("slow"), OutcomeUnknown),
    (httpx.WriteError("cut"), OutcomeUnknown),
    (httpx.RemoteProtocolError("nonsense"), OutcomeUnknown),
    (ConnectionResetError(104, "reset"), OutcomeUnknown),
    (TimeoutError(), OutcomeUnknown),
    (httpx.PoolTimeout("busy"), Unavailable),
]


@both
@each_call
def test_a_broken_connection_is_in_doubt_unless_there_was_none(product: Product, call: Call) -> None:
    def has_kind(row: tuple[Exception, type[UpstreamError]]) -> None:
        raised = verdict(product, call, row[0])
        assert type(raised) is row[1]
        assert raised.__cause__ is row[0]

    check_each(BROKEN, has_kind)


@both
def test_a_call_that_cannot_be_signed_is_not_sent(product: Product) -> None:
    bad = Connection(product, "https://x.example", "AKID\N{EM DASH}copied", "secret")
    upstream = connect(bad, create_timeout=5, describe_timeout=5)
    with pytest.raises(NotSent):
        run(upstream, CALLS["create"])


@both
def test_the_search_for_a_task_raises_what_other_calls_raise(product: Product) -> None:
    def search(upstream: Upstream) -> Awaitable[str | None]:
        return upstream.find("s-1", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))

    upstream, requests = over(refusal("RequestLimitExceeded"), product)
    if upstream.can_find:
        assert type(verdict(product, search, refusal("RequestLimitExceeded"))) is Throttled
    else:
        assert (run(upstream, search), requests) == (None, [])


# --- what queries say


def described(product: Product, response: dict[str, Any]) -> Progress:
    upstream, _ = over(success(**response), product)
    progress: Progress = run(upstream, CALLS["describe"])
    return progress


@both
def test_exactly_four_words_are_known(product: Product) -> None:
    all_words = {word for words in WORDS.values() for word in words}
    for word in {"", "PAUSED"} | all_words | {word.lower() for word in all_words}:
        phase = described(product, {"Status": word}).phase
        assert phase is WORDS[product].get(word, Phase.UNKNOWN), word


NAMES = (
    *("Status", "VideoUrls", "Resolution", "Message", "RequestId", "AigcVideoTask", "ErrCode", "ErrCodeExt"),
    *("Output", "FileInfos", "FileUrl", "MetaData", "Width", "Height", "TaskType", "Progress"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([*WORDS[Product.MPS], *WORDS[Product.VOD], "0", "70000", "maximum concurrency"])
)
ODD = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
FILES = st.lists(st.dictionaries(st.sampled_from(["FileUrl", "MetaData"]), ODD, max_size=2) | ODD, max_size=3)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "Status": SCALARS,
        "ErrCode": SCALARS,
        "ErrCodeExt": SCALARS,
        "Message": SCALARS,
        "Output": st.fixed_dictionaries({}, optional={"FileInfos": FILES}) | ODD,
    },
)
ODD_ANSWERS = st.dictionaries(st.sampled_from(NAMES), ODD, max_size=6) | st.fixed_dictionaries(
    {"Status": SCALARS, "AigcVideoTask": BODY}
)


@settings(max_examples=200, deadline=None)
@given(ODD_ANSWERS)
def test_an_answer_of_any_shape_is_read(response: dict[str, Any]) -> None:
    for read in (mps.progress, vod.progress):
        progress = read(response)
        assert progress.phase in Phase
        assert all(isinstance(url, str) and url for url in progress.urls)
        told = (progress.word, progress.message, progress.frame_size, progress.request_id, *progress.urls)
        assert not any("\x00" in text for text in told)
        assert progress.phase is Phase.FAILED or not progress.never_ran
        assert len(progress.word) <= 50


@both
def test_fields_of_other_types_are_read(product: Product) -> None:
    """Over HTTP, as these were seen: numbers as text, an object in place of a list, null everywhere."""
    responses: list[dict[str, Any]] = [
        {"Status": None, "AigcVideoTask": None},
        {"Status": 3, "AigcVideoTask": []},
        {"Status": ["RUN"], "VideoUrls": {"a": 1}, "AigcVideoTask": {"Output": [], "ErrCode": "0"}},
        {"VideoUrls": [None, {}], "AigcVideoTask": {"Output": {"FileInfos": {"FileUrl": "x"}}}},
        {"Status": "FINISHED", "AigcVideoTask": {"Output": {"FileInfos": [None, "x", {"MetaData": []}]}}},
    ]
    for response in responses:
        assert described(product, response).phase is Phase.UNKNOWN
