"""max_cost, the order of errors, and other rules of whole bodies."""

import json

from tests.contract.rules.media import IMAGES_MUST_BE_URLS, PROMPT_REQUIRED
from tests.contract.rules.metadata import (
    ENHANCE_INVALID,
    EXT_INFO_INVALID,
    RATIO_INVALID,
    REGION_INVALID,
    SCENE_TYPE_INVALID,
)
from tests.contract.rules.rows import CLIP, FIRST, LONE_SURROGATE, NUL, Row, body, meta, without
from tests.contract.rules.shots import COST_INVALID, NO_SHOT_TYPE

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
