"""The code blocks of the documents, for the tests that run them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_HEADING = re.compile(r"#+ (.+)")
_FENCE = re.compile(r"```(\S*)")


@dataclass(frozen=True)
class Block:
    """A code block, the line after its opening fence, and its heading."""

    document: str
    line: int
    heading: str
    language: str
    code: str
    before: str = ""
    """For a `diff`, the code that it changes; `code` is what becomes of that."""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks() -> list[Block]:
    return [block for document in DOCUMENTS for block in _blocks_of(document)]


def _blocks_of(document: Path) -> Iterator[Block]:
    heading, language, begun = "", None, 0
    lines = document.read_text().splitlines()
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.fullmatch(line)
        if language is None and fence:
            language, begun = fence[1], number
        elif language is not None and line == "```":
            code = "\n".join(lines[begun : number - 1])
            block = Block(document.name, begun + 1, heading, language, code)
            yield _changed(block) if language == "diff" else block
            language = None
        elif language is None and (found := _HEADING.fullmatch(line)):
            heading = found[1]
    assert language is None, f"{document.name}:{begun} is never closed"


def _changed(block: Block) -> Block:
    """The program that a diff ends in, and the one that it begins with."""
    before, after = (
        "\n".join(line[1:] for line in block.code.splitlines() if not line.startswith(other))
        for other in ("+", "-")
    )
    return replace(block, language="sh" if "curl" in after else "python", code=after, before=before)
