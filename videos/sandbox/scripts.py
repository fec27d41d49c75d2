"""Scripts that make the sandbox misbehave, through its control API or directives in a prompt. Pure.

A verb of kind `instead` responds without performing the call, `answer` changes the response after
performing it, and `task` changes the course of the task.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videos.sandbox.protocol import ACTIONS, CREATE

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
NUMBER = (int, float)
COUNT = (int, type(None))  # null: unlimited


class ScriptError(ValueError):
    """A script has an unknown verb, argument or value."""


@dataclass(frozen=True)
class Argument:
    """The types that an argument may have, and its default."""

    types: tuple[type, ...]
    default: object


@dataclass(frozen=True)
class Misbehaviour:
    """One way to misbehave. In a prompt, unnamed words fill `arguments` in order."""

    kind: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    only_create: bool = False


def _shaping(**arguments: Argument) -> Misbehaviour:
    return Misbehaviour("task", arguments, only_create=True)


VERBS: dict[str, Misbehaviour] = {
    "refuse": Misbehaviour(
        "instead",
        {"code": Argument((str,), "InternalError"), "message": Argument((str,), "Refused by a script.")},
    ),
    "throttle": Misbehaviour("instead"),
    "drop_before": Misbehaviour("instead"),
    "http_status": Misbehaviour(
        "instead",
        {
            "status": Argument((int,), 502),
            "body": Argument((str,), BAD_GATEWAY),
            "accepted": Argument((bool,), default=False),
        },
    ),
    "drop_after_accept": Misbehaviour("answer"),
    "delay": Misbehaviour("answer", {"seconds": Argument(NUMBER, 1)}),
    "hang": Misbehaviour(
        "answer", {"seconds": Argument(NUMBER, 3600), "accepted": Argument((bool,), default=True)}
    ),
    "malformed": Misbehaviour("answer", {"accepted": Argument((bool,), default=True)}),
    "generation_seconds": _shaping(seconds=Argument(NUMBER, 1)),
    "fail": _shaping(message=Argument((str,), "Generation failed.")),
    "never_end": _shaping(),
    "broken_result": _shaping(kind=Argument((str,), "404"), times=Argument(COUNT, 1)),
    "done_without_url": Misbehaviour("task", {"describes": Argument(COUNT, 1)}),
    "status_word": Misbehaviour("task", {"word": Argument((str,), "PAUSED")}),
}
RESULT_FAULTS = ("404", "truncated", "not_video")


@dataclass(frozen=True)
class Behaviour:
    """A verb with its checked arguments."""

    verb: str
    arguments: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """`instead`, `answer` or `task`; an `accepted` argument decides between the first two."""
        if "accepted" in self.arguments:
            return "answer" if self.arguments["accepted"] else "instead"
        return VERBS[self.verb].kind


@dataclass
class Script:
    """A behaviour for the next `uses` matching calls (None: for all)."""

    action: str
    behaviour: Behaviour
    uses: int | None = 1
    prompt_contains: str = ""

    def matches(self, action: str, prompt: str) -> bool:
        return self.uses != 0 and action == self.action and self.prompt_contains in prompt

    def use(self) -> Behaviour:
        """Count one use and return the behaviour."""
        if self.uses is not None:
            self.uses -= 1
        return self.behaviour


class ScriptQueue:
    """The waiting scripts, applied in the order in which they were added."""

    def __init__(self) -> None:
        self._scripts: list[Script] = []

    def __len__(self) -> int:
        return len(self._scripts)

    def add(self, script: Script) -> None:
        self._scripts.append(script)

    def match(self, action: str, prompt: str) -> Behaviour | None:
        """Use the first script that matches the call, and return its behaviour."""
        for script in self._scripts:
            if script.matches(action, prompt):
                behaviour = script.use()
                self._scripts = [kept for kept in self._scripts if kept.uses != 0]
                return behaviour
        return None

    def clear(self) -> None:
        self._scripts.clear()


def parse_script(document: object) -> Script:
    """Read one script of the control API. Raises `ScriptError`."""
    if not isinstance(document, dict):
        raise ScriptError("a script is a JSON object")
    arguments = dict(document)
    action, verb = arguments.pop("action", None), arguments.pop("do", None)
    contains = arguments.pop("prompt_contains", "")
    # For a broken result `times` counts downloads, and the script applies to one create call.
    uses = 1 if verb == "broken_result" else arguments.pop("times", 1)
    if action not in ACTIONS or not isinstance(contains, str) or not _is(uses, COUNT):
        raise ScriptError(
            "`action` must be one of the actions, `prompt_contains` text, `times` a number or null"
        )
    behaviour = make_behaviour(verb, arguments)
    if VERBS[behaviour.verb].only_create and action != CREATE:
        raise ScriptError(f"`{verb}` is for {CREATE} only")
    return Script(action, behaviour, uses, contains)


def make_behaviour(verb: object, given: Mapping[str, Any]) -> Behaviour:
    """Check a verb's arguments and add the defaults. Raises `ScriptError`."""
    if not isinstance(verb, str) or verb not in VERBS:
        raise ScriptError(f"unknown verb {verb!r}; there are {', '.join(VERBS)}")
    known = VERBS[verb].arguments
    for name, value in given.items():
        if name not in known or not _is(value, known[name].types):
            raise ScriptError(f"`{verb}` does not take {name}={value!r}")
    if verb == "broken_result" and given.get("kind", "404") not in RESULT_FAULTS:
        raise ScriptError(f"`kind` must be one of {', '.join(RESULT_FAULTS)}")
    return Behaviour(verb, {name: given.get(name, argument.default) for name, argument in known.items()})


def _is(value: object, types: tuple[type, ...]) -> bool:
    return type(value) in types  # exact, because in Python True is an int


_DIRECTIVE = re.compile(r"\[sandbox:\s*(\w+)([^\]]*)\]")


def behaviours_in(prompt: str) -> list[Behaviour]:
    """Read the `[sandbox: verb word name="value"]` directives of a prompt. Raises `ScriptError`."""
    return [_directive(verb, words) for verb, words in _DIRECTIVE.findall(prompt)]


def _directive(verb: str, text: str) -> Behaviour:
    names = iter(VERBS[verb].arguments if verb in VERBS else ())
    given = {}
    for word in _words(text):
        name, equals, value = word.partition("=")
        if not equals:
            name, value = next(names, word), word
        given[name] = _value(verb, name, value)
    return make_behaviour(verb, given)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ScriptError(f"cannot read {text!r}: {error}") from None


def _value(verb: str, name: str, text: str) -> object:
    """Parse the word as JSON unless the argument is text, so that `kind 404` needs no quotes."""
    argument = VERBS[verb].arguments.get(name) if verb in VERBS else None
    if argument is None or str in argument.types:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
