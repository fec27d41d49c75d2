"""Rules for seconds, images and videos (contract section 3)."""

from collections.abc import Iterator
from typing import Any

from videos.requests.draft import Draft, File
from videos.requests.files import (
    IMAGES,
    LABELS,
    VIDEOS,
    Kinds,
    Upload,
    fault_of,
    is_file_id,
    of_another_kind,
)
from videos.requests.rules import Rule
from videos.requests.values import is_storable, is_web_url
from videos.requests.violations import Violation

MAX_VIDEOS = 1
MAX_URL = 4096
"""Characters; signed links are long, and each is forwarded to upstream."""
SINGULAR = {
    "image": "image is not supported; use images (URL only)",
    "video": "video is not supported; use videos (URL only)",
    "input_reference": "input_reference is not supported; use images (URL only)",
}
_KINDS = {"images": IMAGES, "videos": VIDEOS}
_TEXT_FIELDS = ("model", "seconds", "prompt", "metadata", "max_cost", "size")
_SHOWN_NAME_LENGTH = 200
"""Characters of a name that an error shows."""


def single_fields(draft: Draft) -> Iterator[Violation]:
    """Refuse the single-input fields of other gateways, and files in any field."""
    for name, message in SINGULAR.items():
        if draft.body.get(name) is not None:
            yield Violation(message, name, Rule.FIELD_NOT_SUPPORTED, {"field": name})
    for name, value in draft.body.items():
        if isinstance(value, File) and name in _TEXT_FIELDS:
            field = value.field[:_SHOWN_NAME_LENGTH]
            message = f"{field} must be sent as text, not as a file"
            yield Violation(message, name, Rule.TEXT_NOT_FILE, {"field": field})
        elif name not in SINGULAR and _holds_file(value):
            message = f"{name} is not supported; use images (URL only)"
            yield Violation(message, name, Rule.FIELD_NOT_SUPPORTED, {"field": name})


def seconds(draft: Draft) -> Iterator[Violation]:
    """A required whole number that the model supports."""
    given, spec = draft.body.get("seconds"), draft.spec
    allowed = spec.seconds_for(with_video=draft.has_video) if spec else None
    choices = allowed.allowed if allowed else None
    if given is None or given == "":
        message = "seconds is required for all video models"
        yield Violation(message, "seconds", Rule.SECONDS_MISSING, allowed=choices)
    elif draft.seconds is None:
        yield Violation("seconds must be a whole number", "seconds", Rule.SECONDS_NOT_WHOLE, allowed=choices)
    elif spec and allowed and draft.seconds not in allowed:
        model = spec.label(" ")
        values = {"model": model, "value": draft.seconds, "allowed": choices}
        message = f"{model} seconds must be {allowed}"
        yield Violation(message, "seconds", Rule.SECONDS_NOT_ALLOWED, values, allowed=choices)


def images(draft: Draft) -> Iterator[Violation]:
    """URLs only, and no more than the model accepts; with elements, `shots` checks the number (section 4)."""
    yield from _urls(draft, "images")
    spec = draft.spec
    if spec is None or spec.elements_and_shots or draft.image_count <= spec.max_images:
        return
    if spec.max_images == 0:
        message = f"{spec.family} does not support reference images"
        yield Violation(message, "images", Rule.IMAGES_NOT_SUPPORTED, {"model": spec.label(" ")})
    else:
        limit = f"supports at most {spec.max_images} reference images"
        values = {"model": spec.label(" "), "most": spec.max_images}
        yield Violation(f"{spec.label(':')} {limit}", "images", Rule.TOO_MANY_IMAGES, values)


def videos(draft: Draft) -> Iterator[Violation]:
    """URLs only, at most one, and only for a model that accepts reference videos."""
    if draft.has_video and draft.spec and not draft.spec.elements_and_shots:
        message = "videos is only supported for Kling O1 / 3.0 / 3.0-Omni"
        yield Violation(message, "videos", Rule.VIDEOS_NOT_SUPPORTED)
    yield from _urls(draft, "videos")
    given = draft.body.get("videos")
    if isinstance(given, list) and len(given) > MAX_VIDEOS:
        message = f"videos supports at most {MAX_VIDEOS} item"
        yield Violation(message, "videos", Rule.TOO_MANY_VIDEOS, {"most": MAX_VIDEOS})


def _urls(draft: Draft, name: str) -> Iterator[Violation]:
    given = draft.body.get(name)
    if given is None:
        return
    if not isinstance(given, list):
        yield Violation(f"{name} must be http(s) URLs", name, Rule.URL_MALFORMED)
        return
    for position, url in enumerate(given):
        place = f"{name}[{position}]"
        if isinstance(url, Upload):
            yield from _upload(url, _KINDS[name])
        elif draft.files is not None and is_file_id(url):
            yield from _file(url, place, draft.files, _KINDS[name])
        else:
            yield from _url(url, name, place)


def _url(url: Any, name: str, place: str) -> Iterator[Violation]:
    if not is_storable(url):
        yield Violation(f"{name} contains characters that cannot be stored", place, Rule.NOT_STORABLE)
    elif isinstance(url, str) and len(url) > MAX_URL:
        message = f"{place} must not exceed {MAX_URL} characters"
        yield Violation(message, place, Rule.URL_TOO_LONG, {"most": MAX_URL})
    elif not is_web_url(url):
        yield Violation(f"{name} must be http(s) URLs", place, Rule.URL_MALFORMED)


def _upload(upload: Upload, wanted: tuple[str, ...]) -> Iterator[Violation]:
    if upload.fault is not None:
        yield Violation.of(upload.fault, upload.field, LABELS)
    elif upload.kind is not None and upload.kind.label not in wanted:
        yield Violation.of(of_another_kind(wanted, f"this file is {upload.kind.label}"), upload.field, wanted)


def _file(file_id: str, place: str, kinds: Kinds, wanted: tuple[str, ...]) -> Iterator[Violation]:
    if found := fault_of(file_id, kinds, wanted):
        yield Violation.of(found, place, wanted if file_id in kinds else None)


def _holds_file(value: Any) -> bool:
    return isinstance(value, File) or (isinstance(value, list) and any(map(_holds_file, value)))
