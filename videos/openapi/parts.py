"""What describes a route: its parameters, body and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from config.error_codes import ErrorCode

Schema = dict[str, Any]
JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"
Refused = Mapping[int, tuple[ErrorCode, ...]]
"""The error codes that a route answers with, by status."""


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of the path or the query, or a header of the request."""

    name: str
    schema: Schema
    description: str
    place: Literal["path", "query", "header"] = "query"
    style: Mapping[str, Any] = field(default_factory=dict)
    """How an array is written."""


@dataclass(frozen=True)
class Header:
    """A header of an answer; `is_always` says whether each such answer has it."""

    name: str
    schema: Schema
    description: str
    is_always: bool = False


@dataclass(frozen=True)
class Body:
    """A body: its schema, with examples by name."""

    media_type: str
    schema: Schema
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An answer that is no refusal."""

    description: str
    bodies: tuple[Body, ...] = ()
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A method of a route."""

    name: str
    """The `operationId`, after which generated clients name their functions."""
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    refused: Refused
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[Body, ...] = ()
    security: tuple[str, ...] = ("key",)
    """Each of these suffices; none if no key is needed."""
