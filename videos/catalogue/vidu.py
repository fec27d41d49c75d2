"""Vidu, by Shengshu."""

from videos.catalogue.spec import AspectRatios, Seconds, variants

_FAMILY = {
    "ratios": AspectRatios(("16:9", "9:16", "1:1")),
    "scene_type": "template_effect",
    "own_switches": frozenset({"OffPeak", "LogoAdd"}),
}
_Q2 = {**_FAMILY, "seconds": Seconds.between(1, 10)}
_Q3 = {**_FAMILY, "seconds": Seconds.between(1, 16)}
_REFERENCES = {"max_images": 7, "frames": 0}
_FIRST_AND_LAST = {"max_images": 2, "frames": 2}
_WIDER = AspectRatios(("16:9", "9:16", "1:1", "4:3", "3:4"))

MODELS = (
    *variants("Vidu-q2", "720p", "1080p", **{**_Q2, "ratios": _WIDER}, **_REFERENCES, subjects=True),
    *variants("Vidu-q2-pro", "720p", "1080p", **_Q2, **_FIRST_AND_LAST),
    *variants("Vidu-q2-turbo", "720p", "1080p", **_Q2, **_FIRST_AND_LAST),
    *variants("Vidu-q3", "720p", "1080p", **_Q3, **_REFERENCES),
    *variants("Vidu-q3-pro", "720p", "1080p", **_Q3, **_FIRST_AND_LAST),
    *variants("Vidu-q3-turbo", "720p", "1080p", **_Q3, **_FIRST_AND_LAST),
    *variants("Vidu-q3-mix", "720p", "1080p", **_Q3, **_REFERENCES),
)
