"""Each state of a task has a label and a colour for staff and tenants."""

import pytest

from videos import labels
from videos.states import STAGE, Status, Verb
from videos.tasks.staff_actions import ACTIONS


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_a_label_and_a_colour_for_staff_and_tenants(status: Status) -> None:
    assert str(labels.status_label(status))
    assert str(labels.stage_badge(status, was_accepted=False).label)
    assert labels.status_chip(status) in ("good", "bad", "warn", "busy", "")
    assert labels.stage_badge(status, was_accepted=False).chip in ("good", "bad", "warn", "busy", "")


def test_the_labels_are_those_of_the_existing_stages() -> None:
    assert set(labels.STAGES) == set(STAGE.values())


def test_each_verb_has_a_label() -> None:
    assert set(labels.VERBS) == set(Verb)
    assert set(ACTIONS) < set(Verb)


def test_a_chip_shows_the_label() -> None:
    assert labels.chip_of("failed") == '<span class="chip bad">Failed</span>'
    assert labels.verb_label("danced") == "danced"
