"""The available models and what each accepts, as data: one module per family (contract section 2)."""

from videos.catalogue import gv, hailuo, hunyuan, kling, mingmou, os, vidu
from videos.catalogue.spec import AspectRatios, GenerationTime, ModelSpec, Seconds
from videos.catalogue.versions import STABLE_VERSIONS, USUAL_SECONDS

__all__ = [
    "MODELS",
    "SCENE_TYPES",
    "STABLE_VERSIONS",
    "SWITCH_OWNERS",
    "USUAL_SECONDS",
    "AspectRatios",
    "GenerationTime",
    "ModelSpec",
    "Seconds",
    "families",
    "find",
]

MODELS: tuple[ModelSpec, ...] = (
    *kling.MODELS,
    *hailuo.MODELS,
    *vidu.MODELS,
    *gv.MODELS,
    *os.MODELS,
    *hunyuan.MODELS,
    *mingmou.MODELS,
)

SCENE_TYPES = ("motion_control", "template_effect", "land2port")
"""The scene types of all families, in the contract's order."""

SWITCH_OWNERS = {switch: spec.family for spec in MODELS for switch in spec.own_switches}
"""Switches that only one family supports, with that family."""

_BY_NAME = {spec.name.lower(): spec for spec in MODELS}


def find(name: str) -> ModelSpec | None:
    """The model with that public name, ignoring case, or None."""
    return _BY_NAME.get(name.lower()) if name.isascii() else None


def families() -> dict[str, list[str]]:
    """The names of the models by family."""
    return {
        family: [spec.name for spec in MODELS if spec.family == family]
        for family in dict.fromkeys(spec.family for spec in MODELS)
    }
