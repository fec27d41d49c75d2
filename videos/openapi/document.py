"""Makes the OpenAPI document with drf-spectacular."""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from accounts.api.authentication import CHALLENGE
from config.envelope import encode
from videos.openapi import refusals
from videos.openapi.objects import COMPONENTS
from videos.openapi.routes import ROUTES, TAGS

VERSION = "1.0.0"
"""Of the API, not of Reelay: its second number grows with each addition."""
_SLASH = re.compile(r"/$")
_ABOUT = """\
Creates and serves videos of any model. Errors have one envelope: `code` and `message`, the same in `error`
for OpenAI's clients, and all violations in `errors`.
HEAD works wherever GET does. Paths may end in a slash.
Requests for one model are described by `GET /v1/models/{name}?format=schema`."""
_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Reelay",
    "DESCRIPTION": _ABOUT,
    "VERSION": VERSION,
    "TAGS": [{"name": name, "description": description} for name, description in TAGS.items()],
    "APPEND_COMPONENTS": {
        "schemas": COMPONENTS,
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": f"An API key: `{CHALLENGE}`."},
            "link": {
                "type": "apiKey",
                "in": "query",
                "name": "signature",
                "description": "A signed link, such as `metadata.url` of a video.",
            },
        },
    },
    "PREPROCESSING_HOOKS": ["videos.openapi.document.without_slashes"],
    "POSTPROCESSING_HOOKS": [],
    "COMPONENT_SPLIT_REQUEST": False,
    "SORT_OPERATION_PARAMETERS": False,
}
Endpoint = tuple[str, str, str, Any]


def without_slashes(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """The endpoints of the API with their paths as clients write them, in the order of `ROUTES`."""
    order = [*ROUTES]
    found = [(_SLASH.sub("", path), regex, method, view) for path, regex, method, view in endpoints]
    return iter(sorted(found, key=lambda endpoint: order.index(endpoint[0])))


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    with patched_settings(_SETTINGS):
        made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    made["paths"] = {path: made["paths"][path] for path in ROUTES}
    _require_bodies(made)
    _share_answers(made)
    return made


def written() -> str:
    """The document as `videos/api/openapi.json` holds it."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for path in made["paths"].values() for operation in path.values())


def _require_bodies(made: dict[str, Any]) -> None:
    for operation in _operations(made):
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True


def _share_answers(made: dict[str, Any]) -> None:
    """Put each refusal that several routes have into the components, once."""
    shared: dict[str, Any] = {}
    for operation in _operations(made):
        for status, answer in operation["responses"].items():
            if int(status) in refusals.MEANINGS:
                name = f"Refused{status}_{blake2b(encode(answer), digest_size=3).hexdigest()}"
                shared[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    made["components"]["responses"] = dict(sorted(shared.items()))
