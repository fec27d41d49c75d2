"""The contract's rules for request bodies as data: one row per sentence, in its order."""

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
