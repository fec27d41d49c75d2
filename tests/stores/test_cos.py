"""What is COS's own: its signature, its addresses, and answers that it does not give."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from config import stores
from config.stores.base import Denied, Misconfigured, Store, Unreachable
from config.stores.cos_signature import Signer
from tests.stores.places import CREDENTIALS, Place
from tests.stores.test_buckets import opened
from tests.stores.test_contract import KEY, content_of, keys, put
from tests.support.s3_server import KEY_ID, S3Server

SIGNED = json.loads((Path(__file__).parent / "cos_signatures.json").read_text())
"""Method, path, parameters, headers, and the Authorization that Tencent's own client (1.9.44) makes."""
SIGNER = Signer("AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q", "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz")
TIMES = (1795175940, 1795176600)
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Name>&a;</Name></ListBucketResult>'
ENDLESS = "<R><IsTruncated>true</IsTruncated><NextMarker>{}</NextMarker></R>"


@pytest.fixture
def cos(tmp_path: Path, s3_server: S3Server) -> Iterator[Store]:
    with opened(Place("cos", tmp_path, s3_server)) as store:
        yield store


@pytest.mark.parametrize(("method", "path", "parameters", "headers", "expected"), SIGNED)
def test_requests_are_signed_as_by_the_providers_client(
    method: str, path: str, parameters: dict[str, str], headers: dict[str, str], expected: str
) -> None:
    fields = SIGNER.fields(method, path, parameters, headers, TIMES)
    assert "&".join(f"{name}={value}" for name, value in fields.items()) == expected


def test_a_signer_does_not_show_its_secrets() -> None:
    assert repr(Signer("id", "hidden", "hidden")) == "Signer(key_id='id')"


def test_a_link_leads_to_the_buckets_own_host() -> None:
    store = stores.open_store("cos://videos-1250000000/kept?region=ap-guangzhou", CREDENTIALS)
    link = urlsplit(store.sign("a b/é.mp4", 3600, filename="v.mp4") or "")
    assert (link.scheme, link.netloc) == ("https", "videos-1250000000.cos.ap-guangzhou.myqcloud.com")
    assert link.path == "/kept/a%20b/%C3%A9.mp4"
    query = dict(parse_qsl(link.query))
    begin, end = map(int, query["q-sign-time"].split(";"))
    assert (query["q-ak"], query["q-header-list"]) == (KEY_ID, "host")
    assert query["q-url-param-list"] == "response-content-disposition"
    assert abs(end - time.time() - 3600) < 60 < end - begin


@pytest.mark.parametrize(
    "text", [ENTITIES, "no XML", "<R>" * 9, "", "<R><Contents><Key>a</Key></Contents></R>"]
)
def test_a_list_that_cos_does_not_give_is_refused(text: str, cos: Store, s3_server: S3Server) -> None:
    s3_server.script(status=200, text=text)
    with pytest.raises(Unreachable, match="an answer that COS does not give"):
        keys(cos)


def test_a_list_that_does_not_go_on_is_given_up(cos: Store, s3_server: S3Server) -> None:
    for marker in ("b", "b", ""):
        s3_server.script(status=200, text=ENDLESS.format(marker))
    with pytest.raises(Unreachable, match="does not go on"):
        keys(cos)


def test_a_redirect_is_not_followed(cos: Store, s3_server: S3Server) -> None:
    put(cos, b"a video")
    there = len(s3_server.requests)
    s3_server.script(status=302, location="/kept/here/" + KEY)
    with pytest.raises(Misconfigured, match="302"):
        cos.open(KEY)
    assert len(s3_server.requests) == there


def test_a_whole_object_in_place_of_a_range_is_refused(cos: Store, s3_server: S3Server) -> None:
    s3_server.script(status=200, text="the whole object")
    with pytest.raises(Unreachable, match="instead of a range"):
        cos.open(KEY, 4, 7)


def test_connections_of_refused_requests_are_used_again(cos: Store, s3_server: S3Server) -> None:
    s3_server.keys[KEY_ID].rights = frozenset({"list"})
    for _ in range(120):  # more than a pool has connections
        with pytest.raises(Denied):
            content_of(cos)
    assert keys(cos) == []
