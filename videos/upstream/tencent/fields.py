"""What the requests and responses of both products have in common. Pure."""

from collections.abc import Mapping
from typing import Any

from videos.requests import VideoRequest
from videos.requests.strict_json import dumps
from videos.requests.values import storable

LONGEST_WORD, LONGEST_SIZE = 50, 20
"""Characters of a status and of a frame size that are kept; real ones are far shorter."""


def prompt(request: VideoRequest) -> str | None:
    """The prompt; without one, that of the first shot, as upstream requires one even if shots replace it."""
    return request.prompt or (request.shots[0]["prompt"] if request.shots else None)


def scene_type(request: VideoRequest) -> str | None:
    """The requested scene type, if it is one of the model's family."""
    asked = request.metadata.get("scene_type")
    return asked if asked == request.model.scene_type else None


def additional_parameters(request: VideoRequest) -> str | None:
    """The model's own parameters as JSON text, with each number as it was written."""
    wanted = request.metadata.get("ext_info", {}).get("AdditionalParameters")
    return dumps(wanted) if isinstance(wanted, dict) else wanted


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def text(response: Mapping[str, Any], field: str) -> str:
    """A field of a response as text that can be stored; empty if it is absent or null."""
    value = response.get(field)
    return "" if value is None else storable(str(value))


def child(response: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """An object in a response; an empty one for anything else."""
    value = response.get(field)
    return value if isinstance(value, dict) else {}


def children(response: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """The objects of an array in a response; none for anything else."""
    value = response.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
