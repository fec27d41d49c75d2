"""The OpenAPI document agrees with the routes, the error codes, the catalogue and real answers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.models import APIKey, CosBucket, Quota, Scope
from config.error_codes import ErrorCode
from tests.conftest import GOOD_BODY, Caller, MakeTask, order_video
from tests.house.test_isolation import PATHS, PUBLIC, REQUESTS
from tests.support import uploads
from tests.support.rows import each
from videos import catalogue
from videos.api import errors
from videos.api.description import DOCUMENT
from videos.models import Task, UpstreamAccount
from videos.openapi import refusals, routes
from videos.openapi.document import written
from videos.requests import metadata, parse
from videos.states import Status

KEPT: dict[str, Any] = json.loads(DOCUMENT.read_text())
OPERATIONS = [
    (path, method.upper(), operation)
    for path, methods in KEPT["paths"].items()
    for method, operation in methods.items()
]


def resolved(value: Any) -> Any:
    """What a reference in the document stands for."""
    if "$ref" not in value:
        return value
    found = KEPT
    for name in value["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def validator(schema: Any) -> Draft202012Validator:
    """A validator of a schema that may refer to components."""
    return Draft202012Validator({**schema, "components": KEPT["components"]})


def strict(schema: Any) -> Any:
    """The schema, whose objects with named properties must have no others."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: strict(item) for name, item in schema.items()}
    named = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False, **inner} if named else inner


# --- the document itself


def test_the_document_is_fresh() -> None:
    assert DOCUMENT.read_text() == written(), "make docs writes it anew"


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(KEPT).validate()
    assert KEPT["openapi"].startswith("3.1")


def test_the_document_is_served_to_anybody(nobody: Caller) -> None:
    answer = nobody.get("/v1/openapi.json")
    assert (answer.status_code, answer.json()) == (200, KEPT)
    assert len(answer.content) < 256 * 1024
    again = nobody.get("/v1/openapi.json", HTTP_IF_NONE_MATCH=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_every_route_and_method_is_described() -> None:
    wanted = {(method, _template(route)) for method, route in REQUESTS if method != "HEAD"}
    assert {(method, path) for path, method, _ in OPERATIONS} == wanted
    assert {name for name, operation in _operations_by_name()} == {
        operation.name for methods in routes.ROUTES.values() for operation in methods.values()
    }


def _template(route: str) -> str:
    """The path of a route with the names of its parameters."""
    api = next(found for found in get_resolver().url_patterns if str(found.pattern) == "v1/")
    [pattern] = [
        found
        for found in api.url_patterns  # type: ignore[union-attr]  # it includes others
        if isinstance(found, URLPattern) and found.name == route
    ]
    [name] = [*pattern.pattern.regex.groupindex] or [""]
    return PATHS[route].replace("{id}", f"{{{name}}}").replace(str(GOOD_BODY["model"]), f"{{{name}}}")


def _operations_by_name() -> Iterator[tuple[str, Any]]:
    return ((operation["operationId"], operation) for _, _, operation in OPERATIONS)


@each("path, method, operation", OPERATIONS)
def test_an_operation_needs_a_key_if_the_route_does(path: str, method: str, operation: Any) -> None:
    is_public = path in {PATHS[route] for route in PUBLIC}
    assert (operation.get("security", []) == []) is is_public
    assert ("401" in operation["responses"]) is not is_public


@each("path, method, operation", OPERATIONS)
def test_each_parameter_of_the_path_is_described(path: str, method: str, operation: Any) -> None:
    named = [given["name"] for given in operation.get("parameters", []) if given["in"] == "path"]
    assert [f"{{{name}}}" for name in named] == [part for part in path.split("/") if part.startswith("{")]


# --- error codes


def _codes(answer: Any) -> list[str]:
    shown = resolved(answer).get("content", {}).get("application/json", {}).get("examples", {})
    return [shown_one["value"]["code"] for shown_one in shown.values()]


NEVER_OF_A_ROUTE = {"method_not_allowed"}
"""The answer to what the document does not describe."""


def test_every_error_code_is_described() -> None:
    described = {
        code
        for _, _, operation in OPERATIONS
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for code in _codes(answer)
    }
    assert described == {*get_args(ErrorCode)} - NEVER_OF_A_ROUTE


def test_codes_have_the_statuses_of_the_code() -> None:
    statuses = {(refusal.code, refusal.status) for refusal in errors.REFUSALS.values()}
    described = {
        (code, status)
        for methods in routes.ROUTES.values()
        for operation in methods.values()
        for status, codes in operation.refused.items()
        for code in codes
    }
    assert {(code, status) for code, status in statuses if code not in NEVER_OF_A_ROUTE} <= described


@each("code", get_args(ErrorCode))
def test_the_example_of_a_code_is_an_envelope_with_its_type(code: ErrorCode) -> None:
    shown = refusals.example(code)
    validator(strict(KEPT["components"]["schemas"]["Error"])).validate(shown)
    assert shown["code"] == shown["error"]["code"] == code
    known = {refusal.code: refusal.type for refusal in errors.REFUSALS.values()}
    assert known.get(code, shown["error"]["type"]) == shown["error"]["type"]


# --- requests


def test_the_examples_of_requests_are_valid() -> None:
    shown = KEPT["paths"]["/v1/videos"]["post"]["requestBody"]["content"]["application/json"]
    check = validator(shown["schema"])
    assert len(shown["examples"]) == 6
    for example in shown["examples"].values():
        parse(example["value"])
        check.validate(example["value"])


def test_a_request_is_described_with_every_model_and_key() -> None:
    schemas = KEPT["components"]["schemas"]
    assert schemas["CreateVideo"]["properties"]["model"]["enum"] == [spec.name for spec in catalogue.MODELS]
    assert {*schemas["Metadata"]["properties"]} == {*metadata.KEYS}
    assert {*schemas["OutputConfig"]["properties"]} == {*metadata.OUTPUT_FIELDS} - {"Resolution"}


# --- answers

ANSWERED = [
    ("get", "/v1/videos", "VideoList"),
    ("get", "/v1/videos?limit=1", "VideoList"),
    ("get", "/v1/models", "ModelList"),
    ("get", "/v1/models/Kling-3.0-omni-720p", "Model"),
    ("get", "/v1/usage?group_by=day,model,api_key", "Usage"),
    ("get", "/v1/account", "Account"),
    ("get", "/v1/files", "FileList"),
    ("get", "/v1/files/file_1", "Error"),
]


@each("method, path, component", ANSWERED)
def test_an_answer_is_as_described(
    method: str, path: str, component: str, owner: Caller, make_task: MakeTask
) -> None:
    order_video(owner)
    owner.post("/v1/files", **uploads.sent(uploads.form(uploads.picture())))
    _check(getattr(owner, method)(path).json(), component)


def _check(answer: Any, component: str) -> None:
    schemas = {"schemas": strict(KEPT["components"]["schemas"])}
    wanted = {"$ref": f"#/components/schemas/{component}", "components": schemas}
    Draft202012Validator(wanted).validate(answer)


@pytest.mark.parametrize("status", Status)
def test_a_video_of_any_status_is_as_described(status: Status, owner: Caller, make_task: MakeTask) -> None:
    task: Task = make_task(status)
    for path, component in (("videos", "Video"), ("video/generations", "NewApiVideo")):
        _check(owner.get(f"/v1/{path}/{task.public_id}").json(), component)
    answer = owner.request("DELETE", f"/v1/videos/{task.public_id}")
    _check(answer.json(), "DeletedVideo" if answer.status_code == 200 else "Error")


def test_creates_and_validations_are_as_described(owner: Caller, account: UpstreamAccount) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1, when_full="queue", seconds_per_day=11)
    for _ in range(2):
        _check(owner.post("/v1/videos", GOOD_BODY).json(), "Video")
    refused = owner.post("/v1/videos", GOOD_BODY)
    assert refused.status_code == 429
    _check(refused.json(), "Error")
    _check(owner.post("/v1/videos/validate", GOOD_BODY).json(), "Validation")


def test_files_and_checks_are_as_described(owner: Caller, settings: Any, tmp_path: Any) -> None:
    file = owner.post("/v1/files", **uploads.sent(uploads.form(uploads.picture()))).json()
    _check(file, "File")
    _check(owner.get(f"/v1/files/{file['id']}").json(), "File")
    _check(owner.request("DELETE", f"/v1/files/{file['id']}").json(), "DeletedFile")
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    place = {"bucket": "films-1250000000", "region": "ap-guangzhou"}
    CosBucket.objects.create(tenant=owner.tenant, **place, secret_id="AKIDalice", secret_key="s")
    APIKey.objects.update(scopes=[*Scope])
    _check(owner.post("/v1/account/bucket/check").json(), "BucketCheck")


@each("path, method, operation", OPERATIONS)
def test_each_example_is_as_described(path: str, method: str, operation: Any) -> None:
    for answer in operation["responses"].values():
        for content in resolved(answer).get("content", {}).values():
            check = validator(
                strict(content["schema"]) if "$ref" not in content["schema"] else content["schema"]
            )
            for example in content.get("examples", {}).values():
                check.validate(example["value"])


# --- the page


def test_the_page_shows_the_document_with_local_assets_under_the_strict_policy(db: None) -> None:
    answer = Client().get("/docs/api/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert 'data-document="/v1/openapi.json"' in page
    assets = [part.split('"')[0] for part in page.split('="/static/')[1:]]
    assert len(assets) == 4
    assert all(finders.find(asset) for asset in assets)
    assert "<style" not in page
    assert " style=" not in page
    assert all("src=" in script for script in page.split("<script")[1:])


def test_the_document_is_made_without_loading_its_generator_into_web_processes() -> None:
    """`lint-imports` checks the imports; this, that nothing else loads it."""
    code = "import config.asgi, sys; print('drf_spectacular' in sys.modules, 'videos.openapi' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]
