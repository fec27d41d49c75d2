"""GV, by Google."""

from videos.catalogue.spec import AspectRatios, Seconds, variants

_FAMILY = {
    "ratios": AspectRatios(("16:9", "9:16"), refusal="GV aspect_ratio must be 16:9 or 9:16"),
    "seconds": Seconds.of(8),
    "max_images": 2,
    "frames": 2,
    "named_by_family": True,
}

MODELS = (
    *variants("GV-3.1", "720p", "1080p", **_FAMILY),
    *variants("GV-3.1-fast", "720p", "1080p", **_FAMILY),
)
