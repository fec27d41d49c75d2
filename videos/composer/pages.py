"""What a page with the form does: render it, preview the request, create the video."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import APIKey, Tenant
from config.web.links import absolute
from videos import catalogue
from videos.catalogue import ModelSpec
from videos.composer import pictures
from videos.composer.body import answers_of
from videos.composer.form import VideoForm, answers_from, caller_at, form_id_from
from videos.composer.offer import Offer
from videos.composer.places import NON_FIELD, FieldPlace
from videos.composer.preview import Preview, curl
from videos.models import Task
from videos.routing import availability
from videos.routing.availability import Service
from videos.routing.offers import Offers
from videos.tasks.manual import NotCreated, Requester, make_checked

PARTS = ("fields", "preview")
"""The parts that can be rendered alone, by template name."""
ADD, REMOVE = "add", "remove"
"""The buttons that add or remove a slot; their values are `images`, or `images:2`."""
_POSITION = re.compile("[0-9]{1,2}")
_CONTENT = ("prompt", "images", "videos", "shot_prompts")
"""The fields that make a form count as filled in."""
_SLOTS = {
    "images": ("images", "subjects", "voices"),
    "elements": ("elements",),
    "shots": ("shot_prompts", "shot_durations"),
}
"""Groups of fields whose values belong together by position."""


_MARKS = {Service.NONE: gettext_lazy("not available now"), Service.PAUSED: gettext_lazy("paused")}
"""What is said of a model in the list, if its tasks are not taken."""


class Notice(NamedTuple):
    """A sentence about the chosen model, and its look, a CSS class."""

    look: str
    text: str


@dataclass(frozen=True)
class Rendering:
    """How to show the form again: which part of it (empty: all), and whether with its errors."""

    part: str = ""
    is_judged: bool = True


@dataclass(frozen=True)
class Composer:
    """A person's form as filled in so far, under the tenant's key that stands for people."""

    answers: dict[str, list[str]]
    form_id: str
    key: APIKey | None
    """None until a tenant is chosen."""
    now: datetime
    picture_problem: str = ""
    """What is wrong with the picture that was sent."""
    shown_to: Tenant | None = None
    """The tenant that a new form is shown to, which needs no key."""

    @classmethod
    def sent(cls, request: HttpRequest, key: APIKey | None, now: datetime) -> "Composer":
        """From a submitted form; adds or removes a slot if such a button was pressed; stores a picture."""
        data = request.POST
        answers = answers_from(data)
        _resize(answers, data.get(ADD, ""), data.get(REMOVE, ""))
        problem = pictures.take(request.FILES, answers, key, now)
        return cls(answers, form_id_from(data), key, now, problem)

    @classmethod
    def fresh(cls, body: Mapping[str, Any], tenant: Tenant | None, now: datetime) -> "Composer":
        """A new form for the tenant, filled in from a body; showing it needs no key."""
        return cls(answers_of(body), form_id_from(QueryDict()), None, now, shown_to=tenant)

    @property
    def tenant(self) -> Tenant | None:
        """The tenant whose models and accounts the form is about; None: the platform's."""
        return self.key.tenant if self.key else self.shown_to

    @cached_property
    def form(self) -> VideoForm:
        key = self.key
        caller = None if key is None else caller_at(key, self.form_id, self.answers, self.now)
        return VideoForm(self.answers, caller)

    def submitted(self, request: HttpRequest, asked: Requester) -> Task | Rendering:
        """The new task, or how to show the form again, after adding messages that say why."""
        part = request.GET.get("part", "")
        if part in PARTS:
            is_alone = bool(request.headers.get("hx-request"))
            return Rendering(part if is_alone else "", is_judged=part == "preview")
        try:
            return self._create(asked)
        except NotCreated as refusal:
            for message in refusal.messages:
                messages.error(request, message)
            return Rendering()

    def _create(self, asked: Requester) -> Task:
        """Raises `NotCreated`, without messages if the form itself shows the errors."""
        checked = self.form.checked if self.form.is_valid() else None
        if checked is None or self.picture_problem:
            raise NotCreated
        return make_checked(checked, asked)

    def context(self, request: HttpRequest, *, is_judged: bool) -> dict[str, Any]:
        """The template context; `is_judged` includes the form's errors."""
        form, offered = self.form, Offers.current().models(self.tenant)
        preview, offer = Preview(form), Offer(_spec(self.answers, offered), self.answers)
        untaken = availability.untaken_models(self.tenant, self.now)
        if is_judged:
            form.is_valid()
        return {
            "form_id": self.form_id,
            "is_filled": any(self.answers.get(name) for name in _CONTENT),
            "models": _by_family(offered),
            "offer": offer,
            "untaken": {model: _MARKS[service] for model, service in untaken.items()},
            "untaken_notice": _notice(untaken.get(offer.spec.name)),
            "problems": (_by_field(form) if is_judged else {}) | self._of_picture(),
            "takes_pictures": settings.UPLOADS,
            "elsewhere": form.problems.get(FieldPlace(NON_FIELD), ()) if is_judged else (),
            "preview": preview,
            "is_judged": is_judged,
            "may_see_limits": True,
            "curl": curl(form.body, base_address(request)),
        }

    def _of_picture(self) -> dict[str, list[str]]:
        return {pictures.PICTURE: [self.picture_problem]} if self.picture_problem else {}


def base_address(request: HttpRequest) -> str:
    """The base URL of the API."""
    return absolute("", request)


def _notice(service: Service | None) -> Notice | None:
    """What is said of a model whose tasks are not taken; None if they are."""
    if service is None:
        return None
    if service is Service.PAUSED:
        return Notice("info", _("Videos of this model wait a moment now: the provider takes no new ones."))
    if settings.WHEN_NO_UPSTREAM == "refuse":
        return Notice("bad", _("Videos of this model cannot be created now: nobody generates them."))
    return Notice("warn", _("Videos of this model wait for now: nobody generates them at the moment."))


def _spec(answers: Mapping[str, list[str]], offered: list[ModelSpec]) -> ModelSpec:
    """The chosen model; by default the first on offer, or if none is on offer, of all models."""
    offered = offered or list(catalogue.MODELS)
    name = next(reversed(answers.get("model", [])), "").lower()
    return next((spec for spec in offered if spec.name.lower() == name), offered[0])


def _by_family(specs: list[ModelSpec]) -> dict[str, list[ModelSpec]]:
    families: dict[str, list[ModelSpec]] = {}
    for spec in specs:
        families.setdefault(spec.family, []).append(spec)
    return families


def _by_field(form: VideoForm) -> dict[str, list[str]]:
    """The errors by field name, followed by `-` and the slot if they concern one."""
    return {
        place.field if place.slot is None else f"{place.field}-{place.slot}": problems
        for place, problems in form.problems.items()
    }


def _resize(answers: dict[str, list[str]], added: str, removed: str) -> None:
    for name in _SLOTS.get(added, ()):
        answers[name] = [*answers.get(name, [""]), ""]
    name, _separator, slot = removed.partition(":")
    for field in _SLOTS.get(name, ()) if _POSITION.fullmatch(slot) else ():
        values = answers.get(field, [])
        answers[field] = values[: int(slot)] + values[int(slot) + 1 :]
