"""Mingmou, by Tencent, which publishes neither aspect ratios nor lengths; the lengths are our own limits."""

from videos.catalogue.spec import Seconds, variants

MODELS = variants(
    "Mingmou-1.0",
    "720p",
    "1080p",
    seconds=Seconds.between(1, 15),
    max_images=0,
    frames=0,
    scene_type="land2port",
)
