"""Section 3: metadata, aspect ratio, scene type, output_config, ext_info and subjects."""

import json
from typing import Any

from tests.contract.rules.media import REFERENCES_ONLY, references
from tests.contract.rules.models import MODEL_NAMES
from tests.contract.rules.rows import (
    ABSENT,
    EMPTIES,
    FIRST,
    IMAGES_ELSEWHERE,
    NUL,
    PICTURES,
    SECOND,
    VIDEOS_ELSEWHERE,
    Body,
    Row,
    body,
    config,
    meta,
)

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
