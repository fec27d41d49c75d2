"""The fields of both actions, as data: their types, limits and what becomes of each. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from videos.dialects.tencent.codes import Code, Refused
from videos.requests.values import is_storable

CREATE = "CreateAigcVideoTask"
DESCRIBE = "DescribeAigcVideoTask"
MOST_TOLD = 10
"""Faults that one message tells."""
_SHOWN = 100
"""Characters of an unknown name that a message shows."""


class Type(Enum):
    """The types of JSON, as Tencent calls them, with Python's."""

    STRING = ("String", str)
    INTEGER = ("Integer", int)
    BOOLEAN = ("Boolean", bool)
    OBJECT = ("Object", dict)
    ARRAY = ("Array", list)

    def __init__(self, label: str, kind: type) -> None:
        self.label = label
        self._kind = kind

    def takes(self, value: Any) -> bool:
        """In Python, a boolean is a whole number, too."""
        return isinstance(value, self._kind) and (self is Type.BOOLEAN or not isinstance(value, bool))


@dataclass(frozen=True)
class Field:
    """A field, named by its path; `[]` stands for each item of an array."""

    path: str
    type: Type
    becomes: str
    """The field of the generic API, or what else it does."""
    is_required: bool = False
    most: int | None = None
    """Characters of a string."""
    allowed: tuple[Any, ...] | None = None
    """The values that are taken; None if the rules of the generic API decide."""
    why: str = ""
    """Why no other value is taken."""


_S, _I, _B, _O, _A = Type.STRING, Type.INTEGER, Type.BOOLEAN, Type.OBJECT, Type.ARRAY
_EDITED = "only videos to edit are supported, without a choice of their sound"

FIELDS: dict[str, tuple[Field, ...]] = {
    CREATE: (
        Field("ModelName", _S, "`model`", is_required=True),
        Field("ModelVersion", _S, "`model`; the family's stable version if left out"),
        Field("SceneType", _S, "`metadata.scene_type`"),
        Field("Prompt", _S, "`prompt`", most=2000),
        Field("NegativePrompt", _S, "`metadata.negative_prompt`"),
        Field("EnhancePrompt", _B, "`metadata.enhance_prompt`"),
        Field("ImageUrl", _S, "`images`, the first frame", most=4096),
        Field("LastImageUrl", _S, "`images`, the last frame; needs ImageUrl", most=4096),
        Field("ImageInfos", _A, "`images`, as references"),
        Field("ImageInfos[].ImageUrl", _S, "`images`", is_required=True, most=4096),
        Field("ImageInfos[].ReferenceType", _S, "`metadata.vidu_q2_object_ids`"),
        Field("VideoInfos", _A, "`videos`"),
        Field("VideoInfos[].VideoUrl", _S, "`videos`", is_required=True, most=4096),
        Field(
            "VideoInfos[].ReferType", _S, "the only kind that `videos` has", allowed=("base",), why=_EDITED
        ),
        Field("VideoInfos[].KeepOriginalSound", _S, "refused", allowed=(), why=_EDITED),
        Field("Duration", _I, "`seconds`; the family's usual length if left out"),
        Field("ExtraParameters", _O, ""),
        Field("ExtraParameters.Resolution", _S, "`model`; the version's lowest if left out"),
        Field("ExtraParameters.AspectRatio", _S, "`metadata.aspect_ratio`"),
        Field("ExtraParameters.LogoAdd", _I, "`metadata.output_config.LogoAdd`", allowed=(0, 1)),
        Field("ExtraParameters.EnableAudio", _B, "`metadata.output_config.AudioGeneration`"),
        Field("ExtraParameters.OffPeak", _B, "`metadata.output_config.OffPeak`"),
        Field(
            "ExtraParameters.EnableBgm",
            *(_B, "nothing: it is off"),
            allowed=(False,),
            why="background music is not supported",
        ),
        Field("StoreCosParam", _O, "compared with the tenant's bucket"),
        Field("StoreCosParam.CosBucketName", _S, "", is_required=True),
        Field("StoreCosParam.CosBucketRegion", _S, "", is_required=True),
        Field("StoreCosParam.CosBucketPath", _S, ""),
        Field("AdditionalParameters", _S, "`metadata.ext_info.AdditionalParameters`"),
        Field("Operator", _S, "kept with the task, in its history", most=255),
    ),
    DESCRIBE: (Field("TaskId", _S, "the id of the video", is_required=True, most=100),),
}
"""By action, in the order of Tencent's page."""

_BY_PATH = {action: {field.path: field for field in fields} for action, fields in FIELDS.items()}


@dataclass(frozen=True)
class Fault:
    """A field that is not as it must be."""

    code: Code
    message: str


def check(action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a payload that have a value, at every depth. Raises `Refused` with all faults."""
    known = _BY_PATH[action]
    if faults := [*_faults(known, payload, "", "")]:
        told = "; ".join(fault.message for fault in faults[:MOST_TOLD])
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise Refused(faults[0].code, told + more)
    return _given(payload)


def _faults(known: Mapping[str, Field], given: Mapping[str, Any], within: str, shown: str) -> Iterator[Fault]:
    """Those of an object; `within` is its path in the table, `shown` as Tencent writes it."""
    for name, value in given.items():
        field = known.get(f"{within}{name}") if _is_own(name) else None
        if field is None:
            yield Fault(Code.UNKNOWN, f"The parameter `{shown}{name[:_SHOWN]}` is not defined")
        elif not _is_absent(value):
            yield from _faults_of(known, field, value, f"{shown}{name}")
    for path, field in known.items():
        name = path.removeprefix(within)
        is_own = path.startswith(within) and _is_own(name)
        if is_own and field.is_required and _is_absent(given.get(name)):
            yield Fault(Code.MISSING, f"The parameter `{shown}{name}` is required")


def _is_own(name: str) -> bool:
    """Whether it is a name within an object, and no path."""
    return not {".", "["}.intersection(name)


def _faults_of(known: Mapping[str, Field], field: Field, value: Any, shown: str) -> Iterator[Fault]:
    """Those of a value that is not absent."""
    if not field.type.takes(value):
        yield Fault(Code.TYPE, f"The parameter `{shown}` must be of type {field.type.label}")
    elif field.type is Type.OBJECT:
        yield from _faults(known, value, f"{field.path}.", f"{shown}.")
    elif field.type is Type.ARRAY:
        yield from _faults_of_items(known, field, value, shown)
    elif field.allowed is not None and value not in field.allowed:
        yield Fault(Code.VALUE, _not_allowed(field, shown))
    elif field.most is not None and len(value) > field.most:
        yield Fault(Code.VALUE, f"{shown} must not exceed {field.most} characters")
    elif not is_storable(value):
        yield Fault(Code.VALUE, f"{shown} contains characters that cannot be stored")


def _faults_of_items(
    known: Mapping[str, Field], field: Field, items: list[Any], shown: str
) -> Iterator[Fault]:
    for place, item in enumerate(items):
        if Type.OBJECT.takes(item):
            yield from _faults(known, item, f"{field.path}[].", f"{shown}.{place}.")
        else:
            yield Fault(Code.TYPE, f"The parameter `{shown}.{place}` must be of type {_O.label}")


def _not_allowed(field: Field, shown: str) -> str:
    values = [str(value).lower() for value in field.allowed or ()]
    rule = f"{shown} must be {' or '.join(values)}" if values else f"{shown} is not supported"
    return f"{rule}: {field.why}" if field.why else rule


def _is_absent(value: Any) -> bool:
    """Null and empty values count as left out; false and 0 do not."""
    return value is None or value in ("", [], {})


def _given(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _given_in(value) for name, value in payload.items() if not _is_absent(value)}


def _given_in(value: Any) -> Any:
    if isinstance(value, dict):
        return _given(value)
    return [_given_in(item) for item in value] if isinstance(value, list) else value
