"""Turns the parameters of CreateAigcVideoTask into a body of the generic API, and violations back. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from videos.catalogue import MODELS, STABLE_VERSIONS, USUAL_SECONDS, ModelSpec
from videos.dialects.tencent.codes import Code, Refused
from videos.requests import InvalidRequestError, Violation
from videos.requests.values import is_empty
from videos.requests.violations import MODEL_NOT_FOUND

_SHOWN = 100
"""Characters of a client's value that a message shows."""
_SWITCHES = {"LogoAdd": "LogoAdd", "EnableAudio": "AudioGeneration", "OffPeak": "OffPeak"}
"""Fields of ExtraParameters, and those of `output_config` that they become."""
_NAMES = {
    "model": "ModelName",
    "seconds": "Duration",
    "prompt": "Prompt",
    "videos": "VideoInfos",
    "videos[0]": "VideoInfos.0.VideoUrl",
    "metadata": "NegativePrompt and AdditionalParameters",
    "metadata.negative_prompt": "NegativePrompt",
    "metadata.enhance_prompt": "EnhancePrompt",
    "metadata.scene_type": "SceneType",
    "metadata.aspect_ratio": "ExtraParameters.AspectRatio",
    "aspect_ratio": "ExtraParameters.AspectRatio",
    "metadata.vidu_q2_object_ids": "ImageInfos.N.ReferenceType",
    "metadata.ext_info": "AdditionalParameters",
    "metadata.ext_info.AdditionalParameters": "AdditionalParameters",
    **{
        f"{where}output_config.{ours}": f"ExtraParameters.{name}"
        for where in ("metadata.", "")
        for name, ours in _SWITCHES.items()
    },
}
"""Tencent's names by those of the generic API, except of images, which depend on the request."""
_IN_PARAMETERS = "metadata.ext_info.AdditionalParameters."
_OF_ITEM = re.compile(r"(?:images|videos)\[\d+\]")


@dataclass(frozen=True)
class Translation:
    """The body of the generic API, and how its violations are told."""

    body: Mapping[str, Any]
    payload: Mapping[str, Any]

    def refusal(self, error: InvalidRequestError) -> Refused:
        """The violations by Tencent's names, with the code of the first."""
        names = {**_NAMES, **_names_of_images(self.payload)}
        told = "; ".join(_told(violation, names) for violation in error.violations)
        return Refused(self._code(error.violations[0], names), told)

    def _code(self, violation: Violation, names: Mapping[str, str]) -> Code:
        param = violation.param or ""
        if violation.code == MODEL_NOT_FOUND:
            return Code.MODEL
        if _OF_ITEM.fullmatch(param):
            return Code.URL
        if param == "prompt" and "Prompt" not in self.payload:
            return Code.MISSING
        longest = max(violation.allowed or (0,)) if param == "seconds" else 0
        return Code.TOO_LONG if 0 < longest < self.payload.get("Duration", 0) else Code.VALUE


def translate(payload: Mapping[str, Any]) -> Translation:
    """The generic body of checked parameters, without empty ones. Raises `Refused`."""
    spec = model_of(payload)
    _check_pictures(payload, spec)
    body = {
        "model": spec.name,
        "seconds": payload.get("Duration", USUAL_SECONDS[spec.family]),
        "prompt": payload.get("Prompt"),
        "images": _images(payload),
        "videos": [info["VideoUrl"] for info in payload.get("VideoInfos", ())],
        "metadata": _metadata(payload),
    }
    return Translation({name: value for name, value in body.items() if not is_empty(value)}, payload)


def model_of(payload: Mapping[str, Any]) -> ModelSpec:
    """The model of family, version and resolution, ignoring case, or what stands for those left out.

    Raises `Refused`.
    """
    family = _family(payload["ModelName"])
    version = payload.get("ModelVersion", STABLE_VERSIONS[family])
    variants = [spec for spec in MODELS if spec.family == family and spec.version.lower() == version.lower()]
    if not variants:
        known = dict.fromkeys(spec.version for spec in MODELS if spec.family == family)
        raise Refused(Code.MODEL, f"ModelVersion of {family} must be one of {', '.join(known)}")
    return _of_resolution(variants, payload.get("ExtraParameters", {}).get("Resolution"))


def _family(name: str) -> str:
    known = {family.lower(): family for family in STABLE_VERSIONS}
    if name.lower() not in known:
        raise Refused(
            Code.MODEL, f"ModelName must be one of {', '.join(known.values())}, not {name[:_SHOWN]}"
        )
    return known[name.lower()]


def _of_resolution(variants: list[ModelSpec], resolution: str | None) -> ModelSpec:
    if resolution is None:
        return min(variants, key=lambda spec: int(spec.resolution.rstrip("P")))
    known = {spec.resolution: spec for spec in variants}
    if resolution.upper() not in known:
        label = f"{variants[0].family} {variants[0].version}"
        message = f"ExtraParameters.Resolution of {label} must be {' or '.join(known)}"
        raise Refused(Code.RESOLUTION, message)
    return known[resolution.upper()]


def _check_pictures(payload: Mapping[str, Any], spec: ModelSpec) -> None:
    """Refuse images that the generic API would take for something else than Tencent does."""
    for code, message in _wrong_pictures(payload, spec):
        raise Refused(code, message)


def _wrong_pictures(payload: Mapping[str, Any], spec: ModelSpec) -> Iterator[tuple[Code, str]]:
    """Frames are images up to the model's number of frames, without a video; all others are references."""
    label, frames = f"{spec.family} {spec.version}", "ImageUrl" in payload
    infos, has_video = payload.get("ImageInfos", []), "VideoInfos" in payload
    if "LastImageUrl" in payload and not frames:
        yield Code.MISSING, "ImageUrl is required with LastImageUrl"
    if frames and infos:
        yield Code.VALUE, "ImageInfos and ImageUrl cannot be combined"
    if frames and has_video:
        yield Code.VALUE, "ImageUrl and VideoInfos cannot be combined; use ImageInfos for references"
    if frames and spec.frames == 0 < spec.max_images:
        yield Code.VALUE, f"{label} takes no ImageUrl; use ImageInfos for references"
    if "LastImageUrl" in payload and spec.frames < 2:
        yield Code.VALUE, f"LastImageUrl is not supported by {spec.name}"
    if infos and not has_video and len(infos) <= spec.frames:
        use = "ImageUrl" if len(infos) == 1 else "ImageUrl and LastImageUrl"
        yield Code.VALUE, f"ImageInfos of {label} must be more than {spec.frames}; use {use} instead"


def _images(payload: Mapping[str, Any]) -> list[str]:
    frames = [payload[name] for name in ("ImageUrl", "LastImageUrl") if name in payload]
    return frames or [info["ImageUrl"] for info in payload.get("ImageInfos", ())]


def _metadata(payload: Mapping[str, Any]) -> dict[str, Any]:
    extra = payload.get("ExtraParameters", {})
    infos = payload.get("ImageInfos", [])
    parameters = payload.get("AdditionalParameters")
    metadata = {
        "scene_type": payload.get("SceneType"),
        "negative_prompt": payload.get("NegativePrompt"),
        "enhance_prompt": _switch(payload.get("EnhancePrompt")),
        "aspect_ratio": extra.get("AspectRatio"),
        "vidu_q2_object_ids": [info["ReferenceType"] for info in infos if "ReferenceType" in info],
        "output_config": {ours: _switch(extra[name]) for name, ours in _SWITCHES.items() if name in extra},
        "ext_info": {"AdditionalParameters": parameters} if parameters else None,
    }
    return {name: value for name, value in metadata.items() if not is_empty(value)}


def _switch(value: bool | int | None) -> str | None:  # noqa: FBT001 - it is the value that is converted
    return None if value is None else "Enabled" if value else "Disabled"


def _names_of_images(payload: Mapping[str, Any]) -> dict[str, str]:
    if infos := payload.get("ImageInfos"):
        items = {f"images[{place}]": f"ImageInfos.{place}.ImageUrl" for place in range(len(infos))}
        return {"images": "ImageInfos", **items}
    return {"images": "ImageUrl", "images[0]": "ImageUrl", "images[1]": "LastImageUrl"}


def _told(violation: Violation, names: Mapping[str, str]) -> str:
    param = violation.param or ""
    name = names.get(param, "")
    if param.startswith(_IN_PARAMETERS):
        name = param.removeprefix("metadata.ext_info.")
    message = _reworded(violation.message, {**names, "images": name} if _OF_ITEM.fullmatch(param) else names)
    told = message if not name or name in message else f"{name}: {message}"
    return f"{told} ({violation.detail})" if violation.detail else told


def _reworded(message: str, names: Mapping[str, str]) -> str:
    """The message with Tencent's names; `reference images` are no field."""
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w.])(?<![Rr]eference )(?:{either})(?![\w\[])", lambda found: names[found[0]], message
    )
