"""What a page with the form does: render it, preview the request, create the video."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _

from accounts.models import APIKey, Tenant
from videos import catalogue
from videos.catalogue import ModelSpec
from videos.composer import picker, pictures
from videos.composer.answers import ELEMENT_FIELDS, IMAGE_FIELDS, SHOT_FIELDS, one
from videos.composer.body import answers_of
from videos.composer.examples import answers_of_example, offered_examples
from videos.composer.fitting import fitted
from videos.composer.form import VideoForm, answers_from, caller_at, form_id_from
from videos.composer.notices import MARKS, notice_of
from videos.composer.offer import Offer
from videos.composer.picker import FAMILY, VERSION, Picker
from videos.composer.places import is_begun
from videos.composer.preview import Preview
from videos.composer.repeated import task_of_the_form
from videos.errors import IdempotencyKeyReused
from videos.explanations import file_size
from videos.files import uses
from videos.files.recognition import MOST_IMAGE_BYTES
from videos.models import Task
from videos.pages.commands import curl
from videos.requests.parsing import MAX_PROMPT
from videos.routing import availability
from videos.routing.offers import Offers
from videos.tasks.manual import NotCreated, Requester, make_checked

PARTS = ("fields", "preview", "picture")
"""The parts that can be rendered alone, by template name."""
PICK = "pick"
"""The query parameter that keeps the picker open."""
ADD, REMOVE = "add", "remove"
"""The buttons that add or remove a slot; their values are `images`, or `images:2`."""
EXAMPLE = "example"
"""The buttons that fill in an example, by its name."""
MADE_COOKIE = "made_by_form"
"""Read by the script that keeps drafts: the id of the form that just made a task."""
_MINUTE = 60
TOUCHED, EVERYTHING = "touched", "*"
"""The hidden field that tells which inputs the person has touched, and its value for all of them."""
_POSITION = re.compile("[0-9]{1,2}")
_CONTENT = ("prompt", "images", "videos", "shot_prompts")
"""The fields that make a form count as filled in."""
_SLOTS = {"images": IMAGE_FIELDS, "elements": ELEMENT_FIELDS, "shots": SHOT_FIELDS}
"""Groups of fields whose values belong together by position."""


class Judged(Enum):
    """The fields at which the form shows what is wrong."""

    NONE = auto()
    BEGUN = auto()
    """Those that were touched or hold something: nobody is told of what they are about to fill in."""
    ALL = auto()


@dataclass(frozen=True)
class Rendering:
    """How to show the form again: which part of it (empty: all), and where with what is wrong."""

    part: str = ""
    judged: Judged = Judged.ALL


@dataclass(frozen=True)
class Composer:
    """A person's form as filled in so far, under the tenant's key that stands for people."""

    answers: dict[str, list[str]]
    form_id: str
    key: APIKey | None
    """None until a tenant is chosen."""
    now: datetime
    tenant: Tenant | None = None
    """Whose video it is; None until one is chosen."""
    picture_problem: str = ""
    """What is wrong with the picture that was sent."""
    is_repicked: bool = False
    """Whether the form was sent for another model than the one it was drawn for."""
    fitting: Sequence[str] = ()
    """What was changed in the answers for the model to take them."""
    touched: frozenset[str] = frozenset()
    """The names of the inputs that the person has changed or left; `EVERYTHING` once the form was sent."""
    tells_limits: bool = True
    """Whether the person may see the tenant's limits and balance."""

    @classmethod
    def sent(
        cls, request: HttpRequest, key: APIKey | None, now: datetime, *, tells_limits: bool = True
    ) -> "Composer":
        """From a submitted form; does what the button that was pressed says; stores pictures.

        If the fields are drawn anew, the answers are fitted to the model.
        """
        data, tenant = request.POST, key.tenant if key else None
        offered = _offered_to(tenant, Offers.current())
        answers = answers_from(data)
        is_repicked = _repick(answers, data, offered)
        _resize(answers, data.get(ADD, ""), data.get(REMOVE, ""))
        problem = pictures.take(request.FILES, answers, key, now, tells_limits=tells_limits)
        answers = answers_of_example(data.get(EXAMPLE, ""), offered) or answers
        fitting: Sequence[str] = ()
        if is_repicked or request.GET.get("part") == "fields":
            answers, fitting = _on_offer(answers, offered)
        return cls(
            answers,
            form_id_from(data),
            key,
            now,
            tenant,
            problem,
            is_repicked,
            fitting,
            touched=frozenset(data.get(TOUCHED, "").split(",")) - {""},
            tells_limits=tells_limits,
        )

    @classmethod
    def fresh(
        cls, body: Mapping[str, Any], tenant: Tenant | None, now: datetime, *, tells_limits: bool = True
    ) -> "Composer":
        """A new form, filled in from a body and fitted to the models on offer; showing it needs no key."""
        answers, fitting = _on_offer(answers_of(body), _offered_to(tenant, Offers.current()))
        form_id = form_id_from(QueryDict())
        return cls(answers, form_id, None, now, tenant, fitting=fitting, tells_limits=tells_limits)

    @cached_property
    def form(self) -> VideoForm:
        key = self.key
        caller = None if key is None else caller_at(key, self.form_id, self.answers, self.now)
        return VideoForm(self.answers, caller)

    @cached_property
    def _offers(self) -> Offers:
        return Offers.current()

    def submitted(self, request: HttpRequest, asked: Requester) -> Task | Rendering:
        """The new task, or how to show the form again, after adding messages that say why."""
        part = request.GET.get("part", "")
        if part in PARTS:
            is_alone = bool(request.headers.get("hx-request"))
            return self._redrawn(part) if is_alone else Rendering(judged=_judged_without_script(part))
        if self.is_repicked:  # without script: nobody has seen this model's settings and price yet
            messages.info(request, _("The model was changed. Check the form, then create the video."))
            return Rendering(judged=Judged.NONE)
        try:
            return self._create(asked)
        except NotCreated as refusal:
            self.form.report(refusal.violations)
            for message in () if refusal.violations else refusal.messages(tells_limits=self.tells_limits):
                messages.error(request, message)
            return Rendering()

    def _redrawn(self, part: str) -> Rendering:
        if part == "picture":
            return Rendering(part, Judged.NONE)
        return Rendering(part, Judged.ALL if EVERYTHING in self.touched else Judged.BEGUN)

    def _create(self, asked: Requester) -> Task:
        """Raises `NotCreated`, without messages if the form itself shows what is wrong."""
        checked = self.form.checked if self.form.is_valid() else None
        if checked is None or self.picture_problem:
            raise NotCreated
        try:
            return make_checked(checked, asked)
        except NotCreated as refusal:
            is_repeated = isinstance(refusal.error, IdempotencyKeyReused)
            if is_repeated and (made := task_of_the_form(checked)):
                return made
            raise

    def context(self, request: HttpRequest, judged: Judged) -> dict[str, Any]:
        """The template context."""
        form, offered = self.form, _offered_to(self.tenant, self._offers)
        spec = picker.named(one(self.answers, "model"), offered) or picker.default(offered)
        untaken = availability.untaken_models(self.tenant, self.now)
        marks = {model: MARKS[service] for model, service in untaken.items()}
        return {
            "form_id": self.form_id,
            "is_filled": any(self.answers.get(name) for name in _CONTENT),
            "picker": Picker(spec, offered, self._prices_of, marks, self._own(offered)),
            "is_picking": PICK in request.GET,
            "fitting": self.fitting,
            "examples": offered_examples(offered),
            "offer": Offer(spec, self.answers),
            "untaken_notice": notice_of(untaken.get(spec.name)),
            "problems": self._shown(judged) | self._of_picture(),
            "touched": EVERYTHING if judged is Judged.ALL else ",".join(sorted(self.touched)),
            "most": {"prompt": MAX_PROMPT, "picture": file_size(MOST_IMAGE_BYTES)},
            "takes_pictures": settings.UPLOADS,
            "picture_names": self._picture_names(),
            "pictures_at": f"{request.path}pictures/",
            "preview": Preview(form),
            "is_judged": judged is not Judged.NONE,
            "may_see_limits": self.tells_limits,
            "curl": curl(form.body, request),
        }

    def _prices_of(self, spec: ModelSpec) -> Sequence[Mapping[str, Any]]:
        if self.tenant is None:
            return self._offers.prices.default.of_model(spec.name, self.now)
        return self._offers.prices_for(self.tenant, spec, self.now)

    def _own(self, offered: Sequence[ModelSpec]) -> frozenset[str]:
        """The names of the models that the tenant's own account makes."""
        tenant, offers = self.tenant, self._offers
        if tenant is None:
            return frozenset()
        return frozenset(spec.name for spec in offered if offers.is_on_own_account(spec.name, tenant))

    def _picture_names(self) -> Mapping[str, str]:
        return uses.picture_names(self.tenant.pk, self.answers.get("images", ())) if self.tenant else {}

    def _shown(self, judged: Judged) -> dict[str, list[str]]:
        """What is wrong by field name, followed by `-` and the slot if it concerns one."""
        if judged is Judged.NONE or self.form.is_valid():
            return {}
        return {
            place.field if place.slot is None else f"{place.field}-{place.slot}": problems
            for place, problems in self.form.problems.items()
            if judged is Judged.ALL or is_begun(place, self.answers, self.touched)
        }

    def _of_picture(self) -> dict[str, list[str]]:
        return {pictures.PICTURE: [self.picture_problem]} if self.picture_problem else {}


def leads_to(page: str, composer: Composer) -> HttpResponse:
    """Leads to the new task's page, and tells the browser that it need not keep what was typed."""
    answer = HttpResponseRedirect(page)
    answer.set_cookie(
        MADE_COOKIE, composer.form_id, max_age=_MINUTE, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    return answer


def _judged_without_script(part: str) -> Judged:
    """The buttons of a page without script change the form, or check it."""
    return Judged.ALL if part == "preview" else Judged.NONE


def _offered_to(tenant: Tenant | None, offers: Offers) -> list[ModelSpec]:
    """The models to choose from; if none is on offer, all."""
    return offers.models(tenant) or list(catalogue.MODELS)


def _on_offer(
    answers: Mapping[str, list[str]], offered: Sequence[ModelSpec]
) -> tuple[dict[str, list[str]], Sequence[str]]:
    """The answers as their model takes them, or the default one if theirs is not on offer; what changed."""
    asked = one(answers, "model")
    if spec := picker.named(asked, offered):
        return fitted(answers, spec)
    spec = picker.default(offered)
    fitting, sentences = fitted({**answers, "model": [spec.name]}, spec)
    values = {"asked": asked, "chosen": spec.name}
    replaced = [_("%(asked)s is not offered any more: %(chosen)s was chosen instead.") % values]
    return fitting, [*(replaced if asked else []), *sentences]


def _repick(answers: dict[str, list[str]], data: QueryDict, offered: Sequence[ModelSpec]) -> bool:
    """Put the model that the picker's steps mean into the answers; returns whether it is another one."""
    name = one(answers, "model")
    spec = picker.picked(name, data.get(FAMILY, ""), data.get(VERSION, ""), offered)
    if spec is None or spec == picker.named(name, offered):
        return False
    answers["model"] = [spec.name]
    return True


def _resize(answers: dict[str, list[str]], added: str, removed: str) -> None:
    for name in _SLOTS.get(added, ()):
        answers[name] = [*answers.get(name, [""]), ""]
    name, _separator, slot = removed.partition(":")
    for field in _SLOTS.get(name, ()) if _POSITION.fullmatch(slot) else ():
        values = answers.get(field, [])
        answers[field] = values[: int(slot)] + values[int(slot) + 1 :]
