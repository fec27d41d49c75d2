"""The HTTP edge treats a signed call as one to the API: its path, its limits, and the words of refusals."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig

from config.edge.application import Application
from config.edge.connections import Connections
from config.edge.head import MOST_FIELDS
from tests.house.test_edge import LIMITS, MEBIBYTE, Exchange, echo
from videos.dialects.tencent.answers import reworded

CALL = {"x_tc_action": "CreateAigcVideoTask"}


def serving(*, http_2: bool = False) -> Application:
    connections = Connections(0)
    return Application(
        echo, threads=1, limits=LIMITS, connections=connections, http_2=http_2, reword=reworded
    )


def refusal(exchange: Exchange) -> str:
    """The code of a refusal in the envelope of API 3.0."""
    response: Mapping[str, Any] = exchange.body["Response"]
    assert exchange.status == 200
    assert response["RequestId"].encode() == exchange.headers[b"x-request-id"]
    assert int(exchange.headers[b"content-length"]) == len(exchange.sent[1]["body"])
    return str(response["Error"]["Code"])


@pytest.mark.parametrize("path", ["/", "/tencent/"])
def test_refusals_before_any_view_are_in_the_envelope(path: str) -> None:
    cut = Exchange(path, content_length="562", **CALL).of(serving(), b"x", None)
    assert refusal(cut) == "InvalidRequest"
    many = {f"x-{number}": "1" for number in range(MOST_FIELDS)}
    assert refusal(Exchange(path, **CALL, **many).of(serving())) == "RequestSizeLimitExceeded"
    newer = Exchange(path, **CALL)
    newer.scope["http_version"] = "2"
    assert refusal(newer.of(serving())) == "UnsupportedProtocol"


@pytest.mark.parametrize(
    ("path", "method", "headers", "served"),
    [
        ("/", "POST", CALL, "/tencent/"),
        ("/tencent/", "POST", {}, "/tencent/"),
        ("/", "POST", {}, "/"),
        ("/", "GET", CALL, "/"),
        ("/portal/", "POST", CALL, "/portal/"),
    ],
)
def test_only_a_post_with_an_action_leaves_the_home_page(
    path: str, method: str, headers: dict[str, str], served: str
) -> None:
    exchange = Exchange(path, method, content_length="2", **headers).of(serving(), b"{}")
    assert exchange.body["PATH_INFO"] == served


def test_a_call_may_have_the_largest_body_of_the_api() -> None:
    for length, is_read in ((MEBIBYTE, True), (MEBIBYTE + 1, False)):
        exchange = Exchange("/", content_length=str(length), **CALL)
        if is_read:
            assert exchange.of(serving(), b"x" * length).body["read"] == length
        else:
            with pytest.raises(RequestDataTooBig):  # which our view answers
                exchange.of(serving(), b"x" * length)


def test_other_refusals_keep_their_words() -> None:
    cut = Exchange("/", content_length="562").of(serving(), b"x", None)
    assert cut.refusal == (400, "incomplete_body")
