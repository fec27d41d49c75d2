"""The documents say what the code does."""

import re
from pathlib import Path

from django.urls import get_resolver

from config import checks
from videos.errors import FailureCode
from videos.states import Status

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
ENV = (ROOT / ".env.example").read_text()
SETTINGS = (ROOT / "config" / "settings.py").read_text()


def test_every_setting_is_in_the_example_and_no_other() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
    described = set(re.findall(r"^#([A-Z_]+)=", ENV, re.MULTILINE))
    assert read == described


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_route_is_in_the_readme() -> None:
    for path in ("/v1/videos", "/v1/video/generations", "/v1/videos/generations", "/v1/videos/validate"):
        assert f"`POST {path}`" in README or f"`{path}`" in README
    for path in ("/v1/models", "/healthz", "/readyz"):
        assert f"`GET {path}`" in README or f"`{path}`" in README
        assert get_resolver().resolve(path)


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_every_state_is_drawn() -> None:
    drawing = (ROOT / "videos" / "states.py").read_text().split('"""')[1]
    assert all(status.name in drawing for status in Status)


def test_checks_have_ids_of_their_own() -> None:
    source = Path(checks.__file__).read_text()
    ids = re.findall(r'id="(reelay\.E\d+)"', source)
    assert len(ids) == len(set(ids)) == source.count("hint=")


def test_failure_codes_are_those_of_the_contract() -> None:
    assert set(FailureCode) == {
        "upstream_rejected",
        "content_policy_violation",
        "generation_failed",
        "submission_unknown",
        "result_lost",
        "cancelled",
    }
