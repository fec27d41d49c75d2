"""The contract's own test cases through the API."""

import json
from pathlib import Path
from typing import Any

from django.conf import LazySettings

from tests.conftest import Caller, payload_of
from tests.support.rows import each
from videos.models import Task, UpstreamAccount

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cases.json").read_text())


def _covers(actual: Any, expected: Any) -> bool:
    """Whether `actual` contains `expected`."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            _covers(actual.get(key), value) for key, value in expected.items()
        )
    return bool(actual == expected)


@each("case", CASES)
def test_each_case_of_the_contract_gets_the_answer_it_specifies(
    case: dict[str, Any], owner: Caller, nobody: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.UPLOADS = False  # the cases are those of a deployment that takes no files
    caller = nobody if case.get("headers") == {} else owner
    answer = caller.post(case.get("path", "/v1/videos"), case["request"])
    expect = case["expect"]
    if expect["ok"]:
        assert answer.status_code == 200, answer.content
        payload = payload_of(Task.objects.get())
        for key, value in expect["upstream"].items():
            name = key.removesuffix("@json")
            assert _covers(json.loads(payload[name]) if name != key else payload.get(name), value), key
    else:
        assert answer.status_code == expect["status"]
        assert expect["message_contains"] in answer.json()["message"]
        assert answer.json()["error"]["message"] == answer.json()["message"]
        assert not Task.objects.exists()
