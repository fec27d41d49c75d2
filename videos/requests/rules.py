"""The rules that a request for a video can break, by name; `explanations` has a sentence for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Values = Mapping[str, Any]
"""What a rule's sentence names, such as the lengths that are allowed."""


class Rule(StrEnum):
    """Stable names, with the values that come with each."""

    # of the whole body
    TOO_MANY_BYTES = "too_many_bytes"
    """`most`"""
    TOO_MANY_ITEMS = "too_many_items"
    """`most`"""
    FIELD_NOT_SUPPORTED = "field_not_supported"
    """`field`"""
    TEXT_NOT_FILE = "text_not_file"
    """`field`"""
    NOT_TEXT = "not_text"
    NOT_STORABLE = "not_storable"
    NOT_ON_OR_OFF = "not_on_or_off"
    NOT_A_CHOICE = "not_a_choice"
    NAMES_DIFFER = "names_differ"
    """`first`, `second`: two names of one field, whose values differ."""
    MORE = "more"
    """`count`: the number of further violations, which are not listed."""

    # of single fields
    MODEL_MISSING = "model_missing"
    MODEL_UNKNOWN = "model_unknown"
    """`model`"""
    MODEL_NOT_ALLOWED = "model_not_allowed"
    """`model`"""
    SECONDS_MISSING = "seconds_missing"
    SECONDS_NOT_WHOLE = "seconds_not_whole"
    SECONDS_NOT_ALLOWED = "seconds_not_allowed"
    """`model`, `value`, `allowed`"""
    PROMPT_MISSING = "prompt_missing"
    PROMPT_TOO_LONG = "prompt_too_long"
    """`most`, `length` in characters"""
    SIZE_MALFORMED = "size_malformed"
    SIZE_NOT_THE_RATIO = "size_not_the_ratio"
    SIZE_NOT_THE_RESOLUTION = "size_not_the_resolution"
    """`resolution`"""
    MAX_COST_MALFORMED = "max_cost_malformed"
    COST_OVER_MAXIMUM = "cost_over_maximum"
    """`cost`, `most` with the currency"""

    # of images, videos and files
    URL_MALFORMED = "url_malformed"
    URL_TOO_LONG = "url_too_long"
    """`most` in characters"""
    IMAGES_NOT_SUPPORTED = "images_not_supported"
    """`model`"""
    TOO_MANY_IMAGES = "too_many_images"
    """`model`, `most`"""
    VIDEOS_NOT_SUPPORTED = "videos_not_supported"
    TOO_MANY_VIDEOS = "too_many_videos"
    """`most`"""
    FILE_UNKNOWN = "file_unknown"
    """`file`"""
    FILE_OF_ANOTHER_KIND = "file_of_another_kind"
    """`allowed`"""
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    """`most_bytes`"""
    FILE_DAMAGED = "file_damaged"
    FILE_NOT_STORED = "file_not_stored"
    IMAGE_TOO_LARGE = "image_too_large"
    """`width`, `height`, `most` in pixels"""
    IMAGE_OF_ANOTHER_SIZE = "image_of_another_size"
    """`model`, `allowed`, `value`"""
    INPUT_UNREADABLE = "input_unreadable"
    """`url`"""

    # of metadata
    NOT_AN_OBJECT = "not_an_object"
    RATIO_NOT_SUPPORTED = "ratio_not_supported"
    """`model`"""
    RATIO_NOT_ALLOWED = "ratio_not_allowed"
    """`model`, `value`, `allowed`"""
    RATIO_WITH_IMAGES = "ratio_with_images"
    """`model`"""
    RESOLUTION_OF_THE_MODEL = "resolution_of_the_model"
    SWITCH_OF_ANOTHER_MODEL = "switch_of_another_model"
    """`owner`"""
    SUBJECTS_NOT_A_LIST = "subjects_not_a_list"
    TOO_FEW_SUBJECTS = "too_few_subjects"
    SUBJECTS_NOT_SUPPORTED = "subjects_not_supported"
    SUBJECT_EMPTY = "subject_empty"
    VOICES_WITHOUT_SUBJECTS = "voices_without_subjects"
    VOICES_NOT_SUPPORTED = "voices_not_supported"
    VOICE_EMPTY = "voice_empty"

    # of references and shots
    TOO_MANY_REFERENCES = "too_many_references"
    """`most`"""
    TOO_MANY_REFERENCES_AND_ELEMENTS = "too_many_references_and_elements"
    """`most`"""
    TOO_MANY_ELEMENTS = "too_many_elements"
    """`most`"""
    ELEMENTS_NOT_A_LIST = "elements_not_a_list"
    SHOT_TYPE_MISSING = "shot_type_missing"
    SHOT_TYPE_WITHOUT_SHOTS = "shot_type_without_shots"
    SHOTS_SWITCHED_OFF = "shots_switched_off"
    SHOTS_NOT_A_LIST = "shots_not_a_list"
    SHOT_COUNT = "shot_count"
    """`most`"""
    SHOT_PROMPT_MISSING = "shot_prompt_missing"
    SHOT_PROMPT_TOO_LONG = "shot_prompt_too_long"
    """`most` in characters"""
    SHOT_INDEX = "shot_index"
    SHOT_TOO_SHORT = "shot_too_short"
    SHOT_TOO_LONG = "shot_too_long"
    """`most` in seconds"""
    SHOTS_NOT_THE_LENGTH = "shots_not_the_length"
    """`total` of the shots, and `seconds` of the video"""

    # of what may be asked for now
    TENANT_SUSPENDED = "tenant_suspended"
    FORM_SENT_BEFORE = "form_sent_before"
    NO_PRICE = "no_price"
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True)
class Fault:
    """Why a value cannot stand somewhere: a broken rule without its field."""

    rule: Rule
    words: str
    """The API's, to be put behind the name of the field."""
    values: Values = field(default_factory=dict, hash=False)
