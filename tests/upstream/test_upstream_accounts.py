"""Upstream accounts in the staff console: endpoints, credentials and permissions."""

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry
from tests.support.console import Person
from tests.support.rows import check_each, each
from videos.endpoints import validate_endpoint
from videos.models import UpstreamAccount

LIST = "/admin/videos/upstreamaccount/"
HERE, ELSEWHERE = "https://api.example.com", "https://mallory.example"
MAY_CHANGE = ("view_upstreamaccount", "change_upstreamaccount", "add_upstreamaccount")

GOOD = (
    HERE,
    f"{HERE}/",
    f"{HERE}:8443",
    "https://10.0.0.1",
    "https://[::1]:1",
    "http://127.0.0.1:9",
    "http://localhost",
)
BAD = (
    *("", "api.example.com", "ftp://api.example.com", "https://", "https://:443", "//api.example.com"),
    *(
        f"{HERE}:0",
        f"{HERE}:99999",
        f"{HERE}:x",
        f"{HERE}:",
        "https://a b.example",
        "https://b\u00e4r.example",
    ),
    *(
        "https://user@api.example.com",
        "https://user:pass@api.example.com",
        f"{HERE}/v1",
        f"{HERE}?a=b",
        f"{HERE}#a",
    ),
    *(
        "http://api.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "https://-a.example",
        "https://[::1",
    ),
    *(f"{HERE}\n", f" {HERE}", "https://a.example\\@b.example", "javascript:alert(1)"),
)


@each("endpoint", GOOD)
def test_an_endpoint_is_scheme_host_and_port(endpoint: str) -> None:
    validate_endpoint(endpoint)


@each("endpoint", BAD)
def test_an_invalid_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        validate_endpoint(endpoint)


@pytest.mark.parametrize("setting", ["SERVED_WITH_TLS", "BEHIND_TLS_PROXY"])
def test_plain_http_is_refused_in_production(setting: str, settings: LazySettings) -> None:
    setattr(settings, setting, True)
    with pytest.raises(ValidationError):
        validate_endpoint("http://127.0.0.1:9")


@pytest.fixture
def main(db: None) -> UpstreamAccount:
    return UpstreamAccount.objects.create(name="main", endpoint=HERE, secret_id="AKID1", secret_key="s")


def test_changing_the_endpoint_needs_its_own_permission(main: UpstreamAccount) -> None:
    tim, page = Person("tim", *MAY_CHANGE), f"{LIST}{main.pk}/change/"
    assert "endpoint" not in tim.open(page)
    tim.fill_in(page, endpoint=ELSEWHERE, secret_id="AKID2", reason="mine now")
    tim.fill_in(f"{LIST}add/", name="mine", endpoint=ELSEWHERE, secret_id="AKID3", new_secret_key="x")
    assert set(UpstreamAccount.objects.values_list("secret_id", flat=True)) == {"AKID2", "AKID3"}
    assert not UpstreamAccount.objects.filter(endpoint=ELSEWHERE).exists()


def test_changing_the_endpoint_needs_a_reason_and_is_in_the_audit_log(main: UpstreamAccount) -> None:
    tim, page = Person("tim", *MAY_CHANGE, "connect_upstreamaccount"), f"{LIST}{main.pk}/change/"
    assert tim.fill_in(page, endpoint=ELSEWHERE).errors
    main.refresh_from_db()
    assert main.endpoint == HERE
    assert tim.fill_in(page, endpoint=ELSEWHERE, reason="the provider moved").errors == []
    [entry] = AuditEntry.objects.all()
    assert (entry.subject, entry.reason) == ("upstream account main", "the provider moved")
    assert (entry.before, entry.after) == ({"endpoint": HERE}, {"endpoint": ELSEWHERE})


def test_credentials_that_cannot_be_sent_in_a_header_are_refused(main: UpstreamAccount) -> None:
    sophie, page = Person("sophie"), f"{LIST}{main.pk}/change/"
    form = sophie.open(page)

    def is_refused(text: str) -> None:
        for field in ("secret_id", "new_secret_key"):
            assert sophie.send(page, form, {field: text}).errors, field

    check_each(["AKID\u2014x", "AKID x", "AK\u00a0ID", "\u5bc6\u94a5", "AKID\tx"], is_refused, repr)
    assert UpstreamAccount.objects.get().secret_id == "AKID1"
