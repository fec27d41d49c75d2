"""`docs/requests.md` documents exactly the existing fields, values, stages and codes."""

import re
from collections.abc import Iterable
from typing import get_args

from config.error_codes import ErrorCode
from tests.contract import model_tables
from tests.house.test_architecture import SOURCES
from tests.support.refusals import TYPES
from videos.api.errors import REFUSALS
from videos.catalogue import MODELS, SCENE_TYPES
from videos.requests import extras, media, metadata, parsing, shots
from videos.states import PUBLIC_STATUS, STAGE
from videos.tasks.failures import ADVICE, FailureCode
from videos.upstream.tencent import mps

PAGE = model_tables.DOCUMENT.read_text()


def section(heading: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    lines = [line for line in section(heading).splitlines() if line.startswith("| `")]
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
    assert model_tables.written(PAGE) == PAGE, "make docs writes them anew"
    assert missing([spec.name for spec in MODELS], PAGE) == []


def test_the_tables_show_all_differences_between_models() -> None:
    """Otherwise two rows would look the same."""
    facts = [line.split(" | ", 1)[1] for line in section("Kling").splitlines() if line.startswith("| `")]
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
    documented = {named(cells[0])[0]: cells[1:] for cells in rows("Failures")}
    assert documented.keys() == {*FailureCode} == ADVICE.keys()
    for code, advice in ADVICE.items():
        do = str(advice.do).removesuffix(" Nothing was charged.")
        assert documented[code] == [str(advice.happened), do]


def test_exactly_the_error_codes_are_documented() -> None:
    assert sorted(first_cells("Errors")) == sorted(get_args(ErrorCode))


def test_each_error_code_is_used() -> None:
    """The type checker ensures the reverse: every used code is in `ErrorCode`."""
    others = "".join(path.read_text() for path in SOURCES if path.name != "error_codes.py")
    assert [code for code in get_args(ErrorCode) if f'"{code}"' not in others] == []


def test_codes_are_documented_with_their_statuses_and_types() -> None:
    documented = {named(cells[0])[0]: cells[1] for cells in rows("Errors")}
    for refusal in REFUSALS.values():
        assert str(refusal.status) in documented[refusal.code].split(", "), refusal.code
    types = {refusal.type for refusal in REFUSALS.values()} | {*TYPES.values()}
    assert missing(types, section("Errors")) == []
