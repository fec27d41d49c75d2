"""Invalid JSON is explained with its position; numbers keep their notation."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.test_api_bodies import BASE, form
from tests.conftest import GOOD_BODY, Caller, payload_of
from tests.support.refusals import assert_refused
from tests.support.rows import each
from videos.models import Task, UpstreamAccount
from videos.requests.strict_json import TooManyValues, dumps, fault, loads

VALIDATE, CREATE = "/v1/videos/validate", "/v1/videos"
DEEP = "[0]" * 20
NAMES = "".join(f'"k{number}":1,' for number in range(9_000))
"""More than are scanned for a path."""

FAULTS = [
    ("", "it is empty, at line 1, column 1"),
    (" \n", "it is empty, at line 2, column 1"),
    ('{"a":1,}', "a comma stands before the closing }, at line 1, column 8"),
    ('{"a":[1,\n ]}', "a comma stands before the closing ], at line 2, column 2"),
    ('{"a":{"b":[1,NaN]}}', "NaN is no number of JSON, at a.b[1], line 1, column 14"),
    ('{"NaN":-Infinity}', "-Infinity is no number of JSON, at NaN, line 1, column 8"),
    ('["Infinity",\nInfinity]', "Infinity is no number of JSON, at [1], line 2, column 1"),
    ('{"a":{"b":1,"c":{"b":2},"b":2}}', "a.b is there twice, at line 1, column 25"),
    ('{"\\u0061":1,"a":2}', "a is there twice, at line 1, column 13"),
    ('[{"a":1},{"a":1,"a":2}]', "[1].a is there twice, at line 1, column 17"),
    ('{"a":1e400}', "a number is too large, at a, line 1, column 6"),
    (f'{{"a":[{"9" * 4301}]}}', "a whole number has more than 4300 digits, at a[0], line 1, column 7"),
    ("[" * 100_000, f"arrays and objects nest deeper than 20 levels, at [0]{DEEP}, line 1, column 21"),
    ('{"a":' * 100_000, f"arrays and objects nest deeper than 20 levels, at {'a.' * 19}a"),
    ('{"a":' + "[" * 20 + "]" * 20 + "}", f"arrays and objects nest deeper than 20 levels, at a{DEEP}"),
    ("{'a':1}", "the name of a field in double quotes is expected, at line 1, column 2"),
    ("{} // good", "something follows behind its end, at line 1, column 4"),
    ('{"a":1', "it ends too early, at line 1, column 7"),
    ('{"a":\n"b', "a text has no closing quote, at line 2, column 1"),
    ('{"a":"\x01"}', "a text holds a control character, which must be escaped, such as \\n, at line 1"),
    ('{"a":"\\x41"}', "a text holds an escape that JSON does not know, at line 1, column 7"),
    ("\ufeff{}", "a byte order mark stands there, at line 1, column 1"),
    ('{"a" 1}', "a colon is expected, at line 1, column 6"),
    ('{"a":1 "b":2}', "a comma or the end of the array or object is expected, at line 1, column 8"),
    ('{"a":undefined}', "a value is expected, at line 1, column 6"),
    (f'{{{NAMES}"z":NaN}}', "NaN is no number of JSON"),
    ("[" * 11 + "[]," * 90 + '"' + "," * 10_000, "a text has no closing quote"),
    (f'{{"a":{json.dumps([[[1] * 90] * 90])},"b":{"9" * 5000},"c":"{"," * 2_000}"}}', "a whole number"),
]


@each("text, words", FAULTS)
def test_invalid_json_is_reported_with_its_position(text: str, words: str) -> None:
    found = fault(text)
    assert found is not None
    assert found.startswith(words)
    assert len(found) < 400


@settings(deadline=None)
@given(st.text('{}[]",:\\n \t1eE+-.Nau"', max_size=40))
def test_every_text_is_valid_json_or_gets_an_explanation(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        assert fault(text)
    else:
        assert fault(text) or loads(text) == value


@each(
    "text",
    ["[" + ",".join(["-0"] * 9_999) + "]", json.dumps(",[{" * 9_000), json.dumps({"a": ["," * 20_000]})],
)
def test_a_text_with_few_enough_values_is_parsed(text: str) -> None:
    assert loads(text) == json.loads(text)


def test_a_text_with_too_many_values_is_refused_with_what_it_parses_to() -> None:
    text = json.dumps([[[[1] * 90] * 40] * 3])
    with pytest.raises(TooManyValues) as refused:
        loads(text)
    assert (refused.value.value, refused.value.oversized) == (json.loads(text), None)


OVERSIZED = [
    ("[" + "1," * 9_999 + "1]", "", True),
    ('{"a":{"b":[' + "[]," * 10_000 + "0]}}", "a.b", True),
    ('{"a":[0,{' + ",".join(f'"k{n}":1' for n in range(10_000)) + "}]}", "a[1]", False),
    ('{"a":"[[[[,,,,","b":[' + '",",' * 10_000 + "NaN", "b", True),
]


@each("text, path, is_array", OVERSIZED)
def test_the_part_that_is_too_large_is_found_without_parsing(text: str, path: str, is_array: bool) -> None:
    with pytest.raises(TooManyValues) as refused:
        loads(text)
    found = refused.value.oversized
    assert found is not None
    assert (found.path, found.is_array) == (path, is_array)


def test_a_large_text_may_have_as_many_values_as_any() -> None:
    lists: list[list[list[int]]] = [[[]] * 80] * 70  # 5,671 values, and nearly twice as many marks
    text = json.dumps({"a": lists, "b": "[,{" * 100_000})
    assert loads(text) == json.loads(text)


def test_a_large_text_with_too_many_values_is_not_parsed() -> None:
    inner = ",".join(["[" + ",".join([str([[]] * 90)] * 90) + "]"] * 12)
    for large in (f"[{inner}]", f'{{"a":[{inner}],"b":nonsense'):
        with pytest.raises(TooManyValues) as refused:
            loads(large)
        assert (refused.value.oversized, refused.value.value) == (None, None)


NUMBERS = [
    "1.10",
    "1e3",
    "1E+3",
    "-0",
    "-0.0",
    "0.1234567890123456789012345",
    "123456789012345678901234567890",
    "5",
]
LIST = f"[{', '.join(NUMBERS)}]"


@each("value", NUMBERS)
def test_a_number_keeps_its_notation(value: str) -> None:
    assert dumps(loads(value)) == value
    assert loads(value) == json.loads(value)


def test_other_values_are_written_as_json_does() -> None:
    value: Any = {"a": ["é😀", None, True, False, 5, {}], '"': [], "b": {"c": "\n"}}
    assert dumps(value) == json.dumps(value, ensure_ascii=False)
    assert loads(dumps(value)) == value


def with_parameters(text: str, place: str) -> dict[str, Any]:
    """A request with this text as AdditionalParameters, in one of the possible forms."""
    ext_info = {"object": f'{{"AdditionalParameters": {text}}}'}
    ext_info["text in an object"] = f'{{"AdditionalParameters": {json.dumps(text)}}}'
    ext_info["object in a text"] = json.dumps(ext_info["object"])
    body = json.dumps(GOOD_BODY)[:-1]
    if place == "form":
        return form(*BASE, ("metadata[ext_info][AdditionalParameters]", text))
    return {"data": f'{body}, "metadata": {{"ext_info": {ext_info[place]}}}}}'}


@each("place", ["object", "text in an object", "object in a text", "form"])
def test_numbers_reach_upstream_in_their_notation(
    place: str, owner: Caller, account: UpstreamAccount
) -> None:
    text = f'{{"scale": 1.10, "element_list": [{{"element_id": 9007199254740993}}], "all": {LIST}}}'
    assert owner.post(CREATE, **with_parameters(text, place)).status_code == 200
    assert payload_of(Task.objects.get())["AdditionalParameters"] == text


BROKEN = [
    (
        b'{"model": "a", "prompt": "?"}'.replace(b"?", "女孩".encode("gbk")),
        "prompt",
        "prompt, line 1, column 28",
    ),
    (b'{"metadata": {"a": ["b", "caf\xe9"]}}', "metadata.a[1]", "metadata.a[1], line 1, column 30"),
    (b'{"caf\xe9": 1}', None, "line 1, column 6"),
    (b"\xff", None, "line 1, column 1"),
    (b'{"a": "' + b'\\"' * 400_000 + b'\xff"}', "a", "a, line 1, column 800008"),
    (b'{"a": "\\\xff', "a", "a, line 1, column 9"),
    (b'\xef\xbb\xbf{"a": "\xe9"}', "a", "a, line 1, column 8"),
    (b'{"a": "\xed\xa0\x80"}', "a", "a, line 1, column 8"),
]


@each("body, param, place", BROKEN)
def test_a_body_that_is_not_utf_8_is_refused_with_the_position(
    body: bytes, param: str | None, place: str, owner: Caller
) -> None:
    answer = owner.post(VALIDATE, data=body)
    assert assert_refused(answer, 400, "invalid_json") == f"The request body is not UTF-8: {place}"
    assert answer.json()["error"]["param"] == param


def test_a_body_in_utf_16_is_refused_with_the_reason(owner: Caller) -> None:
    for charset in ("utf-16", "utf-16-le", "utf-16-be"):
        answer = owner.post(VALIDATE, data=json.dumps(GOOD_BODY).encode(charset))
        message = assert_refused(answer, 400, "invalid_json")
        assert ("UTF-16" in message) is (charset == "utf-16")


@each("text, words", [row for row in FAULTS[2:-1] if row[0][0] != "\ufeff"])  # a byte order mark is accepted
def test_a_malformed_body_is_explained_without_quoting_it(text: str, words: str, owner: Caller) -> None:
    message = assert_refused(owner.post(VALIDATE, data=text), 400, "invalid_json")
    assert message.startswith(f"The request body is not valid JSON: {words}")


@each("field", ["metadata", "metadata.ext_info", "metadata.ext_info.AdditionalParameters"])
@each(
    "text, words",
    [
        ('{"a":1,}', "a comma stands before the closing }, at line 1, column 8"),
        ('{"a":1,"a":2}', "a is there twice, at line 1, column 8"),
        ("[]", None),
    ],
)
def test_invalid_json_in_a_text_field_is_explained_after_the_contracts_message(
    field: str, text: str, words: str | None, owner: Caller
) -> None:
    body: Any = text
    for name in reversed(field.split(".")):
        body = {name: body}
    answer = owner.post(VALIDATE, GOOD_BODY | body)
    [violation] = answer.json()["errors"]
    assert_refused(answer, 400, "invalid_request")
    assert (violation["param"], violation.get("detail")) == (field, words)


@each("model", [["Kling-3.0-720p"], {"a": None}, [], True, False, 5, 1.5])
def test_a_model_that_is_not_a_string_is_refused(model: Any, owner: Caller) -> None:
    answer = owner.post(VALIDATE, GOOD_BODY | {"model": model})
    assert assert_refused(answer, 400, "model_not_found") == "model must be a string"
