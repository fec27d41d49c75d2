"""Links of S3, against the example that AWS documents and links that other clients made."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from config.stores.sigv4 import LONGEST_LIFE, Signer

NOW = datetime(2013, 5, 24, tzinfo=UTC)
SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
BUCKET = "https://examplebucket.s3.amazonaws.com"


def test_the_documented_example_is_signed_alike() -> None:
    """From "Authenticating Requests: Using Query Parameters" in the API reference of S3."""
    assert SIGNER.link(f"{BUCKET}/test.txt", {}, 86400, NOW) == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_LIFE + 1])
def test_a_link_that_servers_would_refuse_is_not_made(seconds: int) -> None:
    with pytest.raises(ValueError, match="works for 1 to"):
        SIGNER.link(f"{BUCKET}/test.txt", {}, seconds, NOW)


def test_a_signer_does_not_show_its_secrets() -> None:
    assert repr(Signer("id", "hidden", "region", "hidden")) == "Signer(key_id='id', region='region')"


OTHERS = [
    (
        "https://b.s3.example:9000/a%20b/%C3%A9%2B%25.mp4",
        {"response-content-type": "video/mp4", "response-content-disposition": 'inline; filename="a b.mp4"'},
        "",
        "3e751748bf8eada4b5eb06c6424142cc2286c8298a279e4317e438147e7d450c",
    ),
    (
        "https://b.s3.example:9000/x~y_z-1/%28v%29%2A%27%21.mp4",
        {},
        "FwoGZXIvYXdzEB+/=token",
        "f9b1f9990a56e3be732dc5dad6a04aa523f69ed3ddfa016194f260ed39396da3",
    ),
    (
        "https://b.s3.example:9000/k",
        {"response-content-disposition": "inline; filename*=utf-8''%C3%A9"},
        "",
        "cbdc0cf678c82b87fff48a0c38d38869a28092ae5328ba0f30be77d772f67f32",
    ),
]
"""Address, parameters, token and the signature that botocore 1.44.8 makes of them."""


@pytest.mark.parametrize(("url", "parameters", "token", "expected"), OTHERS)
def test_links_are_signed_as_by_another_client(
    url: str, parameters: dict[str, str], token: str, expected: str
) -> None:
    signer = Signer(SIGNER.key_id, SIGNER.secret, "eu-central-1", token)
    link = signer.link(url, parameters, 3600, datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert dict(parse_qsl(urlsplit(link).query))["X-Amz-Signature"] == expected
