"""Explains where and why a text is not valid JSON; the explanation repeats only field names of the text.

The standard library parses the text. Only if that fails, it is scanned again here, as the fast parser does
not report the path of the fault.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

MAX_DEPTH = 20
MOST_DIGITS = 4300
"""Of a whole number, including its sign; Python parses no longer ones."""
_LONGEST_PATH = 200
"""Characters of a path that an error shows."""

_MOST_TOKENS = 20_000
"""Names, strings, numbers and punctuation marks that are scanned, which takes about 20 ms."""

TOO_DEEP = f"arrays and objects nest deeper than {MAX_DEPTH} levels"
TOO_LARGE = "a number is too large"
TOO_LONG = f"a whole number has more than {MOST_DIGITS} digits"
TWICE = "a name is there twice in one object"
NOT_JSON = {word: f"{word} is no number of JSON" for word in ("NaN", "Infinity", "-Infinity")}

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+'
"""Without the closing quote, and possessive: an unterminated string is scanned once, without backtracking."""
_TOKEN = re.compile(
    rf"(?P<name>{_STRING}\")(?=[ \t\r\n]*:)|{_STRING}(?:\"|\\?\Z)|(?P<word>-?[A-Za-z]+)|[\[\]{{}},:]"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)",
    re.DOTALL,
)
_WHOLE_STRING = re.compile(rf"{_STRING}\"", re.DOTALL)
_SYNTAX: tuple[tuple[str, str], ...] = (
    ("Unterminated string", "a text has no closing quote"),
    ("Invalid control character", "a text holds a control character, which must be escaped, such as \\n"),
    ("Invalid \\", "a text holds an escape that JSON does not know"),
    ("Expecting property name", "the name of a field in double quotes is expected"),
    ("Expecting ':'", "a colon is expected"),
    ("Expecting ','", "a comma or the end of the array or object is expected"),
    ("Expecting value", "a value is expected"),
    ("Extra data", "something follows behind its end"),
)
"""How the standard library's messages begin, and ours."""


def told(text: str, error: Exception) -> str:
    """What is wrong with the text for which the parser raised `error`, and where."""
    if isinstance(error, json.JSONDecodeError):
        return f"{_syntax(text, error)}, at {place(text, error.pos)}"
    return _Scanner(text).first_fault() or (TOO_DEEP if isinstance(error, RecursionError) else str(error))


def place(text: str, position: int) -> str:
    """The line and column of a position, both counted from 1."""
    begins = text.rfind("\n", 0, position) + 1
    return f"line {text.count(chr(10), 0, position) + 1}, column {position - begins + 1}"


def path_at_end(text: str) -> str:
    """The path of the field in which a truncated text ends; empty if in none."""
    scanner = _Scanner(text)
    scanner.scan_to_end()
    return scanner.path


@dataclass(frozen=True)
class Oversized:
    """An array or object with too many items, by its path; empty for the outermost one."""

    path: str
    is_array: bool


def first_oversized(text: str, most: int, tokens: int) -> Oversized | None:
    """The first array or object with more than `most` items among the first tokens of a text.

    The text may be invalid behind it. Raises `ValueError` if it is so before.
    """
    scanner = _Scanner(text)
    for token in islice(_TOKEN.finditer(text), tokens):
        if found := scanner.check(token):
            raise ValueError(found)
        if scanner.items > most:
            return scanner.container
    return None


def marks_outside_strings(text: str, marks: str) -> int:
    """How often the marks occur in a text, but for those in its strings."""
    return sum(map(_WHOLE_STRING.sub("", text).count, marks))


def _syntax(text: str, error: json.JSONDecodeError) -> str:
    before, behind = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if behind.startswith("\ufeff"):
        return "a byte order mark stands there"
    if before.endswith(",") and behind.startswith(("}", "]")):
        return f"a comma stands before the closing {behind[0]}"
    if not behind and before:
        return "it ends too early"
    known = (words for start, words in _SYNTAX if error.msg.startswith(start))
    return next(known, "it is malformed") if behind else "it is empty"


@dataclass
class _Level:
    """An open array or object, and the current position in it."""

    is_array: bool
    at: str | int = ""
    names: set[str] = field(default_factory=set)

    @property
    def items(self) -> int:
        """How many have begun; 0 and 1 are not told apart in an array."""
        return int(self.at) + 1 if self.is_array else len(self.names)


class _Scanner:
    """Scans up to `_MOST_TOKENS` tokens of a text whose punctuation is valid JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._levels: list[_Level] = []

    @property
    def path(self) -> str:
        """Of the current position, such as `metadata.a[0].b`."""
        return _path(self._levels)

    @property
    def items(self) -> int:
        """Of the current array or object."""
        return self._levels[-1].items if self._levels else 0

    @property
    def container(self) -> Oversized:
        """The current array or object."""
        return Oversized(_path(self._levels[:-1]), self._levels[-1].is_array)

    def first_fault(self) -> str | None:
        """The first fault with its place, or None."""
        for token in islice(_TOKEN.finditer(self._text), _MOST_TOKENS):
            if found := self.check(token):
                path = "" if token["name"] or not self.path else f"{self.path}, "
                return f"{found}, at {path}{place(self._text, token.start())}"
        return None

    def scan_to_end(self) -> None:
        """Scan to the end of the text, ignoring faults; `path` is empty if the text has too many tokens."""
        for number, token in enumerate(_TOKEN.finditer(self._text)):
            if number == _MOST_TOKENS:
                self._levels = []
                return
            self.check(token)

    def check(self, token: re.Match[str]) -> str | None:
        """Move on by a token; returns what is wrong with it."""
        if token["name"]:
            return self._name(token["name"])
        if token["number"]:
            return _number(token["number"])
        if token["word"]:
            return NOT_JSON.get(token["word"])
        return self._punctuation(token[0])

    def _name(self, quoted: str) -> str | None:
        name = _unquoted(quoted)
        if not self._levels or self._levels[-1].is_array:
            return None
        level = self._levels[-1]
        level.at = name
        if name in level.names:
            return f"{self.path} is there twice"
        level.names.add(name)
        return None

    def _punctuation(self, mark: str) -> str | None:
        if mark in ("[", "{"):
            self._levels.append(_Level(is_array=mark == "[", at=0 if mark == "[" else ""))
            return TOO_DEEP if len(self._levels) > MAX_DEPTH else None
        if mark in ("]", "}"):
            del self._levels[-1:]
        elif mark == "," and self._levels and self._levels[-1].is_array:
            self._levels[-1].at = int(self._levels[-1].at) + 1
        return None


def _path(levels: Iterable[_Level]) -> str:
    steps = (f"[{level.at}]" if level.is_array else f".{level.at}" for level in levels)
    return "".join(steps).strip(".")[:_LONGEST_PATH]


def _number(digits: str) -> str | None:
    if digits.lstrip("-").isdigit():
        return TOO_LONG if len(digits) > MOST_DIGITS else None
    return TOO_LARGE if math.isinf(float(digits)) else None


def _unquoted(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:  # an invalid escape; the text is not JSON anyway
        return quoted[1:-1]
