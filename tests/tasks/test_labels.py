"""Each state of a task has its words and its look, for staff and for tenants."""

import pytest

from videos import labels
from videos.states import STAGE, Status, Verb
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
    assert set(labels.VERBS) == set(Verb)
    assert set(ACTIONS) < set(Verb)


def test_a_chip_says_the_word() -> None:
    assert labels.chip_of("failed") == '<span class="chip bad">Failed</span>'
    assert labels.verb_label("danced") == "danced"
