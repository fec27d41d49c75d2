"""The documentation as a site: what `make site` builds, and how it is served at `/docs/`."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from tests.conftest import Caller
from tests.support import site as support
from tests.support.people import Browser
from tests.support.refusals import assert_refused
from tests.support.site import ROOT

Tag = tuple[str, dict[str, str | None], str]
"""A tag's name, its attributes, and the text up to the next tag."""


built = support.built  # the fixture


@pytest.fixture
def site(built: Path, settings: LazySettings) -> Path:
    """The site where Reelay serves it from."""
    settings.SITE_ROOT = built
    return built


@pytest.fixture
def no_site(settings: LazySettings, tmp_path: Path) -> None:
    settings.SITE_ROOT = tmp_path / "site"


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Tag] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data


def _tags(folder: Path) -> Iterator[tuple[str, Tag]]:
    for page in folder.rglob("*.html"):
        for tag in _Tags(page.read_text()).found:
            yield page.name, tag


# What is built


@pytest.mark.processes
def test_every_document_is_a_page(built: Path) -> None:
    """`--strict` fails on one that the navigation lacks, and on links and anchors that lead nowhere."""
    documents = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    assert {path.relative_to(built).with_suffix("") for path in built.rglob("*.html")} == {
        *documents,
        Path("404"),
    }


@pytest.mark.processes
def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    loading = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
    for page, (name, attributes, _) in _tags(built):
        address = urlsplit(attributes.get(loading.get(name, "")) or "")
        assert not address.netloc, f"{page}: {name} {attributes}"
    for sheet in built.rglob("*.css"):
        outside = re.findall(r"url\([\"']?(?!data:|[\"']?data:)[a-z]*:?//|@import", sheet.read_text())
        assert outside == [], sheet.name


@pytest.mark.processes
def test_pages_have_nothing_that_the_policy_forbids(built: Path) -> None:
    for page, (name, attributes, text) in _tags(built):
        is_code = name == "script" and attributes.get("type") != "application/json"
        assert not (is_code and text.strip()), f"{page}: an inline script"
        assert name != "style", f"{page}: an inline style"
        assert not [key for key in attributes if key == "style" or key.startswith("on")], f"{page}: {name}"


@pytest.mark.processes
def test_settings_are_shown_on_their_page(built: Path) -> None:
    assert "FILES_BYTES_PER_TENANT" in (built / "settings.html").read_text()


# How it is served


@pytest.mark.processes
def test_pages_are_served_under_the_policy_of_all_pages(site: Path) -> None:
    page = Browser().get("/docs/")
    assert page.status_code == 200
    assert b"Quick start" in page.getvalue()
    policy = page.headers["content-security-policy"]
    assert policy == Caller(None).get("/log-in/").headers["content-security-policy"]
    assert "unsafe" not in policy


@pytest.mark.processes
def test_every_file_is_served_with_its_type(site: Path) -> None:
    types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    for path in site.rglob("*"):
        if path.suffix in types:
            answer = Caller(None).get(f"/docs/{path.relative_to(site)}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == types[path.suffix]
            assert answer.getvalue() == path.read_bytes()


@pytest.mark.processes
def test_a_page_that_did_not_change_is_not_sent_again(site: Path) -> None:
    first = Caller(None).get("/docs/errors.html")
    assert first.getvalue()
    again = Caller(None).get("/docs/errors.html", HTTP_IF_MODIFIED_SINCE=first.headers["last-modified"])
    assert again.status_code == 304


@pytest.mark.processes
def test_the_address_without_its_last_slash_leads_to_the_first_page(site: Path) -> None:
    answer = Caller(None).get("/docs")
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs/")


@pytest.mark.processes
@pytest.mark.parametrize("path", ["nothing.html", "models/", "../pyproject.toml", "%2e%2e/pyproject.toml"])
def test_what_is_not_in_the_site_is_not_found(path: str, site: Path) -> None:
    assert_refused(Caller(None).get(f"/docs/{path}"), 404, "not_found")
    assert Browser().get(f"/docs/{path}").status_code == 404


def test_only_reading_is_allowed() -> None:
    answer = Browser().post("/docs/")
    assert (answer.status_code, answer["allow"]) == (405, "GET, HEAD")
    assert b"This kind of request is not supported" in answer.content


# Without a site


def test_without_a_site_its_address_says_how_to_build_one(no_site: None) -> None:
    answer = Browser().get("/docs/")
    assert answer.status_code == 404
    assert b"<code>make site</code>" in answer.content


def test_without_a_site_programs_and_other_addresses_get_404(no_site: None) -> None:
    assert_refused(Caller(None).get("/docs/"), 404, "not_found")
    assert Browser().get("/docs/errors.html").status_code == 404


@pytest.mark.parametrize("path", ["/v1/docs", "/documents", "/docsx", "/v1/docs/"])
def test_other_unknown_routes_still_get_the_envelope(path: str, no_site: None) -> None:
    assert_refused(Caller(None).get(path), 404, "not_found")
