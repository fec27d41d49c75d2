"""Kling, by Kuaishou."""

from videos.catalogue.spec import AspectRatios, Seconds, variants

_FAMILY = {"ratios": AspectRatios(("16:9", "9:16", "1:1")), "scene_type": "motion_control"}
_CLIP = {**_FAMILY, "seconds": Seconds.of(5, 10)}
_FIRST = {**_CLIP, "max_images": 1, "frames": 1}
_FIRST_AND_LAST = {**_CLIP, "max_images": 2, "frames": 2}
_ADVANCED = {**_FAMILY, "max_images": 7, "elements_and_shots": True}

MODELS = (
    *variants("Kling-1.6", "720p", "1080p", **_FIRST),
    *variants("Kling-2.0", "720p", "1080p", **_FIRST),
    *variants("Kling-2.1", "720p", **_FIRST),
    *variants("Kling-2.1", "1080p", **_FIRST_AND_LAST),
    *variants("Kling-2.5", "720p", **_FIRST),
    *variants("Kling-2.5", "1080p", **_FIRST_AND_LAST),
    *variants("Kling-2.6", "720p", "1080p", **_FIRST),
    *variants(
        "Kling-o1", "720p", "1080p", **_ADVANCED, version="O1", seconds=Seconds.between(3, 10), frames=1
    ),
    *variants("Kling-3.0", "720p", "1080p", **_ADVANCED, seconds=Seconds.between(3, 15), frames=2),
    *variants(
        "Kling-3.0-omni",
        "720p",
        "1080p",
        **_ADVANCED,
        version="3.0-Omni",
        seconds=Seconds.between(3, 15),
        seconds_with_video=Seconds.between(3, 10),
        frames=1,
    ),
)
