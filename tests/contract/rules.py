"""The contract's rules for request bodies as data: one row per sentence, in its order."""

import json
from typing import Any, NamedTuple

Body = dict[str, Any]


class Row(NamedTuple):
    """A body with its error messages or, if there are none, the least its payload contains.

    A payload key ending in `@json` is compared after parsing; ABSENT means that the key is not sent.
    """

    name: str
    body: Body
    messages: list[str] = []
    payload: Body | None = None
    not_forwarded: list[str] | None = None


class Absent:
    """Marks a field that is not sent."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()

PICTURES = [f"https://cdn.example.com/{number}.png" for number in range(1, 10)]
FIRST, SECOND, THIRD = PICTURES[:3]
CLIP = "https://cdn.example.com/clip.mp4"
IMAGES_ELSEWHERE = (
    *("image_url", "image_urls", "first_frame", "first_frame_image", "last_frame", "last_frame_image"),
    *("reference_image", "reference_images", "input_image"),
)
VIDEOS_ELSEWHERE = ("video_url", "video_urls", "reference_video", "reference_videos", "input_video")
"""Fields that other gateways use for our `images` and `videos`."""
NUL, LONE_SURROGATE = "a\x00b", "a\ud800b"
EMPTIES: list[Any] = [None, "", [], {}]

USUAL_SECONDS = {"Kling": 5, "Hailuo": 6, "Vidu": 5, "GV": 8, "OS": 8, "Hunyuan": 5, "Mingmou": 5}


def body(model: str, /, **fields: Any) -> Body:
    """A valid text-to-video body for that model with these fields changed or added."""
    seconds = USUAL_SECONDS.get(model.split("-")[0], 5)
    return {"model": model, "seconds": seconds, "prompt": "a cat runs", **fields}


def without(field: str, base: Body) -> Body:
    return {key: value for key, value in base.items() if key != field}


def meta(model: str, /, **metadata: Any) -> Body:
    """A valid body with this metadata."""
    return body(model, metadata=metadata)


def config(model: str, /, **fields: Any) -> Body:
    """A valid body with this output_config."""
    return meta(model, output_config=fields)


def extras(model: str, parameters: Body, /, **fields: Any) -> Body:
    """A valid body with these AdditionalParameters, and these fields changed or added."""
    return body(model, metadata={"ext_info": {"AdditionalParameters": parameters}}, **fields)


def elements(count: int) -> list[Body]:
    """That many elements, with ids too large for a float."""
    return [{"element_id": 2**53 + 1 + number} for number in range(count)]


def shots(*durations: Any, **changes: Any) -> Body:
    """AdditionalParameters with one shot per duration, and these changes."""
    items = [
        {"index": index, "prompt": f"shot {index}", "duration": duration}
        for index, duration in enumerate(durations, 1)
    ]
    return {"multi_shot": True, "shot_type": "customize", "multi_prompt": items, **changes}


def shot(**changes: Any) -> Body:
    """AdditionalParameters with one shot of five seconds and these fields changed; None removes a field."""
    item = {"index": 1, "prompt": "shot 1", "duration": 5, **changes}
    return shots(multi_prompt=[{key: value for key, value in item.items() if value is not None}])


# Section 2: model names.

BOTH = ["720p", "1080p"]
BASES: list[tuple[str, str, str, list[str]]] = [
    ("Kling-1.6", "Kling", "1.6", BOTH),
    ("Kling-2.0", "Kling", "2.0", BOTH),
    ("Kling-2.1", "Kling", "2.1", BOTH),
    ("Kling-2.5", "Kling", "2.5", BOTH),
    ("Kling-2.6", "Kling", "2.6", BOTH),
    ("Kling-o1", "Kling", "O1", BOTH),
    ("Kling-3.0", "Kling", "3.0", BOTH),
    ("Kling-3.0-omni", "Kling", "3.0-Omni", BOTH),
    ("Hailuo-02", "Hailuo", "02", ["768p", "1080p"]),
    ("Hailuo-2.3", "Hailuo", "2.3", ["768p", "1080p"]),
    ("Hailuo-2.3-fast", "Hailuo", "2.3-fast", ["768p", "1080p"]),
    ("Vidu-q2", "Vidu", "q2", BOTH),
    ("Vidu-q2-pro", "Vidu", "q2-pro", BOTH),
    ("Vidu-q2-turbo", "Vidu", "q2-turbo", BOTH),
    ("Vidu-q3", "Vidu", "q3", BOTH),
    ("Vidu-q3-pro", "Vidu", "q3-pro", BOTH),
    ("Vidu-q3-turbo", "Vidu", "q3-turbo", BOTH),
    ("Vidu-q3-mix", "Vidu", "q3-mix", BOTH),
    ("GV-3.1", "GV", "3.1", BOTH),
    ("GV-3.1-fast", "GV", "3.1-fast", BOTH),
    ("OS-2.0", "OS", "2.0", ["720p"]),
    ("Hunyuan-1.5", "Hunyuan", "1.5", BOTH),
    ("Mingmou-1.0", "Mingmou", "1.0", BOTH),
]
MODEL_NAMES = [f"{base}-{suffix}" for base, _, _, suffixes in BASES for suffix in suffixes]
UNKNOWN_NAMES = [
    "Kling-3.0-480p",
    "Kling-3.0-4k",
    "Kling-3.0-768p",
    "Kling-2.2-720p",
    "Kling-720p",
    "Kling",
    "Kling-3.0_720p",
    "Kling-3.0-720p ",
    " Kling-3.0-720p",
    "Kling-3.0-720p-1080p",
    "Kling-3.0-turbo-720p",
    "Hailuo-2.3-720p",
    "Vidu-q2-768p",
    "Vidu-q4-720p",
    "OS-2.0-1080p",
    "GV-3.2-720p",
    "Sora-2-720p",
    "sora-2",
    "\u212aling-3.0-720p",  # the Kelvin sign, which lower() turns into a k
]

MODEL_ROWS = [
    *(
        Row(
            f"{name} is {family} {version} at {suffix.upper()}",
            body(name),
            payload={
                "ModelName": family,
                "ModelVersion": version,
                "Duration": USUAL_SECONDS[family],
                "Prompt": "a cat runs",
                "ExtraParameters": {"Resolution": suffix.upper()},
                "ImageUrl": ABSENT,
                "LastImageUrl": ABSENT,
                "ImageInfos": ABSENT,
                "VideoInfos": ABSENT,
                "AdditionalParameters": ABSENT,
                "SceneType": ABSENT,
            },
            not_forwarded=[],
        )
        for base, family, version, suffixes in BASES
        for suffix in suffixes
        for name in [f"{base}-{suffix}"]
    ),
    *(
        Row(
            f"{spelling} is matched without regard to case",
            {**body(f"{base}-{suffixes[0]}"), "model": spelling},
            payload={
                "ModelName": family,
                "ModelVersion": version,
                "ExtraParameters": {"Resolution": suffixes[0].upper()},
            },
        )
        for base, family, version, suffixes in BASES
        for spelling in [f"{base}-{suffixes[0]}".upper(), f"{base}-{suffixes[0]}".swapcase()]
    ),
    *(
        Row(f"{base} has no resolution suffix", body(base), [f"The model '{base}' does not exist"])
        for base, _, _, _ in BASES
    ),
    *(
        Row(f"{name!a} is not a model", body(name), [f"The model '{name}' does not exist"])
        for name in UNKNOWN_NAMES
    ),
    Row(
        "an unknown model suppresses only the checks that depend on the model",
        {
            "model": "Kling-9.9-720p",
            "image": FIRST,
            "video": CLIP,
            "images": ["ftp://cdn.example.com/1.png", *PICTURES],
            "videos": ["ftp://cdn.example.com/clip.mp4"],
            "metadata": {
                "camera": "pan",
                "enhance_prompt": "on",
                "input_region": "Mars",
                "aspect_ratio": "3:2",
                "scene_type": "lip_sync",
                "output_config": {"OffPeak": "on", "Resolution": "1080P"},
            },
            "prompt": "x" * 2001,
        },
        [
            "The model 'Kling-9.9-720p' does not exist",
            "image is not supported; use images (URL only)",
            "video is not supported; use videos (URL only)",
            "seconds is required for all video models",
            "images must be http(s) URLs",
            "videos must be http(s) URLs",
            "metadata.camera is not supported",
            "metadata.enhance_prompt must be Enabled or Disabled",
            "metadata.input_region must be Oversea or Mainland",
            "metadata.scene_type must be motion_control, template_effect or land2port",
            "output_config.OffPeak must be Enabled or Disabled",
            "output_config.Resolution is not supported; resolution is set by model",
            "prompt must not exceed 2000 characters",
        ],
    ),
    Row(
        "an unknown model is said alone when only the model could tell",
        {
            "model": "Kling-9.9-720p",
            "seconds": 99,
            "prompt": "a cat runs",
            "images": PICTURES[:2],
            "videos": [CLIP],
            "metadata": {
                "aspect_ratio": "3:2",
                "vidu_q2_object_ids": ["girl", "dog"],
                "output_config": {"OffPeak": "Enabled", "LogoAdd": "Enabled"},
                "ext_info": {"AdditionalParameters": {"shot_type": "intelligence", "element_list": "x"}},
            },
        },
        ["The model 'Kling-9.9-720p' does not exist"],
    ),
    Row(
        "an unknown model still needs a prompt",
        {"model": "Kling-9.9-720p", "seconds": 5},
        [
            "The model 'Kling-9.9-720p' does not exist",
            "prompt is required when both images and videos are empty",
        ],
    ),
]

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

# Section 3: metadata.

METADATA_KEYS = [
    "negative_prompt", "enhance_prompt", "input_region", "aspect_ratio", "scene_type", "SceneType",
    "ext_info", "ExtInfo", "output_config", "vidu_q2_object_ids", "vidu_q2_voice_map",
]  # fmt: skip
SCENE_TYPE_INVALID = "metadata.scene_type must be motion_control, template_effect or land2port"
ENHANCE_INVALID = "metadata.enhance_prompt must be Enabled or Disabled"
REGION_INVALID = "metadata.input_region must be Oversea or Mainland"

METADATA_ROWS = [
    *(
        Row(
            f"metadata of {value!r} is not an object",
            body("Kling-2.6-720p", metadata=value),
            ["metadata must be an object"],
        )
        for value in [["camera"], 5, 0, True, False, 1.5, "camera", "[1]", "{", "null"]
    ),
    Row("metadata may be empty", meta("Kling-2.6-720p")),
    Row(
        "metadata may be one JSON string",
        body("Kling-2.6-720p", metadata='{"negative_prompt": "blur"}'),
        payload={"NegativePrompt": "blur"},
    ),
    *(
        Row(
            f"an unknown metadata key of {value!r} is refused",
            meta("Kling-2.6-720p", camera=value),
            ["metadata.camera is not supported"],
        )
        for value in ["pan", " ", 0, 1, False, True, [None], {"a": None}]
    ),
    *(
        Row(
            f"an unknown metadata key of {value!r} passes",
            meta("Kling-2.6-720p", camera=value),
            not_forwarded=[],
        )
        for value in EMPTIES
    ),
    *(
        Row(
            f"metadata.{key} of {value!r} counts as absent",
            meta("Hailuo-02-768p", **{key: value}),
            payload={
                "NegativePrompt": ABSENT,
                "EnhancePrompt": ABSENT,
                "SceneType": ABSENT,
                "AdditionalParameters": ABSENT,
            },
            not_forwarded=[],
        )
        for key in METADATA_KEYS
        for value in EMPTIES
    ),
    *(
        Row(
            f"metadata keys have a case: {key}",
            meta("Kling-2.6-720p", **{key: "x"}),
            [f"metadata.{key} is not supported"],
        )
        for key in ["Negative_Prompt", "AspectRatio", "sceneType", "EXT_INFO", "OutputConfig", "OffPeak"]
    ),
    Row(
        "unknown metadata keys are refused in request order",
        meta("Kling-2.6-720p", zoom=1, camera="pan", angle=2),
        [f"metadata.{key} is not supported" for key in ["zoom", "camera", "angle"]],
    ),
    # other top-level fields
    Row(
        "other top-level fields pass and are told of in request order",
        {"user": "alice", **meta("Kling-2.6-720p", input_region="Oversea"), "camera": {"a": [NUL]}, NUL: 1},
        payload={"Prompt": "a cat runs"},
        not_forwarded=["user", "metadata.input_region", "camera", "a\N{REPLACEMENT CHARACTER}b"],
    ),
    Row(
        "what changes nothing passes and is told of",
        body("Kling-2.6-720p", n="1", duration=5.0, image_url="", video_urls=[], scene_type=None, size=""),
        not_forwarded=["n", "duration", "image_url", "video_urls", "scene_type", "size"],
    ),
    Row(
        "what says the same as the model and metadata passes and is told of",
        {
            **meta("Kling-2.6-720p", aspect_ratio="16:9", negative_prompt="blur"),
            "resolution": "720P",
            "aspect_ratio": "16:9",
            "negative_prompt": "blur",
        },
        not_forwarded=["resolution", "aspect_ratio", "negative_prompt"],
    ),
    *(
        Row(
            f"{field} is refused",
            body("Kling-2.6-720p", **{field: value}),
            [f"{field} is not supported; {instead}"],
        )
        for fields, value, instead in [
            (IMAGES_ELSEWHERE, "https://cdn.example.com/a.png", "use images (URL only)"),
            (VIDEOS_ELSEWHERE, ["https://cdn.example.com/a.mp4"], "use videos (URL only)"),
            (("resolution",), "1080p", "resolution is set by model"),
        ]
        for field in fields
    ),
    *(
        Row(
            f"{field} at the top level is refused",
            body("Kling-2.6-720p", **{field: "16:9"}),
            [f"{field} is not supported; use metadata.{field}"],
        )
        for field in ["aspect_ratio", "negative_prompt", "enhance_prompt", "scene_type", "output_config"]
    ),
    *(
        Row(
            f"a duration of {value!r} is refused",
            body("Kling-2.6-720p", duration=value),
            ["duration is not supported; use seconds"],
        )
        for value in [10, "10", 0, True, "5.0", "short", [5]]
    ),
    *(
        Row(
            f"n of {value!r} is refused",
            body("Kling-2.6-720p", n=value),
            ["n is not supported; send one request for each video"],
        )
        for value in [0, 2, "4", True, 1.5, "one"]
    ),
    Row(
        "several are refused in the order of the contract, before seconds",
        body("Kling-2.6-720p", seconds="7", n=2, resolution="4k", video_url="x", last_frame="x"),
        [
            "last_frame is not supported; use images (URL only)",
            "video_url is not supported; use videos (URL only)",
            "resolution is not supported; resolution is set by model",
            "n is not supported; send one request for each video",
            "Kling 2.6 seconds must be 5 or 10",
        ],
    ),
    *(
        Row(
            f"a size of {size} sets the ratio of {model}",
            body(model, size=size, seconds=seconds),
            payload={"ExtraParameters": {"AspectRatio": ratio}},
            not_forwarded=[],
        )
        for model, seconds, size, ratio in [
            ("Kling-2.6-720p", "5", "1280x720", "16:9"),
            ("Kling-2.6-1080p", "5", "1080x1920", "9:16"),
            ("Vidu-q2-720p", "4", "960x720", "4:3"),
            ("OS-2.0-720p", "4", "720x1280", "9:16"),
            ("Kling-2.6-720p", "5", "720x720", "1:1"),
        ]
    ),
    Row(
        "a size that says what the ratio says passes",
        {**meta("Kling-2.6-720p", aspect_ratio="9:16"), "size": "720x1280"},
        payload={"ExtraParameters": {"AspectRatio": "9:16"}},
        not_forwarded=[],
    ),
    *(
        Row(f"an empty size of {empty!r} says nothing", body("Hailuo-2.3-768p", size=empty))
        for empty in EMPTIES
    ),
    *(
        Row(
            f"a size of {size!r} is none",
            body("Kling-2.6-720p", size=size),
            ["size must be WIDTHxHEIGHT, such as 1280x720"],
        )
        for size in ["720p", "1280X720", "1280 x 720", "0x720", "16:9", 720, True, ["1280x720"], "999999x720"]
    ),
    Row(
        "a size of another ratio than the one given is refused, and so is its resolution",
        {**meta("Kling-2.6-720p", aspect_ratio="16:9"), "size": "1080x1920"},
        [
            "size and metadata.aspect_ratio differ",
            "size must have the resolution of the model, 720p",
        ],
    ),
    Row(
        "a size whose ratio the model does not take is refused in the ratio's words",
        body("Kling-2.6-720p", size="1680x720"),
        ["metadata.aspect_ratio is invalid"],
    ),
    Row(
        "a model that takes no ratio takes no size",
        body("Hailuo-2.3-768p", seconds="6", size="1366x768"),
        ["Hailuo does not support aspect_ratio"],
    ),
    Row(
        "OS takes a size without images alone",
        body("OS-2.0-720p", seconds="4", size="1280x720", images=["https://cdn.example.com/a.png"]),
        ["OS aspect_ratio is only supported for text-to-video"],
    ),
    # negative_prompt, enhance_prompt, input_region
    Row(
        "a negative_prompt is sent",
        meta("Kling-2.6-720p", negative_prompt="blur"),
        payload={"NegativePrompt": "blur"},
        not_forwarded=[],
    ),
    *(
        Row(
            f"a negative_prompt of {value!r} is not a string",
            meta("Kling-2.6-720p", negative_prompt=value),
            ["metadata.negative_prompt must be a string"],
        )
        for value in [5, 0, False, True, ["blur"], {"a": "blur"}]
    ),
    *(
        Row(
            f"enhance_prompt {value!r} is {sent}",
            meta("Vidu-q3-720p", enhance_prompt=value),
            payload={"EnhancePrompt": sent},
            not_forwarded=[],
        )
        for value, sent in [("Enabled", True), ("Disabled", False), (True, True), (False, False)]
    ),
    *(
        Row(
            f"enhance_prompt {value!r} is refused",
            meta("Vidu-q3-720p", enhance_prompt=value),
            [ENHANCE_INVALID],
        )
        for value in ["enabled", "On", " Enabled", 1, 0, 1.0, ["Enabled"], {"a": True}]
    ),
    *(
        Row(
            f"input_region {value} has no field upstream",
            meta("Kling-2.6-720p", input_region=value),
            payload={"InputRegion": ABSENT},
            not_forwarded=["metadata.input_region"],
        )
        for value in ["Oversea", "Mainland"]
    ),
    *(
        Row(
            f"input_region {value!r} is refused", meta("Kling-2.6-720p", input_region=value), [REGION_INVALID]
        )
        for value in ["Mars", "mainland", "Overseas", 1, True, False, ["Oversea"], {"a": 1}]
    ),
]

# Section 3: aspect_ratio.

RATIO_INVALID = "metadata.aspect_ratio is invalid"
GV_RATIO, OS_RATIO = (
    "GV aspect_ratio must be 16:9 or 9:16",
    "OS aspect_ratio is only supported for text-to-video",
)
THREE, FIVE, TWO = ["16:9", "9:16", "1:1"], ["16:9", "9:16", "1:1", "4:3", "3:4"], ["16:9", "9:16"]
EVERY_RATIO = [*FIVE, "3:2", "21:9", "16x9", " 16:9"]
RATIOS: dict[str, tuple[list[str], str]] = {
    "Kling": (THREE, RATIO_INVALID),
    "Vidu-q2-720p": (FIVE, RATIO_INVALID),
    "Vidu-q2-1080p": (FIVE, RATIO_INVALID),
    "Vidu": (THREE, RATIO_INVALID),
    "Hailuo": ([], "Hailuo does not support aspect_ratio"),
    "GV": (TWO, GV_RATIO),
    "OS": (TWO, RATIO_INVALID),
    "Hunyuan": ([], RATIO_INVALID),
    "Mingmou": ([], RATIO_INVALID),
}


def ratios_of(model: str) -> tuple[list[str], str]:
    """Rows for the ratios the model accepts and for one it refuses."""
    return RATIOS.get(model) or RATIOS[model.split("-")[0]]


RATIO_ROWS = [
    *(
        Row(
            f"{model} takes the ratio {ratio}",
            meta(model, aspect_ratio=ratio),
            payload={"ExtraParameters": {"AspectRatio": ratio}},
            not_forwarded=[],
        )
        for model in MODEL_NAMES
        for ratio in ratios_of(model)[0]
    ),
    *(
        Row(f"{model} refuses the ratio {ratio!r}", meta(model, aspect_ratio=ratio), [ratios_of(model)[1]])
        for model in MODEL_NAMES
        for ratio in EVERY_RATIO
        if ratio not in ratios_of(model)[0]
    ),
    *(
        Row(f"{model} refuses a ratio of {value!r}", meta(model, aspect_ratio=value), [ratios_of(model)[1]])
        for model in ["Kling-2.6-720p", "Vidu-q2-720p", "Hailuo-02-768p", "GV-3.1-720p", "Hunyuan-1.5-720p"]
        for value in [169, True, ["16:9"], {"16:9": 1}]
    ),
    *(
        Row(
            f"{model} takes a ratio with an image too",
            body(model, images=[FIRST], metadata={"aspect_ratio": "16:9"}),
            payload={"ExtraParameters": {"AspectRatio": "16:9"}, "ImageUrl": FIRST},
        )
        for model in ["Kling-2.6-720p", "Kling-3.0-1080p", "Kling-o1-720p", "GV-3.1-720p", "Vidu-q3-pro-720p"]
    ),
    Row(
        "OS takes a ratio for text-to-video only",
        body("OS-2.0-720p", images=[FIRST], metadata={"aspect_ratio": "16:9"}),
        [OS_RATIO],
    ),
    Row(
        "OS takes a ratio with empty images",
        body("OS-2.0-720p", images=[], metadata={"aspect_ratio": "9:16"}),
    ),
]

# Section 3: scene_type and its alias.

SCENES = {"Kling": "motion_control", "Vidu": "template_effect", "Mingmou": "land2port"}

SCENE_ROWS = [
    *(
        Row(
            f"{model} takes {scene} as metadata.{key}",
            meta(model, **{key: scene}),
            payload={"SceneType": scene},
            not_forwarded=[],
        )
        for model in ["Kling-2.6-720p", "Vidu-q2-turbo-720p", "Mingmou-1.0-720p"]
        for scene in [SCENES[model.split("-")[0]]]
        for key in ["scene_type", "SceneType"]
    ),
    *(
        Row(
            f"{model} is not sent {scene} from metadata.{key}",
            meta(model, **{key: scene}),
            payload={"SceneType": ABSENT},
            not_forwarded=[f"metadata.{key}"],
        )
        for model in [
            "Kling-2.6-720p",
            "Vidu-q2-turbo-720p",
            "Mingmou-1.0-720p",
            "Hailuo-02-768p",
            "GV-3.1-720p",
        ]
        for scene in SCENES.values()
        for key in ["scene_type", "SceneType"]
        if scene != SCENES.get(model.split("-")[0])
    ),
    *(
        Row(
            f"scene_type {value!r} is refused", meta("Kling-2.6-720p", scene_type=value), [SCENE_TYPE_INVALID]
        )
        for value in ["lip_sync", "Motion_Control", " motion_control", 1, True, ["motion_control"], {"a": 1}]
    ),
    Row(
        "scene_type and SceneType may say the same",
        meta("Kling-2.6-720p", scene_type="motion_control", SceneType="motion_control"),
        payload={"SceneType": "motion_control"},
    ),
    Row(
        "scene_type and SceneType may not differ",
        meta("Kling-2.6-720p", scene_type="motion_control", SceneType="land2port"),
        ["metadata.scene_type and metadata.SceneType differ"],
    ),
    *(
        Row(
            f"an alias of {value!r} does not differ",
            meta("Kling-2.6-720p", scene_type=value, SceneType="motion_control"),
            payload={"SceneType": "motion_control"},
        )
        for value in EMPTIES
    ),
    Row(
        "ext_info and ExtInfo may say the same",
        meta(
            "Kling-2.6-720p",
            ext_info={"AdditionalParameters": {"a": 1}},
            ExtInfo={"AdditionalParameters": {"a": 1}},
        ),
        payload={"AdditionalParameters@json": {"a": 1}},
    ),
    Row(
        "ext_info and ExtInfo differ where one says 1 and the other true",
        meta(
            "Kling-2.6-720p",
            ext_info={"AdditionalParameters": {"a": 1}},
            ExtInfo={"AdditionalParameters": {"a": True}},
        ),
        ["metadata.ext_info and metadata.ExtInfo differ"],
    ),
    Row(
        "ext_info and ExtInfo may not differ",
        meta(
            "Kling-2.6-720p",
            ext_info={"AdditionalParameters": {"a": 1}},
            ExtInfo={"AdditionalParameters": {"a": 2}},
        ),
        ["metadata.ext_info and metadata.ExtInfo differ"],
    ),
]

# Section 3: metadata.output_config.

SWITCHES = [
    "OffPeak",
    "AudioGeneration",
    "InputComplianceCheck",
    "OutputComplianceCheck",
    "EnhanceSwitch",
    "LogoAdd",
]
ON_OFF: list[tuple[Any, bool]] = [("Enabled", True), ("Disabled", False), (True, True), (False, False)]
UNFORWARDED = ["PersonGeneration", "InputComplianceCheck", "OutputComplianceCheck", "EnhanceSwitch"]

OUTPUT_ROWS = [
    *(
        Row(
            f"output_config of {value!r} is not an object",
            meta("Vidu-q2-720p", output_config=value),
            ["metadata.output_config must be an object"],
        )
        for value in ["Enabled", ["OffPeak"], 5, 0, True, False]
    ),
    *(
        Row(
            f"output_config.{switch} {value!r} is not on or off",
            config("Vidu-q2-720p", **{switch: value}),
            [f"output_config.{switch} must be Enabled or Disabled"],
        )
        for switch in SWITCHES
        for value in ["enabled", "On", 1, 0, ["Enabled"], {"a": True}]
    ),
    *(
        Row(
            f"output_config.OffPeak {value!r} is {sent}",
            config("Vidu-q2-720p", OffPeak=value),
            payload={"ExtraParameters": {"OffPeak": sent}},
            not_forwarded=[],
        )
        for value, sent in ON_OFF
    ),
    *(
        Row(
            f"output_config.LogoAdd {value!r} is the number {int(sent)}",
            config("Vidu-q3-pro-720p", LogoAdd=value),
            payload={"ExtraParameters": {"LogoAdd": int(sent)}},
            not_forwarded=[],
        )
        for value, sent in ON_OFF
    ),
    *(
        Row(
            f"output_config.AudioGeneration {value!r} is {sent}",
            config(model, AudioGeneration=value),
            payload={"ExtraParameters": {"EnableAudio": sent}},
            not_forwarded=[],
        )
        for model in ["Kling-2.6-720p"]
        for value, sent in ON_OFF
    ),
    *(
        Row(
            f"{model} takes AudioGeneration",
            config(model, AudioGeneration="Disabled"),
            payload={"ExtraParameters": {"EnableAudio": False}},
        )
        for model in MODEL_NAMES
    ),
    *(
        Row(
            f"{model} has no output_config.{switch}",
            config(model, **{switch: "Enabled"}),
            [f"output_config.{switch} is only supported for modelName Vidu"],
        )
        for model in MODEL_NAMES
        for switch in ["OffPeak", "LogoAdd"]
        if not model.startswith("Vidu-")
    ),
    *(
        Row(
            f"{model} takes output_config.{switch}",
            config(model, **{switch: "Disabled"}),
            payload={"ExtraParameters": {switch: 0 if switch == "LogoAdd" else False}},
        )
        for model in MODEL_NAMES
        for switch in ["OffPeak", "LogoAdd"]
        if model.startswith("Vidu-")
    ),
    *(
        Row(
            f"output_config.{switch} {value!r} has no field upstream",
            config("Kling-2.6-720p", **{switch: value}),
            not_forwarded=[f"metadata.output_config.{switch}"],
        )
        for switch in ["InputComplianceCheck", "OutputComplianceCheck", "EnhanceSwitch"]
        for value, _ in ON_OFF
    ),
    *(
        Row(
            f"output_config.PersonGeneration {value} has no field upstream",
            config("Kling-2.6-720p", PersonGeneration=value),
            not_forwarded=["metadata.output_config.PersonGeneration"],
        )
        for value in ["AllowAdult", "Disallowed"]
    ),
    *(
        Row(
            f"output_config.PersonGeneration {value!r} is refused",
            config("Kling-2.6-720p", PersonGeneration=value),
            ["output_config.PersonGeneration must be AllowAdult or Disallowed"],
        )
        for value in ["Enabled", "Disabled", "allowadult", True, False, 1, ["AllowAdult"]]
    ),
    *(
        Row(
            f"output_config.Resolution {value!r} is refused",
            config("Kling-2.6-720p", Resolution=value),
            ["output_config.Resolution is not supported; resolution is set by model"],
        )
        for value in ["1080P", "720P", 1080]
    ),
    *(
        Row(
            f"output_config.{key} is refused",
            config("Vidu-q2-720p", **{key: "Enabled"}),
            [f"output_config.{key} is not supported"],
        )
        for key in ["StorageMode", "offPeak", "EnableBgm", "AspectRatio", "Duration"]
    ),
    Row(
        "what has no field upstream is listed in request order",
        meta(
            "Kling-2.6-720p",
            output_config={
                "EnhanceSwitch": "Enabled",
                "PersonGeneration": "AllowAdult",
                "AudioGeneration": "Enabled",
                "InputComplianceCheck": "Disabled",
            },
            scene_type="land2port",
            negative_prompt="blur",
            input_region="Oversea",
        ),
        not_forwarded=[
            "metadata.output_config.EnhanceSwitch",
            "metadata.output_config.PersonGeneration",
            "metadata.output_config.InputComplianceCheck",
            "metadata.scene_type",
            "metadata.input_region",
        ],
    ),
    Row(
        "what has no field upstream is listed in another request order",
        meta(
            "Kling-2.6-720p",
            input_region="Oversea",
            output_config={
                "PersonGeneration": "AllowAdult",
                "OutputComplianceCheck": True,
                "EnhanceSwitch": False,
            },
        ),
        not_forwarded=[
            "metadata.input_region",
            "metadata.output_config.PersonGeneration",
            "metadata.output_config.OutputComplianceCheck",
            "metadata.output_config.EnhanceSwitch",
        ],
    ),
    Row(
        "the guide's own example is accepted",
        {
            "model": "Kling-3.0-omni-1080p",
            "seconds": "5",
            "prompt": "A girl dances while holding a puppy",
            "images": [FIRST, SECOND],
            "metadata": {
                "aspect_ratio": "16:9",
                "negative_prompt": "low quality, blur, shake, watermark, subtitles, deformed fingers",
                "enhance_prompt": "Enabled",
                "input_region": "Mainland",
                "output_config": {
                    "AudioGeneration": "Enabled",
                    "PersonGeneration": "AllowAdult",
                    "InputComplianceCheck": "Disabled",
                    "OutputComplianceCheck": "Disabled",
                },
            },
        },
        payload={
            "ModelName": "Kling",
            "ModelVersion": "3.0-Omni",
            "Duration": 5,
            "Prompt": "A girl dances while holding a puppy",
            "NegativePrompt": "low quality, blur, shake, watermark, subtitles, deformed fingers",
            "EnhancePrompt": True,
            "ExtraParameters": {"Resolution": "1080P", "AspectRatio": "16:9", "EnableAudio": True},
            **references(2),
        },
        not_forwarded=[
            "metadata.input_region",
            "metadata.output_config.PersonGeneration",
            "metadata.output_config.InputComplianceCheck",
            "metadata.output_config.OutputComplianceCheck",
        ],
    ),
]

# Section 3: ext_info.

EXT_INFO_INVALID = "metadata.ext_info must be a JSON string or object"
PARAMETERS_INVALID = "metadata.ext_info.AdditionalParameters must be a JSON object"
BIG = 2**63 - 1
PARAMETERS: Body = {
    "camera": {"type": "simple", "zoom": [1, 2.5, None, True]},
    "name": "été",
    "element_id": BIG,
}


def nested(depth: int) -> str:
    """JSON text of that many nested objects."""
    return '{"a":' * depth + "1" + "}" * depth


EXT_INFO_ROWS = [
    *(
        Row(
            f"ext_info may be {form} as metadata.{key}",
            meta("Kling-2.6-720p", **{key: value}),
            payload={"AdditionalParameters@json": PARAMETERS},
            not_forwarded=[],
        )
        for key in ["ext_info", "ExtInfo"]
        for form, value in [
            ("an object", {"AdditionalParameters": PARAMETERS}),
            ("an object with a JSON string", {"AdditionalParameters": json.dumps(PARAMETERS)}),
            ("a JSON string", json.dumps({"AdditionalParameters": PARAMETERS})),
            ("a JSON string in a JSON string", json.dumps({"AdditionalParameters": json.dumps(PARAMETERS)})),
        ]
    ),
    *(
        Row(f"ext_info of {name} is refused", meta("Kling-2.6-720p", ext_info=value), [EXT_INFO_INVALID])
        for name, value in [
            ("broken JSON", '{"AdditionalParameters":'),
            ("plain text", "motion"),
            ("blanks", "  "),
            ("a JSON array in a string", "[1]"),
            ("a JSON number in a string", "5"),
            ("JSON null in a string", "null"),
            ("a JSON string in a string", '"x"'),
            ("an array", [{"AdditionalParameters": {}}]),
            ("a number", 5),
            ("true", True),
            ("false", False),
            ("NaN in a string", '{"AdditionalParameters": {"a": NaN}}'),
            ("Infinity in a string", '{"AdditionalParameters": {"a": -Infinity}}'),
            ("21 nested objects in a string", nested(21)),
            ("800 nested objects in a string", nested(800)),
        ]
    ),
    *(
        Row(
            f"AdditionalParameters of {name} are refused",
            meta("Kling-2.6-720p", ext_info={"AdditionalParameters": value}),
            [PARAMETERS_INVALID],
        )
        for name, value in [
            ("broken JSON", '{"a":'),
            ("plain text", "motion"),
            ("a JSON array in a string", "[1]"),
            ("a JSON number in a string", "5"),
            ("a JSON string in a string", '"x"'),
            ("an array", [1]),
            ("a number", 5),
            ("true", True),
            ("NaN in a string", '{"a": NaN}'),
            ("800 nested objects in a string", nested(800)),
        ]
    ),
    Row(
        "ext_info may nest 20 deep in a string",
        meta("Kling-2.6-720p", ext_info=nested(20)),
        not_forwarded=["metadata.ext_info.a"],
    ),
    Row(
        "other keys of ext_info have no field upstream",
        meta("Kling-2.6-720p", ext_info={"AdditionalParameters": {"a": 1}, "StorageMode": "x"}),
        payload={"AdditionalParameters@json": {"a": 1}},
        not_forwarded=["metadata.ext_info.StorageMode"],
    ),
    *(
        Row(
            f"{model} is sent the template_effect parameters",
            body(
                model,
                images=[FIRST],
                metadata={
                    "scene_type": "template_effect",
                    "ext_info": {"AdditionalParameters": {"template": "morphlab"}},
                },
            ),
            payload={
                "SceneType": "template_effect",
                "ImageUrl": FIRST,
                "AdditionalParameters@json": {"template": "morphlab"},
            },
        )
        for model in ["Vidu-q2-turbo-720p"]
    ),
    *(
        Row(
            f"an element_id beyond a float survives in {form}",
            meta("Kling-3.0-720p", ext_info=value),
            payload={
                "AdditionalParameters@json": {
                    "element_list": [{"element_id": BIG}, {"element_id": 2**53 + 1}]
                }
            },
        )
        for big in [{"element_list": [{"element_id": BIG}, {"element_id": 2**53 + 1}]}]
        for form, value in [
            ("an object", {"AdditionalParameters": big}),
            ("a JSON string", json.dumps({"AdditionalParameters": big})),
            ("a JSON string in a JSON string", json.dumps({"AdditionalParameters": json.dumps(big)})),
        ]
    ),
]

# Section 3: Vidu q2 subjects.

Q2 = "Vidu-q2-720p"
IDS_LENGTH = "metadata.vidu_q2_object_ids length must match images (at least first 1-7) for Vidu:q2"
IDS_ITEMS = "metadata.vidu_q2_object_ids must contain non-empty strings"
IDS_ARRAY = "metadata.vidu_q2_object_ids must be an array"
VOICES_OBJECT = "metadata.vidu_q2_voice_map must be an object"
VOICES_NEED_IDS = "metadata.vidu_q2_voice_map requires metadata.vidu_q2_object_ids"
VOICES_VALUES = "metadata.vidu_q2_voice_map values must be non-empty strings"


def subjects(count: int, ids: Any, model: str = Q2, **metadata: Any) -> Body:
    return body(model, images=PICTURES[:count], metadata={"vidu_q2_object_ids": ids, **metadata})


SUBJECT_ROWS = [
    *(
        Row(
            f"{count} subjects go with their images on {model}",
            subjects(count, [f"id{number}" for number in range(count)], model),
            payload={
                "ImageInfos": [
                    {"ImageUrl": url, "ReferenceType": f"id{number}"}
                    for number, url in enumerate(PICTURES[:count])
                ],
                **REFERENCES_ONLY,
            },
            not_forwarded=[],
        )
        for model in [Q2, "Vidu-q2-1080p"]
        for count in [1, 2, 7]
    ),
    Row("object ids may be more than the images", subjects(2, ["girl", "dog", "cat"])),
    Row("object ids may not be fewer than the images", subjects(3, ["girl", "dog"]), [IDS_LENGTH]),
    Row("one object id does not cover seven images", subjects(7, ["girl"]), [IDS_LENGTH]),
    *(
        Row(f"object ids of {value!r} are not an array", subjects(1, value), [IDS_ARRAY])
        for value in ["girl", {"0": "girl"}, 5, True, False]
    ),
    *(
        Row(f"an object id of {value!r} is refused", subjects(2, ["girl", value]), [IDS_ITEMS])
        for value in ["", 5, None, True, ["dog"], {"id": "dog"}]
    ),
    Row(
        "a voice map has no field upstream",
        subjects(2, ["girl", "dog"], vidu_q2_voice_map={"girl": "voice-1"}),
        payload={
            "ImageInfos": [
                {"ImageUrl": FIRST, "ReferenceType": "girl"},
                {"ImageUrl": SECOND, "ReferenceType": "dog"},
            ]
        },
        not_forwarded=["metadata.vidu_q2_voice_map"],
    ),
    *(
        Row(
            f"a voice map of {value!r} is not an object",
            subjects(1, ["girl"], vidu_q2_voice_map=value),
            [VOICES_OBJECT],
        )
        for value in ["voice-1", ["voice-1"], 5, True, False]
    ),
    *(
        Row(
            f"a voice of {value!r} is refused",
            subjects(1, ["girl"], vidu_q2_voice_map={"girl": value}),
            [VOICES_VALUES],
        )
        for value in ["", 5, None, True, ["voice-1"]]
    ),
    *(
        Row(
            f"a voice map beside object ids of {value!r} needs object ids",
            subjects(1, value, vidu_q2_voice_map={"girl": "voice-1"}),
            [VOICES_NEED_IDS],
        )
        for value in EMPTIES
    ),
    Row(
        "a voice map without object ids is refused",
        body(Q2, images=[FIRST], metadata={"vidu_q2_voice_map": {"girl": "voice-1"}}),
        [VOICES_NEED_IDS],
    ),
    *(
        Row(
            f"{model} has no subjects",
            meta(model, vidu_q2_object_ids=["girl"], vidu_q2_voice_map={"girl": "voice-1"}),
            [
                "metadata.vidu_q2_object_ids is only supported for Vidu:q2",
                "metadata.vidu_q2_voice_map is only supported for Vidu:q2",
            ],
        )
        for model in MODEL_NAMES
        if model not in (Q2, "Vidu-q2-1080p")
    ),
]

# Section 4: Kling O1, 3.0 and 3.0-Omni.


class Elements(NamedTuple):
    videos: int
    images: int
    elements: int
    messages: list[str]


FOUR, SEVEN = "images + element_list must not exceed 4", "images + element_list must not exceed 7"
ELEMENTS = [
    Elements(1, 4, 0, []),
    Elements(1, 0, 4, []),
    Elements(1, 1, 3, []),
    Elements(1, 2, 2, []),
    Elements(1, 4, 1, [FOUR]),
    Elements(1, 0, 5, [FOUR]),
    Elements(1, 1, 4, [FOUR]),
    Elements(0, 7, 0, []),
    Elements(0, 0, 7, []),
    Elements(0, 5, 2, []),
    Elements(0, 3, 4, []),
    Elements(0, 7, 1, [SEVEN]),
    Elements(0, 0, 8, [SEVEN]),
    Elements(0, 4, 4, [SEVEN]),
    Elements(0, 1, 3, []),
    Elements(0, 1, 4, ["element_list supports at most 3 elements"]),
    Elements(0, 1, 7, [SEVEN, "element_list supports at most 3 elements"]),
    Elements(1, 5, 0, ["Reference images must not exceed 4", FOUR]),
    Elements(1, 5, 1, ["Reference images must not exceed 4", FOUR]),
    Elements(0, 8, 0, ["Reference images must not exceed 7", SEVEN]),
    Elements(0, 8, 1, ["Reference images must not exceed 7", SEVEN]),
]
SECTION_4 = ["Kling-o1-720p", "Kling-3.0-1080p", "Kling-3.0-omni-1080p"]
UNCHECKED = [
    "Kling-2.6-720p",
    "Hailuo-02-768p",
    "Vidu-q2-720p",
    "GV-3.1-720p",
    "OS-2.0-720p",
    "Hunyuan-1.5-720p",
]

ELEMENT_ROWS = [
    *(
        Row(
            f"{model} with {case.videos} videos, {case.images} images and {case.elements} elements",
            extras(
                model,
                {"element_list": elements(case.elements)},
                images=PICTURES[: case.images],
                videos=[CLIP] * case.videos,
            ),
            case.messages,
            None
            if case.messages
            else {"AdditionalParameters@json": {"element_list": elements(case.elements)}},
        )
        for model in SECTION_4
        for case in ELEMENTS
    ),
    *(
        Row(
            f"an element_list of {value!r} is not an array",
            extras("Kling-o1-720p", {"element_list": value}),
            ["element_list must be an array"],
        )
        for value in ["x", {"element_id": 1}, 5, True]
    ),
    *(
        Row(
            f"element_list is counted in {form} too",
            body("Kling-3.0-720p", images=[FIRST], metadata={"ext_info": value}),
            ["element_list supports at most 3 elements"],
        )
        for form, value in [
            ("a JSON string", json.dumps({"AdditionalParameters": {"element_list": elements(4)}})),
            (
                "a JSON string in a JSON string",
                json.dumps({"AdditionalParameters": json.dumps({"element_list": elements(4)})}),
            ),
        ]
    ),
]

SHOT_TYPE, SHOT_COUNT = "shot_type must be customize", "multi_prompt must contain 1-6 items"
SHOT_ARRAY = "multi_prompt must be an array"
SHOT_PROMPT = "Each multi_prompt.prompt must be a non-empty string"
SHOT_PROMPT_LENGTH = "Each multi_prompt.prompt must not exceed 512 characters"
SHOT_INDEX = "Each multi_prompt.index must be greater than or equal to 1"
SHOT_DURATION = "Each multi_prompt.duration must be greater than or equal to 1"
SHOT_TOO_LONG = "Each multi_prompt.duration must not exceed the total task duration"
SHOT_SUM = "The sum of all multi_prompt.duration values must equal seconds"
NO_SHOT_TYPE, NO_SHOTS = "shot_type must not be provided", "Non-empty multi_prompt must not be provided"
WRONG_SHOTS: Body = {"multi_shot": True, "shot_type": "intelligence", "multi_prompt": [{"duration": 99}]}

SHOT_ROWS = [
    *(
        Row(
            f"{model} takes {len(durations)} shots",
            extras(model, shots(*durations), seconds=sum(durations)),
            payload={"AdditionalParameters@json": shots(*durations)},
        )
        for model in SECTION_4
        for durations in [(5,), (2, 3), (1, 1, 1, 1, 1, 1)]
    ),
    Row(
        "the shot prompts replace the prompt",
        without("prompt", extras("Kling-3.0-720p", shots(2, 3))),
        payload={"Prompt": "shot 1", "AdditionalParameters@json": shots(2, 3)},
    ),
    Row(
        "a blank prompt is replaced by the first shot's",
        extras("Kling-3.0-720p", shots(2, 3), prompt=" "),
        payload={"Prompt": "shot 1"},
    ),
    Row(
        "a prompt given beside shots is still sent",
        extras("Kling-3.0-720p", shots(2, 3)),
        payload={"Prompt": "a cat runs"},
    ),
    *(
        Row(
            f"multi_shot {value!r} is on",
            extras("Kling-3.0-720p", shots(5, multi_shot=value, shot_type="intelligence")),
            [SHOT_TYPE],
        )
        for value in [True, "true"]
    ),
    *(
        Row(
            f"multi_shot {value!r} is off",
            extras("Kling-3.0-720p", shots(5, multi_shot=value)),
            [NO_SHOT_TYPE, NO_SHOTS],
        )
        for value in [False, "false", None]
    ),
    Row(
        "numeric strings are numbers of a shot",
        extras("Kling-3.0-720p", shots("2", "3", multi_shot="true")),
        payload={"Duration": 5},
    ),
    Row("an index may be a numeric string", extras("Kling-3.0-720p", shot(index="1", duration="5"))),
    *(
        Row(
            f"a shot_type of {value!r} is refused",
            extras("Kling-3.0-720p", shots(5, shot_type=value)),
            [SHOT_TYPE],
        )
        for value in ["intelligence", "Customize", "", None, 5, ["customize"]]
    ),
    Row(
        "a missing shot_type is refused",
        extras("Kling-3.0-720p", without("shot_type", shots(5))),
        [SHOT_TYPE],
    ),
    Row("no shots are too few", extras("Kling-3.0-720p", shots(multi_prompt=[])), [SHOT_COUNT]),
    Row("seven shots are too many", extras("Kling-3.0-720p", shots(*[1] * 7), seconds=7), [SHOT_COUNT]),
    *(
        Row(
            f"a multi_prompt of {value!r} is not an array",
            extras("Kling-3.0-720p", shots(multi_prompt=value)),
            [SHOT_ARRAY],
        )
        for value in ["shot 1", {"prompt": "shot 1"}, 5, True]
    ),
    Row("a shot's prompt may have 512 characters", extras("Kling-3.0-720p", shot(prompt="é" * 512))),
    Row(
        "a shot's prompt has no more", extras("Kling-3.0-720p", shot(prompt="x" * 513)), [SHOT_PROMPT_LENGTH]
    ),
    *(
        Row(
            f"a shot's prompt of {value!r} is refused",
            extras("Kling-3.0-720p", shot(prompt=value)),
            [SHOT_PROMPT],
        )
        for value in ["", None, 5, True, ["shot 1"]]
    ),
    *(
        Row(
            f"a shot's index of {value!r} is refused",
            extras("Kling-3.0-720p", shot(index=value)),
            [SHOT_INDEX],
        )
        for value in [0, -1, "0", "one", None, [1]]
    ),
    *(
        Row(
            f"a shot's duration of {value!r} is too short",
            extras("Kling-3.0-720p", shots(5, value)),
            [SHOT_DURATION],
        )
        for value in [0, "0"]
    ),
    Row("a negative duration is too short", extras("Kling-3.0-720p", shots(3, 3, -1)), [SHOT_DURATION]),
    Row(
        "a shot may not be longer than the video",
        extras("Kling-3.0-720p", shots(6)),
        [SHOT_TOO_LONG, SHOT_SUM],
    ),
    Row(
        "a numeric string may not be longer than the video",
        extras("Kling-3.0-720p", shots("6", -1), seconds="5"),
        [SHOT_DURATION, SHOT_TOO_LONG],
    ),
    *(
        Row(
            f"shots of {durations} do not make five seconds",
            extras("Kling-3.0-720p", shots(*durations)),
            [SHOT_SUM],
        )
        for durations in [(4,), (2, 2), (3, 3), ("2", "2"), (5, 5)]
    ),
    Row(
        "faults of shots come by rule, then by item",
        extras(
            "Kling-3.0-720p",
            {
                "multi_shot": True,
                "shot_type": "intelligence",
                "multi_prompt": [
                    {"index": 0, "prompt": "shot 1", "duration": 6},
                    {"index": 1, "prompt": "x" * 513, "duration": 0},
                ],
            },
        ),
        [SHOT_TYPE, SHOT_PROMPT_LENGTH, SHOT_INDEX, SHOT_DURATION, SHOT_TOO_LONG, SHOT_SUM],
    ),
    Row(
        "without multi_shot there is no shot_type",
        extras("Kling-3.0-720p", {"shot_type": "customize"}),
        [NO_SHOT_TYPE],
    ),
    Row(
        "without multi_shot there is no multi_prompt",
        extras("Kling-3.0-720p", {"multi_prompt": shots(5)["multi_prompt"]}),
        [NO_SHOTS],
    ),
    Row(
        "without multi_shot an empty multi_prompt passes",
        extras("Kling-3.0-720p", {"multi_shot": False, "multi_prompt": []}),
    ),
    Row(
        "without multi_shot the shots do not replace the prompt",
        without("prompt", extras("Kling-3.0-720p", {"multi_prompt": shots(5)["multi_prompt"]})),
        [NO_SHOTS, PROMPT_REQUIRED],
    ),
    *(
        Row(
            f"{model} passes shots and elements through unchecked",
            extras(model, {**WRONG_SHOTS, "element_list": "x"}),
            payload={"AdditionalParameters@json": {**WRONG_SHOTS, "element_list": "x"}},
            not_forwarded=[],
        )
        for model in UNCHECKED
    ),
    *(
        Row(
            f"{model} needs its prompt beside shots",
            without("prompt", extras(model, shots(5))),
            [PROMPT_REQUIRED],
        )
        for model in UNCHECKED
    ),
]

# max_cost, which is not part of the request.

COST_INVALID = "max_cost must be an amount of money, such as 1.50"
COSTS: list[Any] = [None, 0, 4, 4.5, 1e-07, 10**11, "0", "4", "4.00", "0.000001", "1e2", "5E-1"]
NOT_COSTS: list[Any] = [
    *["", " 4", "4 ", "4,00", "CNY 4", "-1", "+1", ".5", "5.", "0x10", "1e999", "NaN", "Infinity", "four"],
    *["\u0664", "\uff14", "\u00b2", NUL, "9" * 13, "9" * 5000],
    *[-1, -0.5, 10**12, float("inf"), float("nan"), True, False, [], [4], {}, {"amount": 4}],
]

COST_ROWS = [
    *(
        Row(
            f"max_cost may be {cost!r}",
            body("Kling-2.6-720p", max_cost=cost),
            payload={"Prompt": "a cat runs"},
        )
        for cost in COSTS
    ),
    *(
        Row(
            f"max_cost must not be {str(cost)[:20]!a} ({kind})",
            body("Kling-2.6-720p", max_cost=cost),
            [COST_INVALID],
        )
        for cost in NOT_COSTS
        for kind in [type(cost).__name__]
    ),
]

# Section 5: order of checks, and what cannot be stored.

ORDER_ROWS = [
    Row(
        "every violation comes in the order of the contract",
        {
            "max_cost": "much",
            "prompt": 5,
            "metadata": {
                "ext_info": {"AdditionalParameters": {"element_list": "x", "shot_type": "customize"}},
                "output_config": {
                    "Resolution": "1080P",
                    "LogoAdd": "Enabled",
                    "PersonGeneration": "Nobody",
                    "OffPeak": "on",
                },
                "vidu_q2_object_ids": ["girl"],
                "scene_type": "lip_sync",
                "aspect_ratio": "4:3",
                "input_region": "Mars",
                "enhance_prompt": "on",
                "negative_prompt": 5,
                "camera": "pan",
            },
            "videos": "x",
            "images": "x",
            "seconds": 2,
            "input_reference": FIRST,
            "video": CLIP,
            "image": FIRST,
            "model": "Kling-3.0-720p",
        },
        [
            "image is not supported; use images (URL only)",
            "video is not supported; use videos (URL only)",
            "input_reference is not supported; use images (URL only)",
            "Kling 3.0 seconds must be 3-15",
            IMAGES_MUST_BE_URLS,
            "videos must be http(s) URLs",
            "metadata.camera is not supported",
            "metadata.negative_prompt must be a string",
            ENHANCE_INVALID,
            REGION_INVALID,
            RATIO_INVALID,
            SCENE_TYPE_INVALID,
            "metadata.vidu_q2_object_ids is only supported for Vidu:q2",
            "output_config.OffPeak must be Enabled or Disabled",
            "output_config.OffPeak is only supported for modelName Vidu",
            "output_config.PersonGeneration must be AllowAdult or Disallowed",
            "output_config.LogoAdd is only supported for modelName Vidu",
            "output_config.Resolution is not supported; resolution is set by model",
            "element_list must be an array",
            NO_SHOT_TYPE,
            "prompt must be a string",
            COST_INVALID,
        ],
    ),
    Row(
        "ext_info comes after output_config and before the prompt",
        without("prompt", meta("Kling-3.0-720p", ext_info="{", output_config={"OffPeak": "Enabled"})),
        ["output_config.OffPeak is only supported for modelName Vidu", EXT_INFO_INVALID, PROMPT_REQUIRED],
    ),
    *(
        Row(
            f"a prompt with {text!a} cannot be stored",
            body("Kling-2.6-720p", prompt=text),
            ["prompt contains characters that cannot be stored"],
        )
        for text in [NUL, LONE_SURROGATE]
    ),
    *(
        Row(
            f"a negative_prompt with {text!a} cannot be stored",
            meta("Kling-2.6-720p", negative_prompt=text),
            ["metadata.negative_prompt contains characters that cannot be stored"],
        )
        for text in [NUL, LONE_SURROGATE]
    ),
    Row(
        "text that cannot be stored is refused in ext_info",
        meta("Kling-2.6-720p", ext_info={"AdditionalParameters": {"a": NUL}}),
        ["metadata.ext_info contains characters that cannot be stored"],
    ),
    Row(
        "a pair of surrogates is a character",
        body("Kling-2.6-720p", prompt=json.loads('"\\ud83c\\udfac"')),
        payload={"Prompt": "\U0001f3ac"},
    ),
]

ROWS: list[Row] = [
    *MODEL_ROWS,
    *SECONDS_ROWS,
    *PROMPT_ROWS,
    *IMAGE_ROWS,
    *VIDEO_ROWS,
    *METADATA_ROWS,
    *RATIO_ROWS,
    *SCENE_ROWS,
    *OUTPUT_ROWS,
    *EXT_INFO_ROWS,
    *SUBJECT_ROWS,
    *ELEMENT_ROWS,
    *SHOT_ROWS,
    *COST_ROWS,
    *ORDER_ROWS,
]
