"""The models upstream offers, as data: those listed in March 2026 and those added since."""

from collections.abc import Collection
from dataclasses import dataclass

ANY_MODEL_UPSCALES_TO = ("2K", "4K")


@dataclass(frozen=True)
class Model:
    """What one version of a model accepts: durations in seconds, resolutions with the default first."""

    durations: Collection[int]
    resolutions: tuple[str, ...]
    default_duration: int = 5

    def takes_resolution(self, resolution: str) -> bool:
        """Whether upstream delivers this resolution; 2K and 4K are made by super-resolution."""
        return resolution in self.resolutions or resolution in ANY_MODEL_UPSCALES_TO


def _seconds(first: int, last: int) -> range:
    return range(first, last + 1)


_HD = ("720P", "1080P")
_VIDU = (*_HD, "540P")
_PIXVERSE = (*_HD, "360P", "540P")
_KLING_SHORT = Model((5, 10), _HD)
_KLING_LONG = Model(_seconds(3, 15), _HD)
_VIDU_Q2 = Model(_seconds(1, 10), _VIDU)
_VIDU_Q3 = Model(_seconds(1, 16), _VIDU)
_HAILUO = Model((6, 10), ("768P", "1080P"), default_duration=6)
_GV = Model((8,), _HD, default_duration=8)

# family -> version -> what it accepts; the first version is the default
MODELS: dict[str, dict[str, Model]] = {
    "Kling": {
        "2.5": _KLING_SHORT,
        "1.6": _KLING_SHORT,
        "2.0": _KLING_SHORT,
        "2.1": _KLING_SHORT,
        "2.6": _KLING_SHORT,
        "O1": Model(_seconds(3, 10), _HD),
        "3.0": _KLING_LONG,
        "3.0-Omni": _KLING_LONG,
    },
    "Vidu": {
        "q2": _VIDU_Q2,
        "q2-pro": _VIDU_Q2,
        "q2-turbo": _VIDU_Q2,
        "q3-pro": _VIDU_Q3,
        "q3-turbo": _VIDU_Q3,
        "q3": _VIDU_Q3,
        "q3-mix": _VIDU_Q3,
    },
    "Hailuo": {"2.3": _HAILUO, "02": _HAILUO, "2.3-fast": _HAILUO},
    "GV": {"3.1": _GV, "3.1-fast": _GV},
    "OS": {"2.0": Model((4, 8, 12), ("720P",), default_duration=8)},
    "Hunyuan": {"1.5": Model(_seconds(1, 15), _HD), "3d_2.0": Model(_seconds(1, 15), _HD)},
    "Mingmou": {"1.0": Model(_seconds(1, 15), _HD)},
    "PixVerse": {
        "v6": Model(_seconds(1, 15), _PIXVERSE),
        "v5.6": Model((5, 8, 10), _PIXVERSE),
        "c1": Model(_seconds(1, 15), _PIXVERSE),
    },
    "H2": {"1.0": Model(_seconds(3, 15), ("1080P", "720P"))},
    "wand-vega-video": {"1.0-lite": Model(_seconds(4, 15), _HD)},
}
