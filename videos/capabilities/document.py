"""The JSON Schema of the requests for one model.

It describes normalised requests, such as `VideoRequest.as_body` returns: no empty fields, no second names of
fields, canonical spelling. A request that the schema accepts is valid but for the rules in `unexpressed`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from videos.capabilities import fields
from videos.capabilities.fields import EMPTY, NOTHING, Schema
from videos.capabilities.modes import Mode, modes_of, sample, takes_ratio
from videos.capabilities.unexpressed import UNEXPRESSED
from videos.catalogue import ModelSpec
from videos.requests.extras import TAKEN, USE_INSTEAD
from videos.requests.media import SINGULAR
from videos.requests.shots import ELEMENTS_WITH_FIRST_FRAME, REFERENCES, REFERENCES_WITH_VIDEO
from videos.requests.strict_json import MOST_ITEMS

MEDIA_TYPE = "application/schema+json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PARAMETERS = ("metadata", "ext_info", "AdditionalParameters")
_MULTI_SHOT: Schema = {"enum": [True, "true"]}


def document(spec: ModelSpec, prices: Sequence[dict[str, Any]] = ()) -> Schema:
    """The schema of a model; `prices` are those in force, as clients see them."""
    modes, properties = modes_of(spec), _properties(spec)
    conditions = [*_conditions(spec)]
    refused = {*USE_INSTEAD, *SINGULAR, *TAKEN} - properties.keys()
    return {
        "$schema": _DIALECT,
        "title": spec.name,
        "description": f"A request for a video of {spec.name}.",
        "type": "object",
        "required": ["model", "seconds"],
        "maxProperties": MOST_ITEMS,
        "propertyNames": {"not": {"enum": sorted(refused)}},
        "properties": properties,
        "anyOf": [_mode(spec, mode) for mode in modes],
        **({"allOf": conditions} if conditions else {}),
        "examples": [sample(spec, mode) for mode in modes],
        "x-modes": [_described(spec, mode) for mode in modes],
        "x-price": [*prices],
        "x-rules": [each.rule for each in UNEXPRESSED],
    }


def _properties(spec: ModelSpec) -> Schema:
    return {
        "model": {"enum": [spec.name]},
        "seconds": fields.seconds(spec.seconds),
        "prompt": fields.prompt(),
        **fields.inputs(spec),
        **fields.size(spec),
        "metadata": fields.metadata(spec),
        "max_cost": fields.max_cost(),
    }


def _described(spec: ModelSpec, mode: Mode) -> Schema:
    """A mode for forms: what to offer in it."""
    return {
        "name": mode.name,
        "title": mode.title,
        "seconds": list(spec.seconds_for(with_video=mode.takes_video).allowed),
        "aspect_ratios": list(spec.ratios.allowed) if takes_ratio(spec, mode) else [],
        "images": {"least": mode.least_images, "most": mode.most_images},
        "videos": int(mode.takes_video),
        "needs_prompt": mode.needs_prompt,
        "sample": sample(spec, mode),
    }


def _mode(spec: ModelSpec, mode: Mode) -> Schema:
    """What a request in that mode must have."""
    properties: Schema = {"images": _count(mode), "videos": {} if mode.takes_video else NOTHING}
    if mode.takes_video and spec.seconds_with_video:
        properties["seconds"] = fields.seconds(spec.seconds_with_video)
    if spec.ratios.allowed and not takes_ratio(spec, mode):
        properties |= {"size": NOTHING, "metadata": _within(["aspect_ratio"], NOTHING)}
    if mode.has_shots:
        properties["metadata"] = _given((*_PARAMETERS[1:], "multi_shot"), _MULTI_SHOT)
    return {"title": mode.title, "properties": properties, "required": [*_required(mode)]}


def _required(mode: Mode) -> Iterator[str]:
    for name, is_needed in (
        ("prompt", mode.needs_prompt),
        ("images", mode.least_images > 0),
        ("videos", mode.takes_video),
        ("metadata", mode.has_shots),
    ):
        if is_needed:
            yield name


def _count(mode: Mode) -> Schema:
    return {"minItems": mode.least_images, "maxItems": mode.most_images} if mode.may_have_images else NOTHING


def _conditions(spec: ModelSpec) -> Iterator[Schema]:
    """Rules about several fields, besides those of the modes."""
    for size, ratio in fields.sizes(spec):
        yield _if(_given(["size"], {"const": size}), _within(["metadata", "aspect_ratio"], {"const": ratio}))
    if spec.subjects:
        for count in range(2, spec.max_images + 1):
            enough = _within(["metadata", "vidu_q2_object_ids"], {"minItems": count})
            yield _if(_given(["images"], {"minItems": count}), enough)
    if spec.elements_and_shots:
        yield _shots()
        yield from _elements()


def _shots() -> Schema:
    listed = {
        "required": ["shot_type", "multi_prompt"],
        "properties": {"shot_type": {"const": "customize"}, "multi_prompt": fields.shot_list()},
    }
    none = {"properties": {"shot_type": EMPTY, "multi_prompt": EMPTY}}
    is_multi_shot = _given((*_PARAMETERS, "multi_shot"), _MULTI_SHOT)
    return _if(is_multi_shot, _within(_PARAMETERS, listed)) | {"else": _within(_PARAMETERS, none)}


def _elements() -> Iterator[Schema]:
    """Images and elements share a limit, which is lower beside a video and for a first frame."""
    first_frame = {"minItems": 1, "maxItems": 1}
    yield _if(_images(first_frame, with_video=False), _at_most(ELEMENTS_WITH_FIRST_FRAME))
    for count in range(2, REFERENCES + 1):
        yield _if(_images({"minItems": count}, with_video=False), _at_most(REFERENCES - count))
    yield _if({"required": ["videos"]}, _at_most(REFERENCES_WITH_VIDEO))
    for count in range(1, REFERENCES_WITH_VIDEO + 1):
        yield _if(_images({"minItems": count}, with_video=True), _at_most(REFERENCES_WITH_VIDEO - count))


def _at_most(elements: int) -> Schema:
    return _within([*_PARAMETERS, "element_list"], {"maxItems": elements})


def _images(count: Schema, *, with_video: bool) -> Schema:
    """Whether there are images of that count, with or without a video."""
    video: Schema = {"required": ["videos"]}
    return {"allOf": [_given(["images"], count), video if with_video else {"not": video}]}


def _if(condition: Schema, consequence: Schema) -> Schema:
    return {"if": condition, "then": consequence}


def _within(path: Sequence[str], schema: Schema) -> Schema:
    """The schema applied to what is at the path, if there is anything."""
    for name in reversed(path):
        schema = {"properties": {name: schema}}
    return schema


def _given(path: Sequence[str], schema: Schema) -> Schema:
    """The schema applied to what is at the path, which must be there."""
    for name in reversed(path):
        schema = {"type": "object", "required": [name], "properties": {name: schema}}
    return schema
