"""Turns a body into a valid `VideoRequest`, or into a list of everything that is wrong with it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import Any

from videos import catalogue
from videos.catalogue import ModelSpec
from videos.requests import bounds, extras, media, metadata, shots
from videos.requests.draft import ALIASES, Draft, open_body
from videos.requests.files import FindFiles, Upload, any_files, replaced, replaced_in_json
from videos.requests.rules import Rule
from videos.requests.strict_json import dumps
from videos.requests.values import amount, is_empty, is_storable, json_object, on_off, storable, whole_number
from videos.requests.violations import MODEL_NOT_FOUND, InvalidRequestError, Violation

MAX_PROMPT = 2000
"""Characters."""
_SHOWN_NAME_LENGTH = 100
"""Characters of an unknown model's name that an error shows."""
_CANONICAL_KEYS = {alias: key for key, names in ALIASES.items() for alias in names}


@dataclass(frozen=True)
class VideoRequest:
    """A valid request in normalised spelling.

    `metadata` holds the allowed keys that have a value, in request order: aliases resolved, switches as
    `Enabled` or `Disabled`, `ext_info` an object whose `AdditionalParameters` is unchanged.
    """

    model: ModelSpec
    seconds: int
    prompt: str | None
    images: tuple[str, ...]
    videos: tuple[str, ...]
    metadata: Mapping[str, Any]
    paths: tuple[tuple[str, str], ...]
    """The dotted path of every other value as it was sent, and its canonical path, in request order.

    The canonical path is relative to metadata; it is empty for a field that is not part of the API, which no
    upstream supports.
    """
    shots: tuple[Mapping[str, Any], ...]
    """The shot list (items with `index`, `prompt`, `duration`); empty unless it replaces the prompt."""
    files: tuple[str, ...] = ()
    """The public ids of the uploaded files among the images, the videos and `AdditionalParameters`."""
    max_cost: Decimal | None = None
    """The most the video may cost, in the currency of the deployment; not sent to upstream."""

    @property
    def uses_references(self) -> bool:
        """Whether the images and videos are references, rather than first and last frame."""
        return bool(self.videos) or len(self.images) > self.model.frames

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files that came with the request and are not stored yet; each once."""
        found = (value for value in (*self.images, *self.videos) if isinstance(value, Upload))
        return tuple(dict.fromkeys(found))

    def with_files(self, ids: Mapping[str, str]) -> "VideoRequest":
        """The request with the ids of stored files in place of its uploads."""
        return replace(self.with_links(ids), files=tuple(dict.fromkeys((*self.files, *ids.values()))))

    def with_links(self, links: Mapping[str, str]) -> "VideoRequest":
        """The request with these links in place of the ids of its files."""
        ext_info = dict(self.metadata.get("ext_info", {}))
        parameters = ext_info.get("AdditionalParameters")
        if parameters is not None:
            swap = replaced_in_json if isinstance(parameters, str) else replaced
            ext_info["AdditionalParameters"] = swap(parameters, links)
        return replace(
            self,
            images=tuple(links.get(image, image) for image in self.images),
            videos=tuple(links.get(video, video) for video in self.videos),
            metadata={**self.metadata, "ext_info": ext_info} if ext_info else self.metadata,
        )

    def place_of(self, file_id: str) -> str:
        """The field that names a file."""
        for name, values in (("images", self.images), ("videos", self.videos)):
            if file_id in values:
                return f"{name}[{values.index(file_id)}]"
        return "metadata.ext_info.AdditionalParameters"

    def as_body(self) -> dict[str, Any]:
        """The normalised request as a body; posting it requests the same video."""
        body: dict[str, Any] = {"model": self.model.name, "seconds": str(self.seconds)}
        body |= {"prompt": self.prompt} if self.prompt is not None else {}
        body |= {"images": list(self.images)} if self.images else {}
        body |= {"videos": list(self.videos)} if self.videos else {}
        return body | ({"metadata": dict(self.metadata)} if self.metadata else {})

    def as_stored(self) -> dict[str, Any]:
        """`as_body` for a JSON column, which would not keep numbers such as `1.10` as written.

        If there are any, `AdditionalParameters` becomes the JSON text that is sent to upstream.
        """
        body, ext_info = self.as_body(), self.metadata.get("ext_info", {})
        parameters = ext_info.get("AdditionalParameters")
        if not isinstance(parameters, dict) or dumps(parameters) == json.dumps(
            parameters, ensure_ascii=False
        ):
            return body
        kept = {**ext_info, "AdditionalParameters": dumps(parameters)}
        return body | {"metadata": {**self.metadata, "ext_info": kept}}

    def meaning(self) -> dict[str, Any]:
        """What is requested and the most it may cost; equal for requests that differ only in spelling."""
        ext_info = dict(self.metadata.get("ext_info", {}))
        opened = json_object(ext_info.pop("AdditionalParameters", None))
        parameters = opened and _meaning_of_parameters(opened, has_shots=bool(self.shots))
        return {
            **self.as_body(),
            "metadata": {**self.metadata, "ext_info": ext_info},
            "AdditionalParameters": parameters or None,
            "shots": _with_numbers_as_text(list(self.shots)),
            "max_cost": None if self.max_cost is None else f"{self.max_cost.normalize():f}",
        }


def _meaning_of_parameters(given: Mapping[str, Any], *, has_shots: bool) -> dict[str, Any]:
    """Without empty values, and without the shot list if it is kept apart, in order."""
    kept = {name: _with_numbers_as_text(value) for name, value in given.items() if not is_empty(value)}
    if has_shots:
        del kept["multi_prompt"]
    is_multi_shot = on_off(kept.get("multi_shot"))
    if is_multi_shot is not None:
        kept["multi_shot"] = is_multi_shot
    return {name: value for name, value in kept.items() if value is not False}


def _with_numbers_as_text(value: Any) -> Any:
    """The value with whole numbers as strings, as forms send them."""
    if isinstance(value, dict):
        return {name: _with_numbers_as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_numbers_as_text(inner) for inner in value]
    number = None if isinstance(value, str) else whole_number(value)
    return value if number is None else str(number)


def parse(
    body: Mapping[str, Any],
    find_model: Callable[[str], ModelSpec | None] = catalogue.find,
    find_files: FindFiles | None = any_files,
) -> VideoRequest:
    """Check a body against the contract, sections 2 to 5; `find_model` looks up an available model.

    `find_files` looks up the files that the body names, at most once; without it no id of a file is taken.

    Raises `InvalidRequestError` with all violations, in the contract's order.
    """
    bounds.check(body)
    name = body.get("model")
    spec = find_model(name) if isinstance(name, str) else None
    draft = open_body(body, spec)
    if find_files is not None and (named := draft.file_ids):
        draft = replace(draft, files=find_files(named))
    violations = list(chain.from_iterable(rule(draft) for rule in _RULES))
    if violations or spec is None:
        raise InvalidRequestError(violations)
    return _request(draft, spec)


def _model(draft: Draft) -> Iterator[Violation]:
    if draft.spec is None:
        name = draft.body.get("model")
        if name is not None and not isinstance(name, str):
            yield Violation("model must be a string", "model", Rule.NOT_TEXT, code=MODEL_NOT_FOUND)
            return
        shown = (name or "")[:_SHOWN_NAME_LENGTH]
        rule = Rule.MODEL_UNKNOWN if name else Rule.MODEL_MISSING
        message = f"The model '{shown}' does not exist"
        yield Violation(message, "model", rule, {"model": shown}, code=MODEL_NOT_FOUND)


def _prompt(draft: Draft) -> Iterator[Violation]:
    prompt = draft.body.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        yield Violation("prompt must be a string", "prompt", Rule.NOT_TEXT)
    elif not draft.prompt_given and not _has_other_input(draft):
        message = "prompt is required when both images and videos are empty"
        yield Violation(message, "prompt", Rule.PROMPT_MISSING)
    elif len(prompt or "") > MAX_PROMPT:
        values = {"most": MAX_PROMPT, "length": len(prompt or "")}
        message = f"prompt must not exceed {MAX_PROMPT} characters"
        yield Violation(message, "prompt", Rule.PROMPT_TOO_LONG, values)
    if not is_storable(prompt):
        yield Violation("prompt contains characters that cannot be stored", "prompt", Rule.NOT_STORABLE)


def _max_cost(draft: Draft) -> Iterator[Violation]:
    given = draft.body.get("max_cost")
    if given is not None and amount(given) is None:
        message = "max_cost must be an amount of money, such as 1.50"
        yield Violation(message, "max_cost", Rule.MAX_COST_MALFORMED)


def _has_other_input(draft: Draft) -> bool:
    takes_shots = draft.spec is None or draft.spec.elements_and_shots
    has_shots = draft.is_multi_shot and bool(draft.shots)
    return bool(draft.image_count) or draft.has_video or (takes_shots and has_shots)


_RULES = (
    _model,
    media.single_fields,
    extras.other_fields,
    media.seconds,
    media.images,
    media.videos,
    metadata.keys,
    metadata.values,
    metadata.output_config,
    shots.ext_info,
    shots.files_in_parameters,
    shots.elements_and_shots,
    _prompt,
    _max_cost,
)
"""In the order of contract section 5, in which violations are reported."""


def _request(draft: Draft, spec: ModelSpec) -> VideoRequest:
    fields = _metadata(draft)
    return VideoRequest(
        model=spec,
        seconds=draft.seconds or 0,
        prompt=draft.body["prompt"] if draft.prompt_given else None,
        images=tuple(draft.body.get("images") or ()),
        videos=tuple(draft.body.get("videos") or ()),
        files=() if draft.files is None else draft.file_ids,
        metadata=fields,
        paths=tuple(_paths(draft, fields)),
        shots=tuple(_by_index(draft.shots)) if spec.elements_and_shots and draft.is_multi_shot else (),
        max_cost=amount(draft.body.get("max_cost")),
    )


def _metadata(draft: Draft) -> dict[str, Any]:
    given = (draft.metadata or {}).items()
    keys = dict.fromkeys(_CANONICAL_KEYS.get(name, name) for name, value in given if not is_empty(value))
    normalised = {key: _normalised(draft, key) for key in keys if key in metadata.KEYS}
    if "aspect_ratio" not in normalised:
        normalised["aspect_ratio"] = extras.ratio_of_size(draft)
    return {key: value for key, value in normalised.items() if not is_empty(value)}


def _normalised(draft: Draft, key: str) -> Any:
    if key == "output_config":
        given = _present(draft.output_config)
        return {name: _switch(value) if name in metadata.SWITCHES else value for name, value in given}
    if key == "ext_info":
        return dict(_present(draft.ext_info))
    value = draft.meta(key)
    return _switch(value) if key == "enhance_prompt" else value


def _paths(draft: Draft, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in draft.body:
        if name == "metadata":
            yield from _paths_of_metadata(draft, fields)
        elif name == "size" and draft.meta("aspect_ratio") is None and "aspect_ratio" in fields:
            yield "size", "aspect_ratio"
        elif name not in extras.TAKEN or (name == "size" and is_empty(draft.body["size"])):
            yield storable(name), ""


def _paths_of_metadata(draft: Draft, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if draft.meta(key) is None:
            continue
        inner = list(value) if key in ("output_config", "ext_info") else [""]
        for name in inner:
            end = f".{name}" if name else ""
            yield draft.meta_name(key) + end, key + end


def _by_index(given: list[Any]) -> list[Any]:
    return sorted(given, key=lambda shot: whole_number(shot["index"]) or 0)


def _switch(value: Any) -> str:
    return "Enabled" if on_off(value) else "Disabled"


def _present(given: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in (given or {}).items() if not is_empty(value))
