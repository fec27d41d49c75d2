"""GET /v1/models/{id} as a JSON Schema."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.test_api_models import listed
from tests.conftest import Caller
from tests.support.refusals import assert_refused
from videos.models import UpstreamAccount

PATH = "/v1/models/Kling-3.0-omni-720p"
MEDIA_TYPE = "application/schema+json"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?format=schema", {}),
        ("", {"HTTP_ACCEPT": MEDIA_TYPE}),
        ("", {"HTTP_ACCEPT": f"application/json;q=0.5, {MEDIA_TYPE}"}),
        ("?format=schema", {"HTTP_ACCEPT": "application/json"}),
    ],
)
def test_a_model_is_shown_as_a_json_schema_on_request(
    query: str, headers: dict[str, Any], owner: Caller
) -> None:
    answer = owner.get(PATH + query, **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert answer.headers["vary"] == "Accept"
    document = answer.json()
    Draft202012Validator.check_schema(document)
    assert document["title"] == "Kling-3.0-omni-720p"
    assert document["x-price"] == listed(owner)["Kling-3.0-omni-720p"]["capabilities"]["price"] != []


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html", f"{MEDIA_TYPE};q=0.5, */*", ""])
def test_a_model_is_an_object_otherwise(accept: str, owner: Caller) -> None:
    answer = owner.get(PATH, HTTP_ACCEPT=accept)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["object"] == "model"
    assert owner.get(f"{PATH}?format=json", HTTP_ACCEPT=MEDIA_TYPE).json() == answer.json()


def test_another_format_is_refused(owner: Caller) -> None:
    message = assert_refused(owner.get(f"{PATH}?format=yaml"), 400, "invalid_request")
    assert message == "format must be json or schema"


def test_every_sample_is_valid_and_priced(owner: Caller, account: UpstreamAccount) -> None:
    for name in listed(owner):
        for mode in owner.get(f"/v1/models/{name}?format=schema").json()["x-modes"]:
            answer = owner.post("/v1/videos/validate", mode["sample"])
            assert answer.status_code == 200, (name, mode["name"], answer.content)
            assert answer.json()["request"] == mode["sample"]
