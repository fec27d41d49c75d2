"""Tables of the models' capabilities in `docs/requests.md`, written from the catalogue by `make docs`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from videos.catalogue import MODELS, ModelSpec
from videos.requests.media import MAX_VIDEOS
from videos.requests.shots import REFERENCES_WITH_VIDEO

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "requests.md"
BEGIN = "<!-- The tables are written by `make docs`; change videos/catalogue instead. -->\n"
END = "<!-- The end of what is written. -->\n"
HEADINGS = ("Model", "`seconds`", "`aspect_ratio`", "`images`", "`videos`", "Besides")
NONE = "none"


def written(document: str) -> str:
    """The document with the current tables."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables() + END + after


def tables() -> str:
    families = groupby(MODELS, lambda spec: spec.family)
    return "\n".join(f"### {family}\n\n{_table(specs)}" for family, specs in families)


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
        *(["[elements, shots](#elements-and-shots)"] if spec.elements_and_shots else []),
        *(["[subjects](#subjects)"] if spec.subjects else []),
        *(f"`{switch}`" for switch in sorted(spec.own_switches, reverse=True)),
        *([f"`scene_type` `{spec.scene_type}`"] if spec.scene_type else []),
    ]
    return ", ".join(words) or NONE


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
