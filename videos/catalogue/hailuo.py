"""Hailuo, by MiniMax. Only 768p, its standard mode, supports 10 seconds."""

from videos.catalogue.spec import AspectRatios, Seconds, variants

_FAMILY = {
    "ratios": AspectRatios(refusal="Hailuo does not support aspect_ratio"),
    "max_images": 1,
    "frames": 1,
}

MODELS = tuple(
    model
    for base in ("Hailuo-02", "Hailuo-2.3", "Hailuo-2.3-fast")
    for model in (
        *variants(base, "768p", **_FAMILY, seconds=Seconds.of(6, 10)),
        *variants(base, "1080p", **_FAMILY, seconds=Seconds.of(6)),
    )
)
