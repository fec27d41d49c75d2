"""The signature matches two published samples and Tencent Cloud's official client."""

import hashlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.http.request import RequestInternal

from config import tc3
from videos.upstream.tencent.signing import Credential, authorization

DOCUMENTED = Credential("AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******")
DOCUMENTED_BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
DOCUMENTED_HEADERS = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
OURS = Credential("AKIDEXAMPLE0000000000000000000000000", "EXAMPLEsecretKEY00000000000000000")
OUR_BODY = b'{"ModelName": "Kling", "ModelVersion": "2.5", "Prompt": "a cat", "Duration": 5}'
OUR_HEADERS = {"content-type": "application/json", "host": "mps.intl.tencentcloudapi.com"}


def signature(header: str) -> str:
    return header.rpartition("Signature=")[2]


def test_the_documented_sample_has_the_documented_signature() -> None:
    assert hashlib.sha256(DOCUMENTED_BODY).hexdigest().startswith("35e9c5b0")
    canonical = tc3._canonical_request(DOCUMENTED_HEADERS, DOCUMENTED_BODY).encode()
    assert (
        hashlib.sha256(canonical).hexdigest()
        == "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"
    )
    header = authorization(
        DOCUMENTED, service="cvm", headers=DOCUMENTED_HEADERS, body=DOCUMENTED_BODY, timestamp=1551113065
    )
    assert header == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c"
    )


def test_our_sample_has_the_signature_of_the_official_client() -> None:
    assert (
        hashlib.sha256(OUR_BODY).hexdigest()
        == "8539d56753dcca1d61af1097e3d328136c1d3ee35fb592b232dd5a57a080177c"
    )
    canonical = tc3._canonical_request(OUR_HEADERS, OUR_BODY).encode()
    assert (
        hashlib.sha256(canonical).hexdigest()
        == "c04b103b2554116454105a1fc4c3706492f03025926f1579baccb3dbd08f44af"
    )
    header = authorization(OURS, service="mps", headers=OUR_HEADERS, body=OUR_BODY, timestamp=1773141337)
    assert signature(header) == "9d7353fb8ba06c85b8a2e6f791e71e27d199fe4e83840307cc3102d7a34a1b43"


def official(
    credential: Credential, service: str, headers: dict[str, str], body: bytes, timestamp: int
) -> str:
    request = RequestInternal(
        host=headers["host"],
        method="POST",
        uri="/",
        header={
            "Content-Type": headers["content-type"],
            "Host": headers["host"],
            "X-TC-Timestamp": str(timestamp),
        },
        data=body,
    )
    client = AbstractClient.__new__(AbstractClient)
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    signed: str = client._get_tc3_signature({}, request, date, service, credential.secret_key)
    return signed


@settings(max_examples=1000, deadline=None)
@given(
    body=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
    timestamp=st.integers(0, 4_102_444_800),
    service=st.sampled_from(["mps", "vod"]),
    secret=st.text("abcXYZ0189*", min_size=1, max_size=40),
)
def test_any_call_has_the_signature_of_the_official_client(
    body: bytes, timestamp: int, service: str, secret: str
) -> None:
    credential = Credential("AKIDx", secret)
    header = authorization(credential, service=service, headers=OUR_HEADERS, body=body, timestamp=timestamp)
    assert signature(header) == official(credential, service, OUR_HEADERS, body, timestamp)


@pytest.mark.parametrize(
    ("timestamp", "date"),
    [(1551139199, "2019-02-25"), (1551139200, "2019-02-26"), (1709164800, "2024-02-29"), (0, "1970-01-01")],
)
def test_the_scope_has_the_utc_date_of_the_timestamp(timestamp: int, date: str) -> None:
    header = authorization(OURS, service="mps", headers=OUR_HEADERS, body=b"", timestamp=timestamp)
    assert f"Credential={OURS.secret_id}/{date}/mps/tc3_request" in header


def test_additional_headers_are_signed_in_order_and_case_insensitively() -> None:
    shuffled = {
        "X-TC-Action": " CreateAigcVideoTask ",
        "Host": OUR_HEADERS["host"],
        "Content-Type": "application/json",
    }
    header = authorization(OURS, service="mps", headers=shuffled, body=OUR_BODY, timestamp=1)
    sorted_ = dict(sorted({name.lower(): value.strip() for name, value in shuffled.items()}.items()))
    assert header == authorization(OURS, service="mps", headers=sorted_, body=OUR_BODY, timestamp=1)
    assert "SignedHeaders=content-type;host;x-tc-action," in header


@pytest.mark.parametrize(
    "changes",
    [
        {"body": OUR_BODY + b" "},
        {"timestamp": 1773141338},
        {"service": "vod"},
        {"headers": DOCUMENTED_HEADERS},
    ],
)
def test_changing_anything_changes_the_signature(changes: dict[str, object]) -> None:
    call: dict[str, object] = {
        "service": "mps",
        "headers": OUR_HEADERS,
        "body": OUR_BODY,
        "timestamp": 1773141337,
    }
    first, second = (signature(authorization(OURS, **each)) for each in (call, call | changes))  # type: ignore[arg-type]  # a table of keywords
    assert first != second


def test_the_secret_key_is_in_no_text() -> None:
    header = authorization(OURS, service="mps", headers=OUR_HEADERS, body=OUR_BODY, timestamp=1)
    for text in (repr(OURS), str(OURS), f"{OURS!r}", header):
        assert OURS.secret_key not in text
    assert re.search(r"secret_id='AKIDEXAMPLE", repr(OURS))
