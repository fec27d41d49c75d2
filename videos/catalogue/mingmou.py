"""Mingmou, by Tencent. No frame shapes and no lengths are published; the lengths are our bound."""

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
