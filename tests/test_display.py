"""Each state of a task has its words and its look, for staff and for tenants."""

import re
from pathlib import Path

import pytest

from videos import display, lifecycle
from videos.decisions import ACTIONS
from videos.making import ASKED
from videos.states import STAGE, Status


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_words_and_a_look_for_both(status: Status) -> None:
    assert str(display.status_label(status))
    assert str(display.stage_label(status))
    assert display.status_chip(status) in ("good", "bad", "warn", "busy", "")
    assert display.stage_chip(status) in ("good", "bad", "warn", "busy", "")


def test_there_is_no_word_for_a_stage_that_is_none() -> None:
    assert set(display.STAGES) == set(STAGE.values())


def test_each_verb_has_its_words() -> None:
    source = Path(lifecycle.__file__).read_text()
    verbs = set(re.findall(r'(?:_move|_close|_record)\(task, [^"]*?"(\w+)", ', source))
    assert len(verbs) > 10
    assert verbs | set(ACTIONS) | {ASKED, "removed"} <= set(display.VERBS)


def test_a_chip_says_the_word() -> None:
    assert display.chip_of("failed") == '<span class="chip bad">Failed</span>'
    assert display.verb_label("danced") == "danced"
