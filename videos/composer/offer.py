"""The fields and choices of the form for a model, taken from the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos import catalogue
from videos.catalogue import ModelSpec
from videos.composer.answers import IMAGE_FIELDS, SHOT_FIELDS, Answers, filled, many, one
from videos.requests.media import MAX_VIDEOS
from videos.requests.metadata import INPUT_REGIONS, PERSON_GENERATIONS, SWITCH_VALUES, SWITCHES
from videos.requests.shots import MAX_SHOTS, REFERENCES, REFERENCES_WITH_VIDEO
from videos.requests.values import whole_number

Text = str | Promise
_FIRST_AND_LAST: tuple[Text, ...] = (_("First frame"), _("Last frame"))


@dataclass(frozen=True)
class Option:
    """One value of a choice, with its label."""

    value: str
    label: Text


@dataclass(frozen=True)
class Choice:
    """A field with few values; if empty, the provider decides."""

    name: str
    label: Text
    options: Sequence[Option]


@dataclass(frozen=True)
class Slot:
    """A slot for one image, video or element id, with its content."""

    position: int
    label: Text
    value: str = ""
    subject: str = ""
    voice: str = ""


@dataclass(frozen=True)
class Shot:
    """One shot; `duration` is in seconds, as entered."""

    position: int
    prompt: str
    duration: str


_ON_OFF = tuple(Option(value, label) for value, label in zip(SWITCH_VALUES, (_("On"), _("Off")), strict=True))
SWITCH_LABELS: dict[str, Text] = {
    "AudioGeneration": _("Sound"),
    "OffPeak": _("Off-peak (slower, cheaper)"),
    "LogoAdd": _("Watermark"),
    "InputComplianceCheck": _("Check the input for compliance"),
    "OutputComplianceCheck": _("Check the result for compliance"),
    "EnhanceSwitch": _("Enhance the result"),
}
SCENE_LABEL: Text = _("Scene")
_SCENES: dict[str, Text] = {
    "motion_control": _("Motion control"),
    "template_effect": _("Template effect"),
    "land2port": _("Landscape to portrait"),
}
_REGIONS: dict[str, Text] = {"Oversea": _("Overseas"), "Mainland": _("Mainland China")}
_PERSONS: dict[str, Text] = {"AllowAdult": _("Adults allowed"), "Disallowed": _("No people")}


@dataclass(frozen=True)
class Offer:
    """The fields for one model, with the answers so far."""

    spec: ModelSpec
    answers: Answers

    @property
    def has_video(self) -> bool:
        return bool(filled(self.answers, "videos"))

    @property
    def seconds(self) -> Sequence[int]:
        """The lengths to choose from, in seconds."""
        return self.spec.seconds_for(with_video=self.has_video).allowed

    @property
    def seconds_chosen(self) -> str:
        """The chosen length in seconds; the shortest by default."""
        chosen = one(self.answers, "seconds")
        return chosen if whole_number(chosen) in self.seconds else str(self.seconds[0])

    @property
    def max_images(self) -> int:
        """How many images the model takes, given the other answers."""
        if not self.spec.elements_and_shots:
            return self.spec.max_images
        return REFERENCES_WITH_VIDEO if self.has_video else REFERENCES

    @property
    def images(self) -> Sequence[Slot]:
        """The image slots in use, or one empty slot."""
        rows = max(1, len(many(self.answers, "images")))
        return [self._image(position, rows) for position in range(rows)]

    @property
    def takes_more_images(self) -> bool:
        return len(self.images) < self.max_images

    @property
    def images_help(self) -> Text:
        frames, most = self.spec.frames, self.max_images
        if frames == 0:
            return _("Reference images: what the video should show.")
        if most == 1:
            return _("The first frame of the video.")
        if frames >= most:
            return _("One image is the first frame; a second one is the last frame.")
        if frames == 1:
            return _("One image is the first frame. Several images, or images with a video, are references.")
        return _(
            "One image is the first frame; two are the first and the last. More images, or images "
            "with a video, are references."
        )

    @property
    def videos(self) -> Sequence[Slot]:
        if not self.spec.elements_and_shots:
            return []
        values = [*many(self.answers, "videos"), ""]
        return [Slot(position, _("Reference video"), values[position]) for position in range(MAX_VIDEOS)]

    @property
    def ratios(self) -> Sequence[str]:
        """The aspect ratios to choose from."""
        hidden = self.spec.ratios.text_to_video_only and bool(filled(self.answers, "images"))
        return () if hidden else self.spec.ratios.allowed

    @property
    def elements(self) -> Sequence[Slot]:
        """The slots in use for element ids, or one empty slot."""
        if not self.spec.elements_and_shots:
            return []
        values = many(self.answers, "element_ids") or [""]
        return [Slot(position, _("Element ID"), value) for position, value in enumerate(values)]

    @property
    def takes_more_elements(self) -> bool:
        return len(self.elements) < REFERENCES

    @property
    def is_multi_shot(self) -> bool:
        return self.spec.elements_and_shots and bool(one(self.answers, "multi_shot"))

    @property
    def shots(self) -> Sequence[Shot]:
        """The shots filled in, or one as long as the video."""
        prompts, durations = (many(self.answers, name) for name in SHOT_FIELDS)
        if not prompts:
            return [Shot(0, "", self.seconds_chosen)]
        padded = [*durations, *[""] * len(prompts)]
        return [Shot(position, prompt, padded[position]) for position, prompt in enumerate(prompts)]

    @property
    def takes_more_shots(self) -> bool:
        return len(self.shots) < MAX_SHOTS

    @property
    def seconds_left(self) -> int:
        """Seconds of the video that no shot covers yet; negative if the shots are too long."""
        filled = [whole_number(shot.duration) or 0 for shot in self.shots]
        return (whole_number(self.seconds_chosen) or 0) - sum(filled)

    @property
    def choices(self) -> Sequence[Choice]:
        """Further choices for every model, or only for this family."""
        scene = self.spec.scene_type
        return [
            *self._switches(own=True),
            *([Choice("scene_type", SCENE_LABEL, [Option(scene, _SCENES[scene])])] if scene else []),
            Choice("enhance_prompt", _("Let the provider improve the prompt"), _ON_OFF),
        ]

    @property
    def further_choices(self) -> Sequence[Choice]:
        """Rarely needed choices, which may not be forwarded."""
        regions = [Option(value, _REGIONS[value]) for value in INPUT_REGIONS]
        persons = [Option(value, _PERSONS[value]) for value in PERSON_GENERATIONS]
        return [
            Choice("input_region", _("Region of the input"), regions),
            Choice("PersonGeneration", _("People in video"), persons),
            *self._switches(own=False),
        ]

    @property
    def chosen(self) -> dict[str, str]:
        """The last value of each field."""
        return {name: values[-1] for name, values in self.answers.items() if values}

    @property
    def seconds_over(self) -> int:
        """Seconds by which the shots are too long."""
        return -self.seconds_left

    @property
    def has_further(self) -> bool:
        """Whether a rarely needed field is filled in."""
        seldom = (*(choice.name for choice in self.further_choices), "additional", "ext_info")
        return any(self.chosen.get(name) for name in seldom)

    @property
    def drawn(self) -> Sequence[str]:
        """The names of all fields and slots on the page, as problems use them."""
        once = ["model", "seconds", "prompt", "negative_prompt", "max_cost", "additional", "images", "videos"]
        once += ["aspect_ratio"] if self.ratios else []
        once += ["ext_info"] if self.chosen.get("ext_info") else []
        once += [choice.name for choice in (*self.choices, *self.further_choices)]
        columns = ["images", *(("subjects", "voices") if self.spec.subjects else ())]
        slots = [f"{name}-{slot.position}" for slot in self.images for name in columns if self.max_images]
        return [*once, *columns[1:], *slots, *self._advanced_names()]

    def _advanced_names(self) -> list[str]:
        if not self.spec.elements_and_shots:
            return []
        shots = self.shots if self.is_multi_shot else ()
        of_shots = [f"{name}-{shot.position}" for shot in shots for name in SHOT_FIELDS]
        names = ["element_ids", *(["shots"] if self.is_multi_shot else [])]
        return [*names, *(f"videos-{slot.position}" for slot in self.videos), *of_shots]

    def _switches(self, *, own: bool) -> list[Choice]:
        """The sound switch and the family's own ones, or the other switches."""
        main = {"AudioGeneration", *self.spec.own_switches}
        shared = set(SWITCHES) - set(catalogue.SWITCH_OWNERS) - main
        wanted = main if own else shared
        return [Choice(name, SWITCH_LABELS[name], _ON_OFF) for name in SWITCHES if name in wanted]

    def _image(self, position: int, rows: int) -> Slot:
        columns = ([*many(self.answers, name), *[""] * rows] for name in IMAGE_FIELDS)
        return Slot(position, self._image_label(position, rows), *(column[position] for column in columns))

    def _image_label(self, position: int, rows: int) -> Text:
        if not self.has_video and rows <= self.spec.frames:
            return _FIRST_AND_LAST[position]
        return _("Reference %(number)s") % {"number": position + 1}
