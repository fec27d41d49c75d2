"""What a page with the form does, wherever it stands: draw it, tell what would come of it, make the video."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from accounts.models import APIKey, User
from accounts.money import shown
from videos import admission, catalogue, creation, lifecycle, ordering
from videos.admission import Asker
from videos.catalogue import ModelSpec
from videos.composer.body import answers_of
from videos.composer.form import VideoForm, answers_from, asker_for, form_id_from
from videos.composer.offer import Offer
from videos.composer.places import EVERYWHERE, Place
from videos.composer.preview import Preview, curl
from videos.errors import IdempotencyKeyReused, KeyRefused, NotAdmitted, NoUpstreamAccount
from videos.models import Task
from videos.models.task import parse_public_id
from videos.offers import Offers

ADD, REMOVE = "add", "remove"
"""What the buttons send that add a slot, or remove one: `images`, or `images:2`."""
_SLOTS = {
    "images": ("images", "subjects", "voices"),
    "elements": ("elements",),
    "shots": ("shot_prompts", "shot_durations"),
}
"""The fields whose values stand side by side."""


@dataclass(frozen=True)
class Composer:
    """The form as one person has filled it in so far, under the key that stands for people of the tenant."""

    answers: dict[str, list[str]]
    form_id: str
    key: APIKey
    now: datetime

    @classmethod
    def sent(cls, data: QueryDict, key: APIKey, now: datetime) -> "Composer":
        """From what a browser sent, slots added or removed as its button says."""
        answers = answers_from(data)
        _resize(answers, data.get(ADD, ""), data.get(REMOVE, ""))
        return cls(answers, form_id_from(data), key, now)

    @classmethod
    def fresh(cls, body: Mapping[str, Any], key: APIKey, now: datetime) -> "Composer":
        """A new form, filled in as a body says."""
        return cls(answers_of(body), form_id_from(QueryDict()), key, now)

    @property
    def asker(self) -> Asker:
        """The person, as admission knows whoever asks."""
        return asker_for(self.key, self.form_id, self.answers, self.now)

    def form(self) -> VideoForm:
        """The form, to be judged."""
        return VideoForm(self.answers, self.asker)

    def context(self, request: HttpRequest, form: VideoForm, *, is_judged: bool) -> dict[str, Any]:
        """What the templates draw; `is_judged` shows what is wrong, too."""
        spec = _spec(self.answers)
        preview = Preview(form)
        if is_judged:
            form.is_valid()
        return {
            "form_id": self.form_id,
            "models": _by_family(Offers.current().models()),
            "offer": Offer(spec, self.answers),
            "problems": _by_field(form) if is_judged else {},
            "elsewhere": form.problems.get(Place(EVERYWHERE), ()) if is_judged else (),
            "preview": preview,
            "is_judged": is_judged,
            "curl": curl(form.body, base_address(request)),
        }


@dataclass(frozen=True)
class Refusal:
    """Why no video was made, though the request keeps every rule."""

    messages: tuple[str, ...]


def make(form: VideoForm, person: User, place: str) -> str | Refusal:
    """Make the video of a valid form, once however often it is sent; returns its public id, or why not.

    The event that tells who asked is written with the task; `place` says at which form.
    """
    try:
        with transaction.atomic():
            return _make(form, person, place)
    except NotAdmitted as error:
        return Refusal(tuple(refusal.message for refusal in error.refusals))
    except NoUpstreamAccount as error:
        return Refusal((str(error),))
    except KeyRefused:
        return Refusal((_("The tenant is suspended: nothing can be made for it."),))
    except IdempotencyKeyReused:
        return Refusal(
            (_("This form was sent before, with other values. Open a new one for another video."),)
        )


def _make(form: VideoForm, person: User, place: str) -> str:
    asker, seen = form.asker, admission.look(form.asker)
    made = creation.answer_before(asker, seen, _id_alone) or creation.create(
        ordering.order(form.body, asker, seen), asker, seen, _id_alone
    )
    task_id = str(json.loads(made.body)["id"])
    if not made.is_replay:
        task = Task.objects.get(pk=parse_public_id(task_id) or "")
        lifecycle.note(task, "asked", asker.now, by=person.get_username(), at=place)
    return task_id


def base_address(request: HttpRequest) -> str:
    """Where programs reach us."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def price_of(task: Task) -> str:
    """What a task costs, with the currency."""
    return f"{shown(task.price)} {settings.CURRENCY}"


def _id_alone(task: Task, _place: object) -> str:
    return json.dumps({"id": task.public_id})


def _spec(answers: Mapping[str, list[str]]) -> ModelSpec:
    """The model that is chosen, the first on offer unless another one is."""
    offered = Offers.current().models() or list(catalogue.MODELS)
    name = next(reversed(answers.get("model", [])), "").lower()
    return next((spec for spec in offered if spec.name.lower() == name), offered[0])


def _by_family(specs: list[ModelSpec]) -> dict[str, list[ModelSpec]]:
    families: dict[str, list[ModelSpec]] = {}
    for spec in specs:
        families.setdefault(spec.family, []).append(spec)
    return families


def _by_field(form: VideoForm) -> dict[str, list[str]]:
    """By the name of the field, with the number of the slot behind it where it is about one."""
    return {
        place.field if place.slot is None else f"{place.field}-{place.slot}": messages
        for place, messages in form.problems.items()
    }


def _resize(answers: dict[str, list[str]], added: str, removed: str) -> None:
    for name in _SLOTS.get(added, ()):
        answers[name] = [*answers.get(name, [""]), ""]
    name, _separator, slot = removed.partition(":")
    for field in _SLOTS.get(name, ()) if slot.isdecimal() else ():
        values = answers.get(field, [])
        answers[field] = values[: int(slot)] + values[int(slot) + 1 :]
