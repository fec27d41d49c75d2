"""The documents agree with the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import find_commands, get_commands
from django.urls import get_resolver

import accounts
import videos
from accounts.quotas.in_force import FIELDS
from config import checks, health
from config.edge import server
from tests.api.test_api_listing import PARAMETERS
from tests.conftest import Caller, order_video
from tests.house.test_isolation import PATHS, PUBLIC, REQUESTS, scope_of
from videos.billing.usage import GROUPS
from videos.models import UpstreamAccount
from videos.sandbox.scripts import behaviours_in, parse_script
from videos.sandbox.verbs import VERBS
from videos.states import Status
from videos.tasks.failures import FailureCode

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
ENV = (ROOT / ".env.example").read_text()
SETTINGS = (ROOT / "config" / "settings.py").read_text()
GONE = {"seedtasks"}
"""Commands that only the changelog still names."""
NO_SETTINGS = {"HTTPS_PROXY", "IN_PROGRESS", "SANDBOX_CREDENTIALS", "TEST_RESULTS"}
"""What documents name in the form of a setting, and is none of ours."""


def test_the_page_of_settings_shows_the_whole_file() -> None:
    assert '--8<-- ".env.example"' in (ROOT / "docs" / "settings.md").read_text()


def test_every_setting_that_a_document_names_exists() -> None:
    """In the form that documents name them: as code, perhaps with a value, and with an underscore."""
    known = {*re.findall(r"^#([A-Z0-9_]+)=", ENV, re.MULTILINE), *NO_SETTINGS}
    for document in DOCUMENTS:
        named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", document.read_text()))
        assert named - known == set(), document.name


def test_env_example_lists_exactly_the_settings() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
    described = re.findall(r"^#([A-Z_]+)=", ENV, re.MULTILINE)
    assert read == set(described)
    assert len(described) == len(read), "each is described once"


def test_every_make_target_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for target in set(re.findall(r"`make ([a-z0-9-]+)", document.read_text())):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document.name}: {target}"


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    folders = (folder for app in (accounts, videos) for folder in app.__path__)
    ours = {name for folder in folders for name in find_commands(f"{folder}/management")}
    assert {name for name in ours if f"manage.py {name}" not in OPERATING} == {"demo", "serve"}
    for document in DOCUMENTS:
        named = set(re.findall(r"manage\.py ([a-z-]+)", document.read_text()))
        assert named - GONE <= {*get_commands()}, document.name


def test_every_route_is_in_the_readme() -> None:
    for path in ("/v1/videos", "/v1/video/generations", "/v1/videos/generations", "/v1/videos/validate"):
        assert f"`POST {path}`" in README or f"`{path}`" in README
    for path in ("/v1/videos", "/v1/usage", "/v1/account", "/v1/models", *health.ROUTES):
        assert f"`GET {path}`" in README or f"`{path}`" in README
        assert path in health.ROUTES or get_resolver().resolve(path)
    assert "`DELETE /v1/videos/{id}`" in README


def test_the_documents_and_serve_start_the_same_web_process() -> None:
    [documented] = re.findall(r"^granian ((?:.*\\\n)?.*)$", OPERATING, re.MULTILINE)
    place = ["--workers", "2", "--host", "0.0.0.0"]  # noqa: S104 - as documented
    wanted = [*server.OPTIONS, *server.HTTP_1, *place, server.APPLICATION]
    assert documented.replace("\\\n", " ").split() == wanted


EQUIVALENTS = {
    "generation": "video",
    "new-api": "video",
    "model": "model",
    "generation-remix": "remix",
    "new-api-remix": "remix",
}
"""Routes documented in the row of another one."""


@pytest.mark.parametrize(("method", "route"), [request for request in REQUESTS if request[0] != "HEAD"])
def test_every_request_is_documented_with_its_scope(method: str, route: str) -> None:
    path = "/v1/models/{id}" if route == "model" else PATHS[EQUIVALENTS.get(route, route)]
    rows = [row for row in API.splitlines() if row.startswith(f"| `{method} ") and f"{path}`" in row]
    scope = "none" if route in PUBLIC else scope_of(method, route)
    assert [row.split(" | ")[1] for row in rows] == [scope]
    assert ("equivalents" in rows[0]) is (path in (PATHS["video"], PATHS["remix"]))


def test_every_limit_and_parameter_is_documented() -> None:
    limits = {*FIELDS, "balance", "key.spend_per_month"} - {"when_full", "is_prepaid"}
    parameters = {*PARAMETERS, *GROUPS, "start_date", "end_date", "group_by", "format", "max_cost"}
    assert {name for name in limits | parameters if f"`{name}`" not in API} == set()


def _examples() -> dict[str, Any]:
    """The complete answers in the API document, by kind."""
    blocks = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    answers = [json.loads(block) for block in blocks if "…" not in block]
    return {answer["object"]: answer for answer in answers if "object" in answer}


def _shape(value: Any) -> Any:
    """The field names of an answer at every depth."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return (
        [_shape(inner) for inner in value[:1] if isinstance(inner, dict)] if isinstance(value, list) else None
    )


@pytest.mark.parametrize(
    ("name", "path"), [("account", "/v1/account"), ("usage", "/v1/usage?group_by=day,api_key")]
)
def test_an_answer_has_the_documented_fields(
    name: str, path: str, owner: Caller, account: UpstreamAccount
) -> None:
    order_video(owner)
    assert _shape(owner.get(path).json()) == _shape(_examples()[name])


SANDBOX = (ROOT / "docs" / "sandbox.md").read_text()


def test_every_verb_of_the_sandbox_is_documented_with_its_arguments() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", SANDBOX, re.MULTILINE))
    assert {verb: re.findall(r"`(\w+)=", row) for verb, row in documented.items()} == {
        verb: [*known.arguments] for verb, known in VERBS.items()
    }
    for verb, known in VERBS.items():
        for name, default in re.findall(r"`(\w+)=(?!`)\"?([^`\"]+)", documented[verb]):
            known_default = known.arguments[name].default
            assert default in (known_default, json.dumps(known_default)), verb


def test_examples_of_the_sandbox_can_be_parsed() -> None:
    directives = re.findall(r"\[sandbox: (?!verb\])[^\]]*\]", SANDBOX.replace('\\"', '"'))
    assert len(directives) == 3
    assert all(behaviours_in(directive) for directive in directives)
    [script] = re.findall(r"scripts\" -d '(\{.*\})'", SANDBOX)
    assert parse_script(json.loads(script)).uses == 3


def test_every_route_of_the_sandbox_is_documented() -> None:
    source = (ROOT / "videos" / "sandbox" / "control.py").read_text()
    routes = re.findall(r'web\.(get|post)\("(/_sandbox/\w+)"', source)
    assert {(method.upper(), path) for method, path in routes} == {
        *re.findall(r"^\| `(GET|POST) (/_sandbox/\w+)`", SANDBOX, re.MULTILINE)
    }


def test_links_in_the_documents_have_targets() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def _anchors(text: str) -> set[str]:
    """The anchors of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_to_headings_have_targets() -> None:
    for document in DOCUMENTS:
        text = document.read_text()
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= _anchors(text), document.name
        for path, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", text):
            linked = (document.parent / path).read_text()
            assert anchor in _anchors(linked), f"{document.name}: {path}#{anchor}"


def test_every_state_is_in_the_drawing() -> None:
    drawing = (ROOT / "videos" / "states.py").read_text().split('"""')[1]
    assert all(status.name in drawing for status in Status)


def test_checks_have_unique_ids() -> None:
    source = Path(checks.__file__).read_text()
    ids = re.findall(r'id="(reelay\.E\d+)"', source)
    assert len(ids) == len(set(ids)) == len(checks.ALWAYS) + len(checks.DEPLOYED) + 1


def test_failure_codes_are_those_of_the_contract() -> None:
    assert set(FailureCode) == {
        "upstream_rejected",
        "content_policy_violation",
        "generation_failed",
        "submission_unknown",
        "result_lost",
        "cancelled",
    }


def test_the_files_and_definitions_of_the_drawings_exist() -> None:
    drawn = (ROOT / "docs" / "architecture.md").read_text()
    paths = re.findall(r"(?:videos|accounts|config)/[\w/]*(?:\.py|/)", drawn)
    assert len(set(paths)) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []
    sources = "".join((ROOT / path).read_text() for path in paths if path.endswith(".py"))
    named = set(re.findall(r"\b(?:[A-Z][a-z]+[A-Z]\w+|Snapshot|Fingerprint|Composer)\b", drawn))
    assert {name for name in named if f"class {name}" not in sources} <= {"CreateAigcVideoTask"}


def test_the_map_lists_the_existing_packages() -> None:
    [map_] = re.findall(r"```text\n(config/.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    for app, part in re.findall(r"^(config|accounts|videos)/(.*?)(?=^\w)", map_, re.MULTILINE | re.DOTALL):
        there = {folder.parent.name for folder in (ROOT / app).glob("*/__init__.py")}
        named = set(re.findall(r"\b([a-z]+)/", part))
        assert named >= there - {"migrations", "management", "templatetags", "locale"}, app
