"""Section 3: seconds, prompt, images and videos."""

from typing import Any, NamedTuple

from tests.contract.rules.models import BOTH, MODEL_NAMES
from tests.contract.rules.rows import ABSENT, CLIP, FIRST, PICTURES, SECOND, Body, Row, body, without

# Section 3: seconds.


class Seconds(NamedTuple):
    models: list[str]
    allowed: list[int]
    refused: list[int]
    message: str


SECONDS = [
    *(
        Seconds(
            [f"Kling-{version}-720p", f"Kling-{version}-1080p"],
            [5, 10],
            [4, 6, 9, 11],
            f"Kling {version} seconds must be 5 or 10",
        )
        for version in ["1.6", "2.0", "2.1", "2.5", "2.6"]
    ),
    Seconds(["Kling-o1-720p", "Kling-o1-1080p"], [3, 4, 10], [2, 11], "Kling O1 seconds must be 3-10"),
    Seconds(["Kling-3.0-720p", "Kling-3.0-1080p"], [3, 4, 15], [2, 16], "Kling 3.0 seconds must be 3-15"),
    Seconds(
        ["Kling-3.0-omni-720p", "Kling-3.0-omni-1080p"],
        [3, 4, 15],
        [2, 16],
        "Kling 3.0-Omni seconds must be 3-15",
    ),
    *(
        seconds
        for version in ["02", "2.3", "2.3-fast"]
        for seconds in [
            Seconds(
                [f"Hailuo-{version}-768p"],
                [6, 10],
                [5, 7, 9, 11],
                f"Hailuo {version} seconds must be 6 or 10",
            ),
            Seconds([f"Hailuo-{version}-1080p"], [6], [5, 7, 10], f"Hailuo {version} seconds must be 6"),
        ]
    ),
    *(
        Seconds(
            [f"Vidu-{version}-720p", f"Vidu-{version}-1080p"],
            [1, 10],
            [0, 11],
            f"Vidu {version} seconds must be 1-10",
        )
        for version in ["q2", "q2-pro", "q2-turbo"]
    ),
    *(
        Seconds(
            [f"Vidu-{version}-720p", f"Vidu-{version}-1080p"],
            [1, 16],
            [0, 17],
            f"Vidu {version} seconds must be 1-16",
        )
        for version in ["q3", "q3-pro", "q3-turbo", "q3-mix"]
    ),
    Seconds(
        ["GV-3.1-720p", "GV-3.1-1080p", "GV-3.1-fast-720p", "GV-3.1-fast-1080p"],
        [8],
        [7, 9],
        "GV seconds must be 8",
    ),
    Seconds(["OS-2.0-720p"], [4, 8, 12], [3, 5, 7, 9, 11, 13], "OS seconds must be 4, 8 or 12"),
    Seconds(["Hunyuan-1.5-720p", "Hunyuan-1.5-1080p"], [1, 15], [0, 16], "Hunyuan 1.5 seconds must be 1-15"),
    Seconds(["Mingmou-1.0-720p", "Mingmou-1.0-1080p"], [1, 15], [0, 16], "Mingmou 1.0 seconds must be 1-15"),
]

SECONDS_ROWS = [
    *(
        Row(f"{model} takes {number} seconds", body(model, seconds=number), payload={"Duration": number})
        for seconds in SECONDS
        for model in seconds.models
        for number in seconds.allowed
    ),
    *(
        Row(f"{model} refuses {number} seconds", body(model, seconds=number), [seconds.message])
        for seconds in SECONDS
        for model in seconds.models
        for number in seconds.refused
    ),
    *(
        Row(
            f"{spelling!r} is five seconds", body("Kling-3.0-720p", seconds=spelling), payload={"Duration": 5}
        )
        for spelling in [5, 5.0, "5"]
    ),
    *(
        Row(
            f"seconds {spelling!r} is not a whole number",
            body("Kling-3.0-720p", seconds=spelling),
            ["seconds must be a whole number"],
        )
        for spelling in [
            "5.0",
            " 5",
            "5 ",
            5.5,
            "5.5",
            True,
            False,
            "five",
            "5s",
            "0x5",
            "1e1",
            "5_0",
            [5],
            {"value": 5},
            float("nan"),
            float("inf"),
        ]
    ),
    *(
        Row(
            f"seconds {spelling!r} is a whole number out of range",
            body("Kling-3.0-720p", seconds=spelling),
            ["Kling 3.0 seconds must be 3-15"],
        )
        for spelling in [0, "0", -5, 10**400, 1e300, "100"]
    ),
    *(
        Row(
            f"{name} needs seconds",
            without("seconds", body(name)),
            ["seconds is required for all video models"],
        )
        for name in MODEL_NAMES
    ),
    Row(
        "null seconds are missing seconds",
        body("Kling-3.0-720p", seconds=None),
        ["seconds is required for all video models"],
    ),
    Row(
        "Kling 3.0-Omni takes 10 seconds with a reference video",
        body("Kling-3.0-omni-720p", seconds=10, videos=[CLIP]),
        payload={"Duration": 10},
    ),
    Row(
        "Kling 3.0-Omni takes at most 10 seconds with a reference video",
        body("Kling-3.0-omni-1080p", seconds=11, videos=[CLIP]),
        ["Kling 3.0-Omni seconds must be 3-10"],
    ),
    Row(
        "Kling 3.0 keeps its 15 seconds with a reference video",
        body("Kling-3.0-1080p", seconds=15, videos=[CLIP]),
        payload={"Duration": 15},
    ),
]

# Section 3: prompt.

PROMPT_REQUIRED = "prompt is required when both images and videos are empty"

PROMPT_ROWS = [
    *(
        Row(f"{name} needs a prompt for text-to-video", without("prompt", body(name)), [PROMPT_REQUIRED])
        for name in MODEL_NAMES
    ),
    *(
        Row(
            f"a prompt of {prompt!r} counts as missing",
            body("Kling-2.6-720p", prompt=prompt),
            [PROMPT_REQUIRED],
        )
        for prompt in [None, "", "   ", "\n\t "]
    ),
    Row(
        "empty images and videos are no reason to go without a prompt",
        without("prompt", body("Kling-o1-720p", images=[], videos=[])),
        [PROMPT_REQUIRED],
    ),
    Row(
        "with an image the prompt may be missing",
        without("prompt", body("Kling-2.6-720p", images=[FIRST])),
        payload={"Prompt": ABSENT, "ImageUrl": FIRST},
    ),
    Row(
        "with a video the prompt may be missing",
        without("prompt", body("Kling-o1-720p", videos=[CLIP])),
        payload={"Prompt": ABSENT, "VideoInfos": [{"VideoUrl": CLIP}]},
    ),
    Row(
        "a blank prompt beside an image counts as missing",
        body("Kling-2.6-720p", images=[FIRST], prompt="  "),
        payload={"Prompt": ABSENT},
    ),
    Row(
        "a prompt may have 2000 characters",
        body("Kling-2.6-720p", prompt="x" * 2000),
        payload={"Prompt": "x" * 2000},
    ),
    Row(
        "a prompt has no more than 2000 characters",
        body("Kling-2.6-720p", prompt="x" * 2001),
        ["prompt must not exceed 2000 characters"],
    ),
    Row(
        "characters of a prompt are not bytes",
        body("Kling-2.6-720p", prompt="\U0001f3ac" * 2000),
        payload={"Prompt": "\U0001f3ac" * 2000},
    ),
    Row(
        "a prompt beside an image has no more than 2000 characters",
        body("Kling-2.6-720p", images=[FIRST], prompt="x" * 2001),
        ["prompt must not exceed 2000 characters"],
    ),
    *(
        Row(
            f"a prompt of {prompt!r} is not a string",
            body("Kling-2.6-720p", prompt=prompt),
            ["prompt must be a string"],
        )
        for prompt in [5, 0, True, 1.5, ["a cat runs"], {"text": "a cat runs"}]
    ),
    Row(
        "a prompt beside an image must be a string too",
        body("Kling-2.6-720p", images=[FIRST], prompt=5),
        ["prompt must be a string"],
    ),
]

# Section 3: images and videos.

IMAGES_MUST_BE_URLS = "images must be http(s) URLs"
ONE_FRAME, TWO_FRAMES = {"ImageUrl": FIRST}, {"ImageUrl": FIRST, "LastImageUrl": SECOND}
REFERENCES_ONLY = {"ImageUrl": ABSENT, "LastImageUrl": ABSENT}


def references(count: int) -> Body:
    return {"ImageInfos": [{"ImageUrl": url} for url in PICTURES[:count]], **REFERENCES_ONLY}


class Images(NamedTuple):
    models: list[str]
    number: int
    payload: Body


IMAGES = [
    *(
        Images([f"Vidu-{version}-720p", f"Vidu-{version}-1080p"], count, references(count))
        for version in ["q2", "q3", "q3-mix"]
        for count in [1, 2, 7]
    ),
    *(
        Images([f"Vidu-{version}-720p", f"Vidu-{version}-1080p"], count, payload)
        for version in ["q2-pro", "q2-turbo", "q3-pro", "q3-turbo"]
        for count, payload in [(1, ONE_FRAME), (2, TWO_FRAMES)]
    ),
    Images([name for name in MODEL_NAMES if name.startswith("Hailuo-")], 1, ONE_FRAME),
    *(
        Images(["Kling-2.5-1080p", "Kling-2.1-1080p"], count, payload)
        for count, payload in [(1, ONE_FRAME), (2, TWO_FRAMES)]
    ),
    Images(
        [
            "Kling-1.6-720p", "Kling-1.6-1080p", "Kling-2.0-720p", "Kling-2.0-1080p", "Kling-2.1-720p",
            "Kling-2.5-720p", "Kling-2.6-720p", "Kling-2.6-1080p",
        ],
        1,
        ONE_FRAME,
    ),
    *(
        Images([name for name in MODEL_NAMES if "-o1-" in name or "-omni-" in name], count, payload)
        for count, payload in [(1, ONE_FRAME), (2, references(2)), (7, references(7))]
    ),
    *(
        Images(["Kling-3.0-720p", "Kling-3.0-1080p"], count, payload)
        for count, payload in [(1, ONE_FRAME), (2, TWO_FRAMES), (3, references(3)), (7, references(7))]
    ),
    *(
        Images([name for name in MODEL_NAMES if name.startswith("GV-")], count, payload)
        for count, payload in [(1, ONE_FRAME), (2, TWO_FRAMES)]
    ),
    Images(["OS-2.0-720p"], 1, ONE_FRAME),
]  # fmt: skip

TOO_MANY_IMAGES: list[tuple[list[str], int, str]] = [
    *(
        ([f"Vidu-{version}-{suffix}"], 8, f"Vidu:{version} supports at most 7 reference images")
        for version in ["q2", "q3", "q3-mix"]
        for suffix in BOTH
    ),
    *(
        ([f"Vidu-{version}-{suffix}"], 3, f"Vidu:{version} supports at most 2 reference images")
        for version in ["q2-pro", "q2-turbo", "q3-pro", "q3-turbo"]
        for suffix in BOTH
    ),
    (["Hunyuan-1.5-720p", "Hunyuan-1.5-1080p"], 1, "Hunyuan does not support reference images"),
    (["Mingmou-1.0-720p", "Mingmou-1.0-1080p"], 1, "Mingmou does not support reference images"),
    *(
        (
            [f"Hailuo-{version}-768p", f"Hailuo-{version}-1080p"],
            2,
            f"Hailuo:{version} supports at most 1 reference images",
        )
        for version in ["02", "2.3", "2.3-fast"]
    ),
    *(
        ([f"Kling-{version}-1080p"], 3, f"Kling:{version} supports at most 2 reference images")
        for version in ["2.1", "2.5"]
    ),
    *(
        ([f"Kling-{name}"], 2, f"Kling:{name.split('-')[0]} supports at most 1 reference images")
        for name in [
            "1.6-720p", "1.6-1080p", "2.0-720p", "2.0-1080p", "2.1-720p", "2.5-720p", "2.6-720p", "2.6-1080p",
        ]
    ),
    (
        ["GV-3.1-720p", "GV-3.1-1080p", "GV-3.1-fast-720p", "GV-3.1-fast-1080p"],
        3,
        "GV supports at most 2 reference images",
    ),
    (["OS-2.0-720p"], 2, "OS supports at most 1 reference images"),
]  # fmt: skip

NOT_URLS: list[Any] = [
    "ftp://cdn.example.com/1.png", "data:image/png;base64,AAAA", "cdn.example.com/1.png", "/1.png", "http://",
    "https:///1.png", "https:1.png", "file:///etc/passwd", "javascript:alert(1)", "", "http://[",
    5, None, True, {"url": FIRST}, [FIRST],
]  # fmt: skip
NOT_ARRAYS: list[Any] = [FIRST, {"0": FIRST}, 5, True]

IMAGE_ROWS = [
    *(
        Row(
            f"{model} takes {image.number} {'image' if image.number == 1 else 'images'}",
            body(model, images=PICTURES[: image.number]),
            payload={"VideoInfos": ABSENT, "LastImageUrl": ABSENT, "ImageInfos": ABSENT, **image.payload},
        )
        for image in IMAGES
        for model in image.models
    ),
    *(
        Row(f"{model} refuses {count} images", body(model, images=PICTURES[:count]), [message])
        for models, count, message in TOO_MANY_IMAGES
        for model in models
    ),
    Row("images may be empty", body("Kling-2.6-720p", images=[]), payload={"ImageUrl": ABSENT}),
    *(
        Row(f"the image {url} is a URL", body("Kling-2.6-720p", images=[url]), payload={"ImageUrl": url})
        for url in ["http://cdn.example.com/1.png", "https://cdn.example.com:8443/a/b.png?x=1&y=2#z"]
    ),
    Row("the scheme of a URL has no case", body("Kling-2.6-720p", images=["HTTPS://cdn.example.com/1.png"])),
    *(
        Row(f"the image {item!r} is not a URL", body("Kling-2.6-720p", images=[item]), [IMAGES_MUST_BE_URLS])
        for item in NOT_URLS
    ),
    *(
        Row(f"images {value!r} is not an array", body("Kling-2.6-720p", images=value), [IMAGES_MUST_BE_URLS])
        for value in NOT_ARRAYS
    ),
    *(
        Row(
            f"the single field image is refused as {value!r}",
            body("Kling-2.6-720p", image=value),
            ["image is not supported; use images (URL only)"],
        )
        for value in [FIRST, "x", [FIRST], {"url": FIRST}]
    ),
    Row(
        "every image that is not a URL is a violation",
        body("Kling-o1-720p", images=["x", FIRST, "y"]),
        [IMAGES_MUST_BE_URLS, IMAGES_MUST_BE_URLS],
    ),
    Row(
        "the single field image is refused beside images",
        body("Kling-2.6-720p", image=FIRST, images=[FIRST]),
        ["image is not supported; use images (URL only)"],
    ),
    Row(
        "an input_reference is refused",
        body("Kling-2.6-720p", input_reference=FIRST),
        ["input_reference is not supported; use images (URL only)"],
    ),
]

TAKES_VIDEOS = [
    "Kling-o1-720p", "Kling-o1-1080p", "Kling-3.0-720p", "Kling-3.0-1080p",
    "Kling-3.0-omni-720p", "Kling-3.0-omni-1080p",
]  # fmt: skip
VIDEOS_ONLY_FOR_KLING = "videos is only supported for Kling O1 / 3.0 / 3.0-Omni"

VIDEO_ROWS = [
    *(
        Row(
            f"{model} takes a reference video",
            body(model, videos=[CLIP]),
            payload={"VideoInfos": [{"VideoUrl": CLIP}], "ImageUrl": ABSENT, "ImageInfos": ABSENT},
        )
        for model in TAKES_VIDEOS
    ),
    *(
        Row(
            f"{model} takes an image beside a video as a reference",
            body(model, videos=[CLIP], images=[FIRST]),
            payload={"VideoInfos": [{"VideoUrl": CLIP}], **references(1)},
        )
        for model in TAKES_VIDEOS
    ),
    *(
        Row(
            f"{model} takes two images beside a video as references",
            body(model, videos=[CLIP], images=PICTURES[:2]),
            payload={"VideoInfos": [{"VideoUrl": CLIP}], **references(2)},
        )
        for model in TAKES_VIDEOS
    ),
    *(
        Row(
            f"{model} takes at most one video",
            body(model, videos=[CLIP, CLIP]),
            ["videos supports at most 1 item"],
        )
        for model in TAKES_VIDEOS
    ),
    *(
        Row(f"{model} takes no video", body(model, videos=[CLIP]), [VIDEOS_ONLY_FOR_KLING])
        for model in MODEL_NAMES
        if model not in TAKES_VIDEOS
    ),
    Row("videos may be empty on any model", body("GV-3.1-720p", videos=[]), payload={"VideoInfos": ABSENT}),
    *(
        Row(
            f"the video {item!r} is not a URL",
            body("Kling-o1-720p", videos=[item]),
            ["videos must be http(s) URLs"],
        )
        for item in NOT_URLS
    ),
    *(
        Row(
            f"videos {value!r} is not an array",
            body("Kling-o1-720p", videos=value),
            ["videos must be http(s) URLs"],
        )
        for value in NOT_ARRAYS
    ),
    *(
        Row(
            f"the single field video is refused as {value!r}",
            body("Kling-o1-720p", video=value),
            ["video is not supported; use videos (URL only)"],
        )
        for value in [CLIP, "x", [CLIP], {"url": CLIP}]
    ),
    Row(
        "the single field video is refused on every model alike",
        body("Hailuo-02-768p", video=CLIP),
        ["video is not supported; use videos (URL only)"],
    ),
]
