"""What each model takes: a table for each family in `docs/models`, written by `make docs`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from videos.catalogue import MODELS, ModelSpec
from videos.requests.media import MAX_VIDEOS
from videos.requests.shots import REFERENCES_WITH_VIDEO

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "models"
BEGIN = "<!-- The table is written by `make docs`; change videos/catalogue instead. -->\n\n"
END = "\n<!-- The end of what is written. -->\n"
HEADINGS = ("Model", "`seconds`", "`aspect_ratio`", "`images`", "`videos`", "Besides")
NONE = "none"


def pages() -> dict[str, Path]:
    """The page of each family, in the catalogue's order."""
    return {spec.family: FOLDER / f"{spec.family.lower()}.md" for spec in MODELS}


def written(page: str, family: str) -> str:
    """The page with the family's current table."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page of {family} does not say where its table belongs")
    return before + BEGIN + table(family) + END + after


def table(family: str) -> str:
    """The table of a family."""
    return _table(spec for spec in MODELS if spec.family == family)


def _table(specs: Iterable[ModelSpec]) -> str:
    rows = [HEADINGS, *_rows(specs)]
    heading, *others = (f"| {' | '.join(row)} |\n" for row in rows)
    return "".join([heading, "|---" * len(HEADINGS), "|\n", *others])


def _rows(specs: Iterable[ModelSpec]) -> Iterator[list[str]]:
    """One row for models that differ only in name and resolution."""
    rows = defaultdict(list)
    for spec in specs:
        rows[replace(spec, name="", version="", resolution="")].append(spec)
    for models in rows.values():
        names = ", ".join(f"`{spec.name}`" for spec in models)
        yield [names, *(cell(models[0]) for cell in (_seconds, _ratios, _images, _videos, _besides))]


def _seconds(spec: ModelSpec) -> str:
    with_video = spec.seconds_with_video
    return f"{spec.seconds}" + (f"; {with_video} with a video" if with_video else "")


def _ratios(spec: ModelSpec) -> str:
    ratios = ", ".join(spec.ratios.allowed) or NONE
    return f"{ratios}; without images only" if spec.ratios.text_to_video_only else ratios


def _images(spec: ModelSpec) -> str:
    frames = ("", "1: first frame", "2: first and last frame")[1 : spec.frames + 1]
    references = f"up to {spec.max_images}: references" if spec.max_images > spec.frames else ""
    return "; ".join(filter(None, [*frames, references])) or NONE


def _videos(spec: ModelSpec) -> str:
    if not spec.elements_and_shots:
        return NONE
    return f"up to {MAX_VIDEOS}; then up to {REFERENCES_WITH_VIDEO} images, all references"


def _besides(spec: ModelSpec) -> str:
    words = [
        *(["[elements, shots](../requests.md#elements-and-shots)"] if spec.elements_and_shots else []),
        *(["[subjects](../requests.md#subjects)"] if spec.subjects else []),
        *(f"`{switch}`" for switch in sorted(spec.own_switches, reverse=True)),
        *([f"`scene_type` `{spec.scene_type}`"] if spec.scene_type else []),
    ]
    return ", ".join(words) or NONE


if __name__ == "__main__":
    for family, page in pages().items():
        page.write_text(written(page.read_text(), family))
