"""Section 2: names of models."""

from tests.contract.rules.rows import ABSENT, CLIP, FIRST, PICTURES, USUAL_SECONDS, Row, body

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
