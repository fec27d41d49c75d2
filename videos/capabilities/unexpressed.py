"""The rules that a JSON Schema cannot express, so that a body which it accepts may still be refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unexpressed:
    """A rule in words, and a pattern that is found in the messages of its violations."""

    rule: str
    pattern: str


UNEXPRESSED = (
    Unexpressed("The durations of all shots add up to seconds.", r"^The sum of all multi_prompt\.duration"),
    Unexpressed("No shot is longer than the video.", r"must not exceed the total task duration$"),
    Unexpressed("A URL has a host, and a valid port if it has one.", r"^(images|videos) must be http\(s\)"),
    Unexpressed(
        "The id of a file is that of an uploaded file that exists, of a kind that may stand there.",
        r"file_[0-9a-f]{32}",
    ),
    Unexpressed(
        "Text in the place of AdditionalParameters is the JSON of an object, to which the same rules apply.",
        r"AdditionalParameters must be a JSON object$",
    ),
    Unexpressed(
        "No text holds the character NUL or half of a surrogate pair, at any depth.",
        r"contains characters that cannot be stored$",
    ),
    Unexpressed(
        "metadata has at most 16 KiB, ext_info 8 KiB, and an array or object at any depth 100 items.",
        r"must not exceed \d+ (bytes|items|keys)$",
    ),
    Unexpressed(
        "A number in max_cost is written with at most 12 digits before the point and 20 behind it.",
        r"^max_cost must be an amount of money",
    ),
)
"""Whatever else `videos.requests.parse` refuses of a request for one model, its schema refuses too."""
