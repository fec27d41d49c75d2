"""Fits what was filled in to another model, and says what was removed or changed for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from videos import catalogue
from videos.catalogue import ModelSpec
from videos.composer.answers import Answers
from videos.composer.offer import SCENE_LABEL, SWITCH_LABELS, Offer
from videos.composer.picker import in_seconds
from videos.requests.values import is_blank, whole_number

Change = tuple[str, Mapping[str, list[str]]]
"""A sentence, empty if nothing is lost, and the answers that replace those before."""
_OF_SOME_MODELS: dict[str, str | Promise] = {
    **{name: SWITCH_LABELS[name] for name in catalogue.SWITCH_OWNERS},
    "scene_type": SCENE_LABEL,
}
"""Settings that not every model has, with their labels."""


def fitted(answers: Answers, spec: ModelSpec) -> tuple[dict[str, list[str]], Sequence[str]]:
    """The answers as the model takes them, and a sentence for each change."""
    fitting = {name: [*values] for name, values in answers.items()}
    sentences = []
    for step in _STEPS:
        for sentence, change in step(Offer(spec, fitting)):
            fitting |= change
            sentences += [sentence] if sentence else []
    return fitting, sentences


def _shots(offer: Offer) -> Iterator[Change]:
    prompts = [prompt for prompt in offer.answers.get("shot_prompts", ()) if not is_blank(prompt)]
    if offer.spec.elements_and_shots or not prompts:
        return
    removed: dict[str, list[str]] = {"multi_shot": [], "shot_prompts": [], "shot_durations": []}
    if is_blank(offer.chosen.get("prompt", "")):
        removed["prompt"] = [" ".join(prompts)]
        yield _("The shots became one prompt: this model makes one shot."), removed
    else:
        yield _("Shots removed: this model makes one shot."), removed


def _elements(offer: Offer) -> Iterator[Change]:
    if not offer.spec.elements_and_shots and any(offer.answers.get("element_ids", ())):
        yield _("Elements removed: this model takes none."), {"element_ids": []}


def _videos(offer: Offer) -> Iterator[Change]:
    if not offer.spec.elements_and_shots and any(offer.answers.get("videos", ())):
        yield _("Reference video removed: this model takes none."), {"videos": []}


def _images(offer: Offer) -> Iterator[Change]:
    filled = [slot for slot in offer.images if slot.value]
    kept = filled[: offer.max_images]
    if len(offer.images) <= max(offer.max_images, 1) and len(kept) == len(filled):
        return
    if len(kept) == len(filled):
        sentence = ""
    elif kept:
        sentence = _("Images removed: this model takes %(most)s at most.") % {"most": offer.max_images}
    else:
        sentence = _("Images removed: this model takes none.")
    columns = {"images": "value", "subjects": "subject", "voices": "voice"}
    yield sentence, {name: [getattr(slot, column) for slot in kept] for name, column in columns.items()}


def _subjects(offer: Offer) -> Iterator[Change]:
    names = [*offer.answers.get("subjects", ()), *offer.answers.get("voices", ())]
    if not offer.spec.subjects and any(names):
        yield _("Subjects and voices removed: this model takes none."), {"subjects": [], "voices": []}


def _seconds(offer: Offer) -> Iterator[Change]:
    before = whole_number(offer.chosen.get("seconds", ""))
    if before is None or before in offer.seconds:
        return
    after = min(offer.seconds, key=lambda seconds: abs(seconds - before))
    values = {"before": before, "after": after, "lengths": in_seconds(offer.seconds)}
    if offer.has_video and before in offer.spec.seconds:
        sentence = _(
            "Length changed from %(before)s s to %(after)s s: with a reference video, this model "
            "makes %(lengths)s."
        )
    else:
        sentence = _("Length changed from %(before)s s to %(after)s s: this model makes %(lengths)s.")
    yield sentence % values, {"seconds": [str(after)]}


def _ratio(offer: Offer) -> Iterator[Change]:
    ratio = offer.chosen.get("aspect_ratio", "")
    if not ratio or ratio in offer.ratios:
        return
    if offer.ratios:
        sentence = _("Aspect ratio %(ratio)s removed: this model makes %(ratios)s.")
    elif offer.spec.ratios.allowed:
        sentence = _("Aspect ratio %(ratio)s removed: the image decides it.")
    else:
        sentence = _("Aspect ratio %(ratio)s removed: this model offers no choice of it.")
    yield sentence % {"ratio": ratio, "ratios": ", ".join(offer.ratios)}, {"aspect_ratio": []}


def _settings(offer: Offer) -> Iterator[Change]:
    offered = {choice.name: [option.value for option in choice.options] for choice in offer.choices}
    for name, label in _OF_SOME_MODELS.items():
        value = offer.chosen.get(name, "")
        if value and value not in offered.get(name, ()):
            yield _("%(setting)s removed: this model does not have it.") % {"setting": label}, {name: []}


_STEPS: tuple[Callable[[Offer], Iterator[Change]], ...] = (
    *(_shots, _elements, _videos, _images, _subjects),
    # What depends on the images and videos comes behind them.
    *(_seconds, _ratio, _settings),
)
