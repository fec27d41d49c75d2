"""Section 4: elements and shots of Kling."""

import json
from typing import Any, NamedTuple

from tests.contract.rules.media import PROMPT_REQUIRED
from tests.contract.rules.rows import (
    CLIP,
    FIRST,
    NUL,
    PICTURES,
    Body,
    Row,
    body,
    elements,
    extras,
    shot,
    shots,
    without,
)

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
