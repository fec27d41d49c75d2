"""Values made up from a JSON Schema, for the keywords that the schemas of models use."""

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
MOST_ITEMS = 9
"""Of an array that may be longer."""
_SCALARS = st.none() | st.booleans() | st.integers(0, 20) | st.text("aé\u732b \x00", max_size=3)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=2)
    ),
    max_leaves=3,
)


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that the schema itself accepts; rules about several fields are not looked at."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(each) for each in schema["anyOf"]])
    make = _BY_TYPE.get(schema.get("type", ""))
    return make(schema) if make else _ANYTHING


def _text(schema: Schema) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        most = schema.get("maxLength", 10_000)
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z").filter(
            lambda text: len(text) <= most
        )
    return st.text(min_size=schema.get("minLength", 0), max_size=5) | st.sampled_from(["{}", '{"a": 1}'])


def _number(schema: Schema) -> st.SearchStrategy[float]:
    least, most = schema["minimum"], schema.get("maximum", 2**60)
    return st.integers(least, most) | st.floats(least, most)


def _array(schema: Schema) -> st.SearchStrategy[list[Any]]:
    least, most = schema.get("minItems", 0), min(MOST_ITEMS, schema.get("maxItems", MOST_ITEMS))
    return st.lists(values(schema.get("items", {})), min_size=least, max_size=most)


def _object(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: values(each) for name, each in schema.get("properties", {}).items()}
    required = {name: known[name] for name in schema.get("required", [])}
    optional = {name: each for name, each in known.items() if name not in required}
    named = st.fixed_dictionaries(required, optional=optional)
    more = schema.get("additionalProperties", {})
    if more is False:
        return named
    others = st.dictionaries(st.text("xyz", min_size=1, max_size=2), values(more), min_size=0, max_size=2)
    return st.builds(lambda others, named: others | named, others, named)


_BY_TYPE: dict[str, Any] = {
    "string": _text,
    "integer": lambda schema: st.integers(schema["minimum"], 2**70),
    "number": _number,
    "array": _array,
    "object": _object,
}
