"""What was filled in is fitted to another model, which is said; examples fill in the form."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import User
from tests.conftest import Caller
from tests.support.people import Browser, text
from tests.support.rows import each
from videos import catalogue
from videos.capabilities import modes_of, sample
from videos.catalogue import ModelSpec
from videos.composer.body import answers_of, body_of
from videos.composer.examples import EXAMPLES, answers_of_example, offered_examples
from videos.composer.fitting import fitted
from videos.composer.places import place_of
from videos.models import Task, UpstreamAccount
from videos.requests import InvalidRequestError, parse

SOURCES = {(spec.family, mode.name): (spec, mode) for spec in catalogue.MODELS for mode in modes_of(spec)}
"""A way of asking for a video, by family."""
SHOTS = {"multi_shot": ["true"], "shot_prompts": ["a", "b"], "shot_durations": ["2", "3"]}
MANY = [f"https://x.example/{number}.png" for number in range(3)]
_REMOVING = re.compile(r'<button class="button remove"[^>]*aria-label="([^"]+)">(.*?)\s*</button>', re.DOTALL)


@each("spec", catalogue.MODELS)
def test_what_any_model_takes_is_taken_by_any_other_once_it_is_fitted(spec: ModelSpec) -> None:
    for before, mode in SOURCES.values():
        answers = {**answers_of(sample(before, mode)), "model": [spec.name]}
        fitting, sentences = fitted(answers, spec)
        assert before != spec or not sentences
        assert fitted(fitting, spec) == (fitting, [])
        # Nobody but the person knows the subjects of Vidu q2.
        assert _problem_fields(fitting) <= {"subjects"}


def _problem_fields(answers: dict[str, list[str]]) -> set[str]:
    try:
        parse(body_of(answers))
    except InvalidRequestError as error:
        return {place_of(violation, answers).field for violation in error.violations}
    return set()


@pytest.mark.parametrize(
    ("model", "answers", "sentence", "left"),
    [
        (
            "Kling-2.5-720p",
            {"seconds": ["8"]},
            "Length changed from 8 s to 10 s: this model makes 5 or 10 s.",
            {"seconds": ["10"]},
        ),
        (
            "Kling-3.0-omni-720p",
            {"seconds": ["15"], "videos": ["https://x.example/a.mp4"]},
            "Length changed from 15 s to 10 s: with a reference video, this model makes 3-10 s.",
            {"seconds": ["10"]},
        ),
        (
            "GV-3.1-720p",
            {"aspect_ratio": ["1:1"]},
            "Aspect ratio 1:1 removed: this model makes 16:9, 9:16.",
            {"aspect_ratio": []},
        ),
        (
            "Hailuo-02-768p",
            {"aspect_ratio": ["1:1"]},
            "Aspect ratio 1:1 removed: this model offers no choice of it.",
            {},
        ),
        (
            "OS-2.0-720p",
            {"aspect_ratio": ["16:9"], "images": MANY[:1]},
            "Aspect ratio 16:9 removed: the image decides it.",
            {"images": MANY[:1]},
        ),
        (
            "Kling-2.5-1080p",
            {"images": ["", *MANY]},
            "Images removed: this model takes 2 at most.",
            {"images": MANY[:2]},
        ),
        ("Hunyuan-1.5-720p", {"images": MANY}, "Images removed: this model takes none.", {"images": []}),
        ("Kling-2.5-720p", {"images": ["", "", ""]}, "", {"images": []}),
        (
            "GV-3.1-720p",
            {"OffPeak": ["Enabled"]},
            "Off-peak (slower, cheaper) removed: this model",
            {"OffPeak": []},
        ),
        ("Vidu-q3-720p", {"scene_type": ["motion_control"]}, "Scene removed: this model", {"scene_type": []}),
        (
            "GV-3.1-720p",
            SHOTS,
            "The shots became one prompt: this model makes one shot.",
            {"prompt": ["a b"], "multi_shot": []},
        ),
        (
            "GV-3.1-720p",
            {**SHOTS, "prompt": ["x"]},
            "Shots removed: this model makes one shot.",
            {"prompt": ["x"]},
        ),
        (
            "GV-3.1-720p",
            {"element_ids": ["1"]},
            "Elements removed: this model takes none.",
            {"element_ids": []},
        ),
        ("GV-3.1-720p", {"videos": ["https://x.example/a.mp4"]}, "Reference video removed", {"videos": []}),
        ("Vidu-q3-720p", {"subjects": ["a"], "voices": ["b"]}, "Subjects and voices removed", {"voices": []}),
        ("Kling-3.0-720p", {**SHOTS, "seconds": ["5"], "images": MANY}, "", SHOTS),
    ],
)
def test_what_is_removed_or_changed_is_said(
    model: str, answers: dict[str, list[str]], sentence: str, left: dict[str, list[str]]
) -> None:
    spec = catalogue.find(model)
    assert spec is not None
    fitting, sentences = fitted(answers, spec)
    assert len(sentences) == bool(sentence)
    assert "".join(sentences).startswith(sentence)
    assert {name: fitting[name] for name in left} == left


def test_the_page_says_what_changed_when_another_model_is_chosen(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    sent: dict[str, Any] = {"model": "Kling-3.0-720p", "seconds": "8", "prompt": "a cat", "form_id": uuid4()}
    for part in ("?part=fields&pick", ""):  # without script, the form may be sent at once
        shown = text(alice.client.post(f"{page}{part}", {**sent, "family": "Kling", "version": "2.5"}))
        assert "Length changed from 8 s to 10 s" in shown
        assert '<option value="10" selected>' in shown
    assert 'id="fitting"' not in text(alice.client.post(f"{page}?part=fields", sent))


@each("spec", catalogue.MODELS)
def test_each_example_suits_whatever_is_on_offer(spec: ModelSpec) -> None:
    for example in offered_examples([spec]):
        answers = answers_of_example(example.name, [spec])
        assert answers is not None
        parse(body_of(answers))
    assert len(offered_examples([spec])) == len(EXAMPLES) - (not spec.elements_and_shots)


def test_each_example_is_made_by_its_best_model_as_it_stands() -> None:
    for example in EXAMPLES:
        answers = answers_of_example(example.name, catalogue.MODELS)
        assert answers is not None
        assert answers["model"] == [example.models[0]]
        assert answers["seconds"] == [str(example.seconds)]
        assert {name: answers[name] for name in example.settings} == {
            name: [value] for name, value in example.settings.items()
        }
        assert {*example.models} <= {spec.name for spec in catalogue.MODELS}


def test_an_example_fills_in_an_empty_form(alice: Browser, page: str, account: UpstreamAccount) -> None:
    fresh = alice.see(page)
    assert fresh.count('name="example"') == len(EXAMPLES)
    sent = {"model": "OS-2.0-720p", "family": "OS", "version": "2.0", "example": "morning"}
    for headers in ({"hx-request": "true"}, {}):
        shown = text(alice.client.post(f"{page}?part=fields", sent, headers=headers))
        assert 'id="pick-model-Kling-3.0-720p" checked' in shown
        assert "A cat wakes up" in shown
        assert "The shots fill the video exactly." in shown
        assert 'name="example"' not in shown
    alice.client.cookies["django_language"] = "zh-hans"
    sent["example"] = "noodles"
    assert "夜市" in text(alice.client.post(f"{page}?part=fields", sent))
    sent["example"] = "none of that name"
    assert 'id="pick-model-OS-2.0-720p" checked' in text(alice.client.post(f"{page}?part=fields", sent))


def test_the_console_has_examples_too(owner: Caller, account: UpstreamAccount) -> None:
    sophie = Browser(User.objects.create_superuser("sophie"))
    assert 'value="violin"' in sophie.see(reverse("admin:videos_task_add"))


def test_buttons_that_remove_have_a_name_and_an_icon(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    rows: dict[str, Any] = {**SHOTS, "images": ["", ""], "element_ids": ["1", "2"]}
    sent = {"model": "Kling-3.0-720p", "form_id": str(uuid4()), **rows}
    shown = text(alice.client.post(f"{page}?part=fields", sent))
    buttons = _REMOVING.findall(shown)
    names = ["First frame", "Last frame", "shot 1", "shot 2", "element 1", "element 2"]
    assert [name for name, _ in buttons] == [f"Remove {name}" for name in names]
    assert all(drawn.startswith("<svg") and drawn.endswith('#remove"/></svg>') for _, drawn in buttons)


def test_a_rerun_says_that_its_model_is_not_offered_any_more_and_keeps_the_most_it_may_cost(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    answers = {"model": "Vidu-q3-turbo-1080p", "seconds": "14", "prompt": "the same", "max_cost": "7.50"}
    alice.client.post(page, answers)
    again = f"{page}?from={Task.objects.get().public_id}"
    shown = alice.see(again)
    assert "is not offered" not in shown
    assert 'value="7.50"' in shown
    account.disabled_models = ["Vidu-q3-turbo-1080p"]
    account.save(update_fields=["disabled_models"])
    staff = Browser(User.objects.create_superuser("sophie"))
    for shown in (alice.see(again), staff.see(f"{reverse('admin:videos_task_add')}{again[len(page) :]}")):
        assert "Vidu-q3-turbo-1080p is not offered any more: Kling-3.0-720p was chosen instead." in shown
        assert "the same" in shown
        assert 'value="7.50"' in shown
        assert "Vidu-q3-turbo-1080p" not in shown.replace("Vidu-q3-turbo-1080p is not", "")
