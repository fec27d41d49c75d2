"""Scripts that make the sandbox misbehave, through its control API or directives in a prompt. Pure."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from videos.sandbox.protocol import PER_SECOND, PRODUCTS, Action
from videos.sandbox.verbs import ACTIONS, COUNT, VERBS, Behaviour, ScriptError, is_one_of, make_behaviour


@dataclass
class Script:
    """A behaviour for the next `uses` matching calls (None: for all).

    An empty `product` or `secret_id` matches any.
    """

    action: str
    behaviour: Behaviour
    uses: int | None = 1
    prompt_contains: str = ""
    product: str = ""
    secret_id: str = ""

    def matches(self, action: Action, secret_id: str, prompt: str) -> bool:
        return (
            self.uses != 0
            and self.action == action.name
            and self.product in ("", action.product)
            and self.secret_id in ("", secret_id)
            and self.prompt_contains in prompt
        )

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

    def match(self, action: Action, secret_id: str, prompt: str) -> Behaviour | None:
        """Use the first script that matches the call, and return its behaviour."""
        for script in self._scripts:
            if script.matches(action, secret_id, prompt):
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
    filters = {name: arguments.pop(name, "") for name in ("prompt_contains", "product", "secret_id")}
    # For a broken result `times` counts downloads, and the script applies to one create call.
    uses = 1 if verb == "broken_result" else arguments.pop("times", 1)
    _check_filters(action, filters)
    if not is_one_of(uses, COUNT):
        raise ScriptError("`times` must be a number or null")
    behaviour = make_behaviour(verb, arguments)
    if action in VERBS[behaviour.verb].not_for:
        raise ScriptError(f"`{verb}` is not for {action}")
    return Script(action, behaviour, uses, **filters)


def _check_filters(action: object, filters: Mapping[str, object]) -> None:
    for name, text in filters.items():
        if not isinstance(text, str):
            raise ScriptError(f"`{name}` must be text")
    product = filters["product"]
    products = PRODUCTS.values() if product == "" else [product]
    if not isinstance(action, str) or not any((known, action) in PER_SECOND for known in products):
        raise ScriptError(f"`action` must be one of {', '.join(ACTIONS)}, and the product must have it")


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
