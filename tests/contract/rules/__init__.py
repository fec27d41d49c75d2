"""The contract's rules for request bodies as data: one row per sentence, in its order."""

from tests.contract.rules.bodies import ORDER_ROWS
from tests.contract.rules.media import IMAGE_ROWS, PROMPT_ROWS, SECONDS_ROWS, VIDEO_ROWS
from tests.contract.rules.metadata import (
    EXT_INFO_ROWS,
    METADATA_ROWS,
    OUTPUT_ROWS,
    RATIO_ROWS,
    SCENE_ROWS,
    SUBJECT_ROWS,
)
from tests.contract.rules.models import MODEL_ROWS
from tests.contract.rules.rows import Row
from tests.contract.rules.shots import COST_ROWS, ELEMENT_ROWS, SHOT_ROWS

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
