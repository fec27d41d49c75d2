"""The models on offer and what each takes: data, one module a family.

Adding a model is adding one entry to its family's module (contract section 2).
"""

from videos.catalogue import gv, hailuo, hunyuan, kling, mingmou, os, vidu
from videos.catalogue.spec import AspectRatios, GenerationTime, ModelSpec, Seconds

__all__ = [
    "MODELS",
    "SCENE_TYPES",
    "SWITCH_OWNERS",
    "AspectRatios",
    "GenerationTime",
    "ModelSpec",
    "Seconds",
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
"""Every scene of every family, in the contract's order."""

SWITCH_OWNERS = {switch: spec.family for spec in MODELS for switch in spec.own_switches}
"""For each switch that not every family has: the family that has it."""

_BY_NAME = {spec.name.lower(): spec for spec in MODELS}


def find(name: str) -> ModelSpec | None:
    """The model of that public name, whatever its case; None where there is none."""
    return _BY_NAME.get(name.lower()) if name.isascii() else None
