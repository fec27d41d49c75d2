"""Signatures of requests: only those of the key pair, of this request and of now are accepted."""

import random
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.http.request import RequestInternal

from accounts import signatures
from accounts.signatures import BadSignature, Expired, Forged, Malformed
from config import tc3
from tests.support.rows import each
from tests.support.signing import SERVICE, signed_headers

NOW = 1_773_141_337  # 2026-03-10
ID, KEY = "RLY0000000000000", "EXAMPLEsecretKEY00000000000000000"
BODY = b'{"ModelName": "Kling", "Prompt": "a cat"}'
MUTATIONS = 10_000


def accepted(headers: dict[str, str], body: bytes = BODY, now: float = NOW, key: str | None = KEY) -> str:
    """The id of the key pair that signed the request. Raises `BadSignature`."""
    claim = signatures.read(headers, now)
    signatures.check(claim, key if claim.key_id == ID else None, headers, body)
    return claim.key_id


def headers_of() -> dict[str, str]:
    return signed_headers(ID, KEY, BODY, NOW)


def test_the_official_client_is_accepted() -> None:
    request = RequestInternal("mps.example", "POST", "/", {"Content-Type": "application/json"})
    request.header |= {"Host": "mps.example", "X-TC-Timestamp": str(NOW)}
    request.data = BODY.decode()
    client = AbstractClient.__new__(AbstractClient)
    date = datetime.fromtimestamp(NOW, UTC).date().isoformat()
    signature = client._get_tc3_signature({}, request, date, SERVICE, KEY)
    proof = f"TC3-HMAC-SHA256 Credential={ID}/{date}/{SERVICE}/tc3_request, SignedHeaders=content-type;host, "
    sent = {name.lower(): value for name, value in request.header.items()}
    assert accepted({**sent, "authorization": f"{proof}Signature={signature}"}) == ID


def test_a_body_that_is_not_signed_may_be_any() -> None:
    headers = signed_headers(ID, KEY, BODY, NOW, **{"x-tc-content-sha256": "UNSIGNED-PAYLOAD"})
    assert accepted(headers) == accepted(headers, b"another") == ID


def test_further_headers_may_be_signed() -> None:
    signed = {"content-type": "application/json", "host": "a.example", "x-tc-action": "Create"}
    signature = tc3.signature(KEY, service=SERVICE, headers=signed, body=BODY, timestamp=NOW)
    proof = (
        f"TC3-HMAC-SHA256 Credential={ID}/{tc3.scope(SERVICE, NOW)},SignedHeaders={tc3.signed_names(signed)}"
    )
    headers = {**signed, "x-tc-timestamp": str(NOW), "authorization": f"{proof},Signature={signature}"}
    assert accepted(headers) == ID
    with pytest.raises(Forged):
        accepted({**headers, "x-tc-action": "Describe"})


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_a_clock_may_be_five_minutes_off(age: int) -> None:
    assert accepted(headers_of(), now=NOW + age) == ID


@pytest.mark.parametrize("age", [-(10**9), -301, 301, 86_400, 10**9])
def test_a_request_that_is_replayed_later_is_refused(age: int) -> None:
    with pytest.raises(Expired):
        accepted(headers_of(), now=NOW + age)


@each("service", ["mps", "vod", "127", "video-api", "Video1"])
def test_any_service_is_taken_as_sdks_make_it_of_the_endpoint(service: str) -> None:
    headers = signed_headers(ID, KEY, BODY, NOW, service=service)
    assert accepted(headers) == ID
    headers["authorization"] = headers["authorization"].replace(f"/{service}/", "/other/")
    with pytest.raises(Forged):
        accepted(headers)


def test_the_port_of_the_host_may_be_left_out_of_the_signature() -> None:
    headers = signed_headers(ID, KEY, BODY, NOW, host="video.example")
    assert accepted({**headers, "host": "video.example:8000"}) == ID
    for host in ("video.example:x", "video.example:8000:8000", "other.example:8000", ""):
        with pytest.raises(Forged):
            accepted({**headers, "host": host})


def test_the_date_of_the_scope_must_be_that_of_the_time() -> None:
    headers = headers_of()
    headers["authorization"] = headers["authorization"].replace("2026-03-10", "2026-03-11")
    with pytest.raises(Expired):
        accepted(headers)


MALFORMED = {
    "none": "",
    "another scheme": "Bearer rly_00000000_000",
    "another algorithm": "TC3-HMAC-SHA1 {rest}",
    "no service": "TC3-HMAC-SHA256 Credential={id}/2026-03-10/tc3_request, {names}, {signature}",
    "no scope": "TC3-HMAC-SHA256 Credential={id}, {names}, {signature}",
    "another end": "TC3-HMAC-SHA256 Credential={id}/2026-03-10/mps/aws4_request, {names}, {signature}",
    "the host not signed": "{begin}, SignedHeaders=content-type, {signature}",
    "nothing signed": "{begin}, SignedHeaders=;, {signature}",
    "one signed twice": "{begin}, SignedHeaders=content-type;host;host, {signature}",
    "too many signed": "{begin}, SignedHeaders=content-type;host;"
    + ";".join(string.ascii_lowercase)
    + ";a-;b-;c-;d-;e-;f-, {signature}",
    "no signature": "{begin}, {names}",
    "a short signature": "{begin}, {names}, Signature=00",
    "a signature in capitals": "{begin}, {names}, Signature=" + "A" * 64,
    "foreign digits": "{begin}, {names}, Signature=" + "٣" * 64,
    "a line break": "{begin}, {names},\n{signature}\nx",
    "more behind it": "{begin}, {names}, {signature}, X=1",
}


@each("name, form", MALFORMED.items())
def test_a_malformed_authorization_is_refused(name: str, form: str) -> None:
    parts = {
        "id": ID,
        "begin": f"TC3-HMAC-SHA256 Credential={ID}/2026-03-10/mps/tc3_request",
        "names": "SignedHeaders=content-type;host",
        "signature": f"Signature={'0' * 64}",
        "rest": "Credential=x",
    }
    with pytest.raises(Malformed):
        accepted({**headers_of(), "authorization": form.format(**parts)})


@pytest.mark.parametrize("text", ["", "now", "-1", "1e9", "1773141337.0", "٣" * 10, "9" * 12, " ", "0x10"])
def test_a_malformed_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        accepted({**headers_of(), "x-tc-timestamp": text})


def test_nobody_is_accepted_without_a_secret_key() -> None:
    nobody = signed_headers(ID, signatures._NOBODY, BODY, NOW)  # even who knows what is computed instead
    for headers in (headers_of(), nobody):
        with pytest.raises(Forged):
            accepted(headers, key=None)


def mutated(chance: random.Random) -> tuple[dict[str, str], bytes, str]:
    """A request of which one thing was changed that the signature covers, or the signature itself."""
    headers, body, key = headers_of(), BODY, KEY
    where = chance.choice(
        ["signature", "body", "key", "content-type", "host", "x-tc-timestamp", "authorization"]
    )
    if where == "body":
        body = changed(body.decode("latin-1"), chance).encode("latin-1")
    elif where == "key":
        key = changed(key, chance)
    elif where == "signature":
        begin, _, signature = headers["authorization"].rpartition("=")
        headers["authorization"] = f"{begin}={changed(signature, chance, '0123456789abcdef')}"
    else:
        headers[where] = changed(headers[where], chance)
    return headers, body, key


def changed(text: str, chance: random.Random, letters: str = string.printable + "\x00\xff") -> str:
    """The text with a letter replaced, added, removed or swapped; never the same."""
    place, letter = chance.randrange(len(text)), chance.choice(letters)
    ways = (
        text[:place] + letter + text[place + 1 :],
        text[:place] + letter + text[place:],
        text[:place] + text[place + 1 :],
        text[place:] + text[:place],
    )
    new = chance.choice(ways)
    return new if new != text else changed(text, chance, letters)


def is_equivalent(headers: dict[str, str]) -> bool:
    """Whether only space or the case of a value changed, which a signature does not cover."""
    sent = headers_of()
    proof = " ".join(headers["authorization"].replace(",", " , ").split())
    same_proof = proof == " ".join(sent["authorization"].replace(",", " , ").split())
    covered = ("content-type", "host", "x-tc-timestamp")
    return same_proof and all(headers[name].strip().lower() == sent[name] for name in covered)


def test_none_of_many_mutations_is_accepted() -> None:
    chance, forged = random.Random(20261128), 0  # noqa: S311 - chance, not secrecy
    for _ in range(MUTATIONS):
        headers, body, key = mutated(chance)
        if body == BODY and key == KEY and is_equivalent(headers):
            continue
        forged += 1
        with pytest.raises(BadSignature):
            accepted(headers, body, key=key)
    assert forged > MUTATIONS * 0.98


@given(st.text(max_size=300), st.text(max_size=20), st.text(max_size=20), st.binary(max_size=50))
def test_no_text_is_a_fault(proof: str, timestamp: str, host: str, body: bytes) -> None:
    headers = {"authorization": proof, "x-tc-timestamp": timestamp, "host": host, "content-type": host}
    with pytest.raises(BadSignature):
        accepted(headers, body)


def test_no_secret_is_in_a_message_or_repr() -> None:
    claim = signatures.read(headers_of(), NOW)
    assert claim.signature not in repr(claim)
    with pytest.raises(Forged) as refused:
        signatures.check(claim, "another", headers_of(), BODY)
    assert "another" not in str(refused.value)
