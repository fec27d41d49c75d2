"""Which version a family's name alone means: the newest general one that Tencent's page lists, too.

The page of 2026-03-10 lists no version of Hunyuan and Mingmou; we have one of each. Of Vidu's q3, it lists
only `q3-pro` and `q3-turbo`.
"""

STABLE_VERSIONS = {
    "Kling": "3.0",
    "Hailuo": "2.3",
    "Vidu": "q3-pro",
    "GV": "3.1",
    "OS": "2.0",
    "Hunyuan": "1.5",
    "Mingmou": "1.0",
}
"""By family; a change of it changes what clients get who name no version."""

USUAL_SECONDS = {"Kling": 5, "Hailuo": 6, "Vidu": 5, "GV": 8, "OS": 8, "Hunyuan": 5, "Mingmou": 5}
"""The length of a video, by family, where a dialect lets a client leave it out.

The page names those of Kling, Hailuo, GV and OS; the others are ours.
"""
