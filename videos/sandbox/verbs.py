"""What a script can make the sandbox do: its verbs and their arguments. Pure.

A verb of kind `instead` responds without performing the call, `answer` changes the response after
performing it, and `task` changes the course of the task.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videos.sandbox.protocol import CREATE, LIST, PER_SECOND
from videos.sandbox.schema import NUMBER

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
COUNT = (int, type(None))  # null: unlimited
ACTIONS = tuple(dict.fromkeys(action.name for action in PER_SECOND))
NOT_CREATE = tuple(name for name in ACTIONS if name != CREATE)


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
    not_for: tuple[str, ...] = ()


def _shaping(**arguments: Argument) -> Misbehaviour:
    return Misbehaviour("task", arguments, not_for=NOT_CREATE)


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
    "fail": _shaping(
        message=Argument((str,), "Generation failed."),
        code=Argument((str,), "ModelGenerateFailed"),
        err_code=Argument((int,), 70000),
    ),
    "never_end": _shaping(),
    "broken_result": _shaping(kind=Argument((str,), "404"), times=Argument(COUNT, 1)),
    "done_without_url": Misbehaviour("task", {"describes": Argument(COUNT, 1)}, not_for=(LIST,)),
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


def make_behaviour(verb: object, given: Mapping[str, Any]) -> Behaviour:
    """Check a verb's arguments and add the defaults. Raises `ScriptError`."""
    if not isinstance(verb, str) or verb not in VERBS:
        raise ScriptError(f"unknown verb {verb!r}; there are {', '.join(VERBS)}")
    known = VERBS[verb].arguments
    for name, value in given.items():
        if name not in known or not is_one_of(value, known[name].types):
            raise ScriptError(f"`{verb}` does not take {name}={value!r}")
    if verb == "broken_result" and given.get("kind", "404") not in RESULT_FAULTS:
        raise ScriptError(f"`kind` must be one of {', '.join(RESULT_FAULTS)}")
    return Behaviour(verb, {name: given.get(name, argument.default) for name, argument in known.items()})


def is_one_of(value: object, types: tuple[type, ...]) -> bool:
    """Whether a JSON value has one of these types."""
    return type(value) in types  # exact, because in Python True is an int
