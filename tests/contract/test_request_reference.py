"""`docs/requests.md`, `errors.md` and `models/` document exactly what exists."""

import re
from collections.abc import Iterable
from typing import get_args

from config.error_codes import ErrorCode
from tests.contract import model_tables
from tests.house.test_architecture import SOURCES
from tests.support.refusals import TYPES
from videos.api.errors import NO_RETRY, REFUSALS
from videos.catalogue import MODELS, SCENE_TYPES
from videos.requests import extras, media, metadata, parsing, shots
from videos.states import PUBLIC_STATUS, STAGE
from videos.tasks.failures import ADVICE, FailureCode, Move
from videos.upstream.tencent import mps

DOCS = model_tables.FOLDER.parent
PAGE = (DOCS / "requests.md").read_text()
REFUSED, FAILED = (DOCS / "errors.md").read_text().split("## Failed videos")
"""Both halves of the page of errors."""
WHO = {Move.CLIENT: "you", Move.STAFF: "staff", Move.NOBODY: "nobody"}


def section(heading: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    return table(section(heading))


def table(text: str) -> list[list[str]]:
    """The cells of the tables in a text."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    return [name for cells in rows(heading) for name in named(cells[0])]


def named(text: str) -> list[str]:
    """The names in a text that are formatted as code."""
    return re.findall(r"`([^`]+)`", text)


def missing(names: Iterable[str], where: str) -> list[str]:
    """The names that are not in the text as code."""
    return [name for name in names if f"`{name}`" not in where]


def test_the_tables_match_the_catalogue() -> None:
    for family, path in model_tables.pages().items():
        page = path.read_text()
        assert model_tables.written(page, family) == page, "make docs writes them anew"
        assert missing([spec.name for spec in MODELS if spec.family == family], page) == []


def test_each_family_has_a_page_that_the_overview_names() -> None:
    pages = {path.name for path in model_tables.pages().values()}
    assert {path.name for path in model_tables.FOLDER.iterdir()} == {*pages, "index.md"}
    overview = (model_tables.FOLDER / "index.md").read_text()
    assert re.findall(r"^\| \[\w+\]\((\w+\.md)\)", overview, re.MULTILINE) == [
        path.name for path in model_tables.pages().values()
    ]


def test_the_tables_show_all_differences_between_models() -> None:
    """Otherwise two rows would look the same."""
    for path in model_tables.pages().values():
        facts = [line.split(" | ", 1)[1] for line in path.read_text().splitlines() if line.startswith("| `")]
        assert len(facts) == len({*facts})


def test_each_field_is_documented_once() -> None:
    taken, refused = first_cells("Fields")[: len(extras.TAKEN)], first_cells("Fields")[len(extras.TAKEN) :]
    assert sorted(taken) == sorted(extras.TAKEN)
    assert sorted(refused) == sorted({*extras.USE_INSTEAD, *media.SINGULAR})


def test_each_key_of_metadata_is_documented_with_its_values() -> None:
    assert sorted(first_cells("metadata")) == sorted(metadata.KEYS)
    assert sorted(first_cells("output_config")) == sorted(metadata.OUTPUT_FIELDS)
    values = [*SCENE_TYPES, *metadata.INPUT_REGIONS, *metadata.SWITCH_VALUES]
    assert missing(values, section("metadata")) == []
    assert missing([*metadata.PERSON_GENERATIONS, *metadata.SWITCH_VALUES], section("output_config")) == []


BOUNDS = {
    "Fields": [f"{parsing.MAX_PROMPT:,} characters"],
    "Images and videos": [f"{media.MAX_URL:,} characters"],
    "Elements and shots": [
        f"1 to {shots.MAX_SHOTS} shots",
        f"{shots.MAX_SHOT_PROMPT} characters",
        f"at most {shots.REFERENCES}, beside a reference video at most {shots.REFERENCES_WITH_VIDEO};",
        f"at most {shots.ELEMENTS_WITH_FIRST_FRAME} elements",
    ],
}
"""The wording of limits under a heading."""


def test_limits_are_documented() -> None:
    for heading, documented in BOUNDS.items():
        words = " ".join(section(heading).split())
        assert [bound for bound in documented if bound not in words] == []


def test_fields_the_provider_lacks_are_documented() -> None:
    assert missing([f"metadata.{name}" for name in mps.NO_FIELD], section("What is not forwarded")) == []


def test_each_stage_is_documented_with_its_status() -> None:
    documented = {(named(cells[0])[0], named(cells[1])[0]) for cells in rows("Stages")}
    assert documented == {(STAGE[status], PUBLIC_STATUS[status]) for status in STAGE}


def test_each_failure_is_documented_in_the_words_of_the_portal() -> None:
    documented = {named(cells[0])[0]: cells[1:] for cells in table(FAILED)}
    assert [*documented] == [*FailureCode]
    assert documented.keys() == ADVICE.keys()
    again = {True: "now", False: "no"}
    for code, advice in ADVICE.items():
        do = str(advice.do).removesuffix(" Nothing was charged.")
        told = [str(advice.happened), WHO[advice.whose], do, "never", again[advice.try_again]]
        assert documented[code] == told


def test_exactly_the_error_codes_are_documented() -> None:
    documented = [named(cells[0])[0] for cells in table(REFUSED)]
    assert sorted(documented) == sorted(get_args(ErrorCode))


def test_each_error_code_is_used() -> None:
    """The type checker ensures the reverse: every used code is in `ErrorCode`."""
    others = "".join(path.read_text() for path in SOURCES if path.name != "error_codes.py")
    assert [code for code in get_args(ErrorCode) if f'"{code}"' not in others] == []


def test_codes_are_documented_with_their_statuses_and_types() -> None:
    documented = {named(cells[0])[0]: cells[1] for cells in table(REFUSED)}
    for refusal in REFUSALS.values():
        assert str(refusal.status) in documented[refusal.code].split(", "), refusal.code
    types = {refusal.type for refusal in REFUSALS.values()} | {*TYPES.values()}
    assert missing(types, REFUSED) == []


def test_whether_to_ask_again_is_what_the_headers_say() -> None:
    """A code whose responses differ tells each case."""
    documented = {named(cells[0])[0]: cells[-1] for cells in table(REFUSED)}
    assert {again for code, again in documented.items() if code != "internal_error"} == {"no", "now", "wait"}
    for refusal in REFUSALS.values():
        if refusal.headers == NO_RETRY and refusal.code != "internal_error":
            assert documented[refusal.code] == "no", refusal.code
        if "Retry-After" in dict(refusal.headers):
            assert "wait" in documented[refusal.code], refusal.code
