"""Each state of a task has its words and its look, for staff and for tenants."""

import re
from pathlib import Path

import pytest

from videos import labels
from videos.states import STAGE, Status
from videos.tasks import lifecycle
from videos.tasks.manual import ASKED
from videos.tasks.staff_actions import ACTIONS


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_words_and_a_look_for_both(status: Status) -> None:
    assert str(labels.status_label(status))
    assert str(labels.stage_label(status))
    assert labels.status_chip(status) in ("good", "bad", "warn", "busy", "")
    assert labels.stage_chip(status) in ("good", "bad", "warn", "busy", "")


def test_there_is_no_word_for_a_stage_that_is_none() -> None:
    assert set(labels.STAGES) == set(STAGE.values())


def test_each_verb_has_its_words() -> None:
    source = Path(lifecycle.__file__).read_text()
    verbs = set(re.findall(r'(?:_move|_close|_record)\(task, [^"]*?"(\w+)", ', source))
    assert len(verbs) > 10
    assert verbs | set(ACTIONS) | {ASKED, "removed"} <= set(labels.VERBS)


def test_a_chip_says_the_word() -> None:
    assert labels.chip_of("failed") == '<span class="chip bad">Failed</span>'
    assert labels.verb_label("danced") == "danced"
