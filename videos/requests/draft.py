"""A request body before validation, with its nested objects parsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videos.catalogue import ModelSpec
from videos.requests.files import Kinds, ids_in
from videos.requests.values import is_blank, is_empty, json_object, whole_number

ALIASES = {"scene_type": ("scene_type", "SceneType"), "ext_info": ("ext_info", "ExtInfo")}
"""Fields of metadata that have two names."""


@dataclass(frozen=True)
class File:
    """Replaces an uploaded file in a body; files are refused, so only the name of the field is kept."""

    field: str = ""
    """As the form names it, such as `metadata[negative_prompt]`."""


@dataclass(frozen=True)
class Draft:
    """The unchecked fields of a body. A malformed object is None; an absent one is empty."""

    spec: ModelSpec | None
    body: Mapping[str, Any]
    metadata: Mapping[str, Any] | None
    output_config: Mapping[str, Any] | None
    ext_info: Mapping[str, Any] | None
    additional: Mapping[str, Any] | None
    files: Kinds | None = None
    """The files that the body names and that exist; None if ids of files are not taken."""

    @property
    def file_ids(self) -> tuple[str, ...]:
        """The ids of files that the body names, in order."""
        found = (self.body.get("images"), self.body.get("videos"), self.additional)
        return tuple(dict.fromkeys(ids_in(found)))

    @property
    def seconds(self) -> int | None:
        """The requested length, or None if it is not a whole number."""
        return whole_number(self.body.get("seconds"))

    @property
    def image_count(self) -> int:
        """The number of images, valid or not."""
        return _length(self.body.get("images"))

    @property
    def has_video(self) -> bool:
        """Whether there is a reference video, valid or not."""
        return _length(self.body.get("videos")) > 0

    @property
    def prompt_given(self) -> bool:
        """Whether there is a prompt of any type; a blank one counts as missing."""
        prompt = self.body.get("prompt")
        return not is_blank(prompt) if isinstance(prompt, str) else prompt is not None

    @property
    def is_multi_shot(self) -> bool:
        multi_shot = (self.additional or {}).get("multi_shot")
        return multi_shot is True or multi_shot == "true"

    @property
    def shots(self) -> list[Any]:
        """The items of `multi_prompt`, unchecked; empty if it is absent or not an array."""
        shots = (self.additional or {}).get("multi_prompt")
        return shots if isinstance(shots, list) else []

    def meta(self, key: str) -> Any:
        """The value of a metadata key under any of its names; None if absent or empty."""
        if not self.metadata:  # most requests have none
            return None
        values = [self.metadata.get(name) for name in ALIASES.get(key, (key,))]
        return next((value for value in values if not is_empty(value)), None)

    def meta_name(self, key: str) -> str:
        """The dotted name under which a metadata key was given."""
        names = ALIASES.get(key, (key,))
        metadata = self.metadata or {}
        given = (name for name in names if not is_empty(metadata.get(name)))
        return f"metadata.{next(given, key)}"


def open_metadata(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The metadata of a body, which may be a JSON string, without opening what is nested in it."""
    return _object(body.get("metadata"))


def open_body(body: Mapping[str, Any], spec: ModelSpec | None) -> Draft:
    """Parse the nested objects of a body, some of which may be JSON strings."""
    metadata = open_metadata(body)
    outer = Draft(spec, body, metadata, None, None, None)
    ext_info = _object(outer.meta("ext_info"))
    output_config = outer.meta("output_config")
    return Draft(
        spec=spec,
        body=body,
        metadata=metadata,
        output_config={} if output_config is None else _as_object(output_config),
        ext_info=ext_info,
        additional=_object(_present((ext_info or {}).get("AdditionalParameters"))),
    )


def _object(value: Any) -> dict[str, Any] | None:
    return {} if value is None or value == "" else json_object(value)


def _as_object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _present(value: Any) -> Any:
    return None if is_empty(value) else value


def _length(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    return 0 if is_empty(value) else 1
