"""Attacks with request contents: the cost of an answer is in proportion to the request.

All requests validate or read, so that nothing is created.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tests.attacks import machine, wire
from tests.attacks.attack import Attack, Target, Verdict, attack
from tests.attacks.bodies import CREATE, GOOD_BODY, JSON, VALIDATE
from tests.attacks.wire import Answer

LARGE = 900 * 1000
"""Characters of a text in the largest allowed body."""
RUNS = 5
"""Repetitions of a request; its cost is the median."""
SLOWEST = 1.0
"""Most seconds of an answer if the server's CPU is not known."""
SLOWEST_EVER = 30.0
"""Seconds to wait for an answer."""
IDLE_SECONDS = 0.5
"""Seconds over which the CPU of the idle server is measured."""
LIST_LIMIT, MAP_LIMIT = 100, 100
METADATA_LIMIT, METADATA_LIMIT_NAMES = 16 * 1024, ("16 KiB", "16384", "16,384")
EXT_INFO_LIMIT, EXT_INFO_LIMIT_NAMES = 8 * 1024, ("8 KiB", "8192", "8,192")
VIOLATIONS_SHOWN = 50
VIOLATIONS = 80
"""More violations than are listed."""
TOO_MANY_IMAGES = 2
"""Additional violations of such images: above the model's limit, and above its limit with elements."""
URL = "https://example.com/a.png"
VIDU = {**GOOD_BODY, "model": "Vidu-q2-720p"}
OMNI = {**GOOD_BODY, "model": "Kling-3.0-omni-1080p"}

Build = Callable[[Target], bytes]


def _json(body: object) -> Build:
    content = json.dumps(body, separators=(",", ":")).encode()
    return lambda target: wire.posted(target, VALIDATE, content, [*wire.bearer(target.key), JSON])


def _asks(**fields: Any) -> Build:
    """A good JSON body with these fields."""
    return _json({**GOOD_BODY, **fields})


def _raw(content: bytes) -> Build:
    return lambda target: wire.posted(target, VALIDATE, content, [*wire.bearer(target.key), JSON])


def _form(fields: list[tuple[str, str]]) -> Build:
    content_type, content = wire.form([*GOOD_BODY.items(), *fields])
    return lambda target: wire.posted(target, VALIDATE, content, [*wire.bearer(target.key), content_type])


def _read(path: str) -> Build:
    return lambda target: wire.head(target, "GET", path, wire.bearer(target.key))


def _within(depth: int, opening: str, inside: str, closing: str) -> bytes:
    return (opening * depth + inside + closing * depth).encode()


def _shots(count: int) -> dict[str, Any]:
    parameters = {"multi_shot": True, "shot_type": "customize", "multi_prompt": [0] * count}
    return {**OMNI, "metadata": {"ext_info": {"AdditionalParameters": parameters}}}


def _lists_within_the_limits() -> list[list[list[list[Any]]]]:
    """300,000 lists of which none has more than 100 items."""
    return [[[[] for _ in range(LIST_LIMIT)] for _ in range(LIST_LIMIT)] for _ in range(30)]


QUESTIONS: dict[str, Callable[[], Build]] = {
    "many-shots": lambda: _json(_shots(520_000)),
    "many-shots-in-text": lambda: _json(
        {**OMNI, "metadata": {"ext_info": json.dumps(_shots(250_000)["metadata"]["ext_info"])}}
    ),
    "many-shots-at-the-top": lambda: _asks(multi_prompt=[0] * 520_000),
    "element-list": lambda: _json(
        {**OMNI, "metadata": {"ext_info": {"AdditionalParameters": {"element_list": [{}] * 300_000}}}}
    ),
    "unknown-metadata-keys": lambda: _asks(metadata={f"k{number}": 1 for number in range(60_000)}),
    "unknown-output-config-keys": lambda: _asks(
        metadata={"output_config": {f"k{number}": 1 for number in range(60_000)}}
    ),
    "unknown-fields": lambda: _asks(**{f"field{number}": 1 for number in range(50_000)}),
    "unknown-fields-with-long-names": lambda: _asks(**{f"{number}" * 90_000: 1 for number in range(9)}),
    "unknown-metadata-key-with-a-long-name": lambda: _asks(metadata={"k" * LARGE: 1}),
    "many-images": lambda: _asks(images=[URL] * 20_000),
    "many-bad-images": lambda: _asks(images=[0] * 400_000),
    "many-bad-videos": lambda: _json({**OMNI, "videos": ["x"] * 200_000}),
    "image-with-a-long-address": lambda: _asks(images=[f"https://example.com/{'a' * LARGE}"]),
    "long-model-name": lambda: _asks(model="m" * LARGE),
    "long-prompt": lambda: _asks(prompt="p" * LARGE),
    "long-prompt-of-escapes": lambda: _asks(prompt="\0" * (LARGE // 6)),
    "long-seconds": lambda: _asks(seconds="5" * LARGE),
    "seconds-as-a-long-number": lambda: _raw(b'{"seconds":' + b"5" * LARGE + b"}"),
    "long-size": lambda: _asks(size="1" * LARGE),
    "long-max-cost": lambda: _asks(max_cost="1" * LARGE),
    "long-negative-prompt": lambda: _asks(metadata={"negative_prompt": "n" * LARGE}),
    "long-aspect-ratio": lambda: _asks(metadata={"aspect_ratio": "9" * LARGE}),
    "long-ext-info": lambda: _asks(metadata={"ext_info": json.dumps({"a": "b" * LARGE})}),
    "metadata-in-text": lambda: _asks(metadata=json.dumps({f"k{number}": 1 for number in range(50_000)})),
    "lists-within-the-limits": lambda: _asks(x=_lists_within_the_limits()),
    "fractions": lambda: _asks(images=[0.5] * 220_000),
    "integers-and-a-negative-zero": lambda: _raw(b'{"images":[-0' + b",0" * 400_000 + b"]}"),
    "nested-lists": lambda: _raw(_within(400_000, "[", "", "]")),
    "nested-maps": lambda: _raw(_within(100_000, '{"a":', "1", "}")),
    "nested-metadata": lambda: _raw(b'{"metadata":' + _within(100_000, '{"a":', "1", "}") + b"}"),
    "many-object-ids": lambda: _json({**VIDU, "metadata": {"vidu_q2_object_ids": ["", *["id"] * 150_000]}}),
    "large-voice-map": lambda: _json(
        {**VIDU, "metadata": {"vidu_q2_voice_map": {f"k{number}": "" for number in range(60_000)}}}
    ),
    "form-of-many-fields": lambda: _form([(f"field{number}", "1") for number in range(5_000)]),
    "form-of-many-images": lambda: _form([("images[]", URL)] * 5_000),
    "form-of-many-metadata-keys": lambda: _form([(f"metadata[k{number}]", "1") for number in range(900)]),
    "form-of-a-nested-name": lambda: _form([("metadata" + "[b]" * (LARGE // 3), "1")]),
    "form-of-many-nested-names": lambda: _form([("metadata" + f"[{n}]" * 100, "1") for n in range(900)]),
    "form-of-a-long-value": lambda: _form([("metadata", "1" * LARGE)]),
    "list-of-tasks": lambda: _read("/v1/videos?limit=100"),
    "list-of-tasks-oldest-first": lambda: _read("/v1/videos?limit=100&order=asc"),
    "list-with-long-parameters": lambda: _read(f"/v1/videos?model={'m' * 7000}&status={'s' * 7000}"),
    "list-with-many-parameters": lambda: _read(f"/v1/videos?{'&'.join(['status=queued'] * 800)}"),
    "list-of-models": lambda: _read("/v1/models"),
    "model-with-a-long-name": lambda: _read(f"/v1/models/{'m' * 14_000}"),
    "task-with-a-long-id": lambda: _read(f"/v1/videos/task_{'0' * 14_000}"),
    "use-of-years": lambda: _read("/v1/usage?from=2000-01-01&to=2100-01-01"),
}
"""Megabytes, so each is built only for its attack."""


def _in_proportion(name: str, question: Callable[[], Build]) -> Attack:
    def run(target: Target) -> Verdict:
        request = question()(target)
        runs = [_cost(target, request) for _ in range(RUNS)]
        answers = [answer for answer, _ in runs]
        cpu = statistics.median(cost for _, cost in runs)
        return _verdict(target, max(answers, key=_size), statistics.median(map(_seconds, answers)), cpu)

    return Attack(f"proportion-{name}", "An answer is in proportion to its question.", run, ("key",))


@lru_cache(maxsize=1)
def _idle_cpu(target: Target) -> float:
    """CPU seconds an idle server uses per second."""
    before = machine.cpu_seconds(target)
    time.sleep(IDLE_SECONDS if target.pid else 0)
    return (machine.cpu_seconds(target) - before) / IDLE_SECONDS


def _cost(target: Target, request: bytes) -> tuple[Answer | None, float]:
    """The answer and the CPU seconds it took."""
    idle = _idle_cpu(target)
    began, before = time.monotonic(), machine.cpu_seconds(target)
    answer = wire.ask(target, request, patience=SLOWEST_EVER)
    used = machine.cpu_seconds(target) - before
    return answer, max(0.0, used - idle * (time.monotonic() - began))


def _size(answer: Answer | None) -> int:
    return len(answer.content) if answer else 0


def _seconds(answer: Answer | None) -> float:
    return answer.seconds if answer else 0.0


def _verdict(target: Target, answer: Answer | None, seconds: float, cpu: float) -> Verdict:
    bars, size = target.bars, _size(answer)
    faults = []
    if answer is None:
        faults.append("closed without an answer")
    elif answer.status >= 500:
        faults.append("the server broke")
    if size > bars.answer:
        faults.append(f"an answer of {size // 1024} KiB")
    if target.pid is not None and cpu > bars.cpu:
        faults.append(f"{cpu * 1000:.0f} ms of CPU")
    if target.pid is None and seconds > SLOWEST:
        faults.append(f"{seconds:.1f} s")
    used = f"{cpu * 1000:.0f} ms of CPU" if target.pid is not None else f"{seconds * 1000:.0f} ms"
    return Verdict.of(f"{answer or 'closed'}, {size:,} bytes, {used}", faults)


PROPORTIONS = [_in_proportion(name, question) for name, question in QUESTIONS.items()]


def _names_limit(target: Target, body: dict[str, Any], field: str, names: tuple[str, ...]) -> list[str]:
    """Faults of the refusal of a value above its limit."""
    answer = wire.post_json(target, VALIDATE, body)
    if answer is None or (answer.status, answer.code) != (400, "invalid_request"):
        return [f"{field}: {answer or 'closed'}"]
    if field not in answer.message or not any(name in answer.message for name in names):
        return [f"{field} or its limit is not named: {answer.message[:80]!r}"]
    return []


def _limits_are_named(
    target: Target, bodies: dict[str, dict[str, Any]], names: tuple[str, ...] = ("100",)
) -> Verdict:
    faults = [fault for field, body in bodies.items() for fault in _names_limit(target, body, field, names)]
    return Verdict.of("each refused by name and limit" if not faults else "", faults)


@attack(needs=["key"])
def lists_over_the_limit(target: Target) -> Verdict:
    """A list of more than 100 items is refused before other checks."""
    over = LIST_LIMIT + 1
    return _limits_are_named(
        target,
        {
            "images": {**GOOD_BODY, "images": [URL] * over},
            "videos": {**OMNI, "videos": [URL] * over},
            "multi_prompt": _shots(over),
            "vidu_q2_object_ids": {**VIDU, "metadata": {"vidu_q2_object_ids": ["id"] * over}},
        },
    )


@attack(needs=["key"])
def maps_over_the_limit(target: Target) -> Verdict:
    """A map of more than 100 keys is refused before other checks."""
    keys = {f"k{number}": "1" for number in range(MAP_LIMIT + 1)}
    return _limits_are_named(
        target,
        {
            "metadata": {**GOOD_BODY, "metadata": keys},
            "output_config": {**GOOD_BODY, "metadata": {"output_config": keys}},
            "vidu_q2_voice_map": {**VIDU, "metadata": {"vidu_q2_voice_map": keys}},
        },
    )


@attack(needs=["key"])
def metadata_over_the_limit(target: Target) -> Verdict:
    """Metadata is limited to 16 KiB."""
    body = {**GOOD_BODY, "metadata": {"negative_prompt": "n" * METADATA_LIMIT}}
    return _limits_are_named(target, {"metadata": body}, METADATA_LIMIT_NAMES)


@attack(needs=["key"])
def ext_info_over_the_limit(target: Target) -> Verdict:
    """`ext_info` is limited to 8 KiB, as an object or as text."""
    large = {"a": "b" * EXT_INFO_LIMIT}
    faults = [
        fault
        for ext_info in (large, json.dumps(large))
        for fault in _names_limit(
            target, {**GOOD_BODY, "metadata": {"ext_info": ext_info}}, "ext_info", EXT_INFO_LIMIT_NAMES
        )
    ]
    return Verdict.of("refused by name and limit" if not faults else "", faults)


@attack(needs=["key"])
def create_has_the_limits_too(target: Target) -> Verdict:
    """The size limits of validate apply to the create routes, too."""
    answer = wire.post_json(target, CREATE, {**GOOD_BODY, "images": ["no address"] * (LIST_LIMIT + 1)})
    good = answer is not None and answer.status == 400 and "100" in answer.message
    return Verdict.of(f"{answer or 'closed'}", [] if good else ["not 400 that names the limit"])


@attack(needs=["key"])
def many_violations(target: Target) -> Verdict:
    """Of many violations the first 50 are listed, and the number of the others."""
    keys = {f"k{number}": "1" for number in range(VIOLATIONS)}
    images = ["no address"] * VIOLATIONS
    faults = [
        *_listed(target, {**GOOD_BODY, "metadata": keys}, VIOLATIONS),
        *_listed(target, {**GOOD_BODY, "images": images}, VIOLATIONS + TOO_MANY_IMAGES),
        *_listed(target, {**GOOD_BODY, "images": images, "metadata": keys}, 2 * VIOLATIONS + TOO_MANY_IMAGES),
    ]
    return Verdict.of("" if faults else "the first 50, and how many more", faults)


def _listed(target: Target, body: dict[str, Any], count: int) -> list[str]:
    """Faults of the list of that many violations."""
    answer = wire.post_json(target, VALIDATE, body)
    if answer is None or answer.status != 400 or not answer.code:
        return [f"{answer or 'closed'}"]
    errors, last = answer.json["errors"], f"and {count - VIOLATIONS_SHOWN} more"
    faults = [] if len(errors) == VIOLATIONS_SHOWN + 1 else [f"{len(errors)} are told"]
    return faults + ([] if errors[-1]["message"] == last else [f"the last is not {last!r}"])
