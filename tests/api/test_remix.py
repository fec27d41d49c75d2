"""POST /v1/videos/{id}/remix is refused, and the refusal says what to use instead."""

import pytest

from tests.conftest import GOOD_BODY, Caller, MakeTask
from tests.support.refusals import UNKNOWN_ID, assert_refused
from videos.states import Status

ROUTES = ["/v1/videos/{}/remix", "/v1/videos/generations/{}/remix/", "/v1/video/generations/{}/remix"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", [Status.QUEUED, Status.SUCCEEDED])
def test_a_remix_is_refused_with_what_to_use_instead(
    route: str, status: Status, owner: Caller, make_task: MakeTask
) -> None:
    answer = owner.post(route.format(make_task(status).public_id), {"prompt": "the same at night"})
    message = assert_refused(answer, 400, "invalid_request")
    assert message.startswith("remix is not supported; create a new video with the metadata.url of this one")


def test_the_named_models_take_the_finished_video(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    link = owner.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"]
    models = owner.post(ROUTES[0].format(task.public_id)).json()["errors"][0]["allowed"]
    assert models
    for model in models:
        body = GOOD_BODY | {"model": model, "videos": [link]}
        assert owner.post("/v1/videos/validate", body).status_code == 200, model


def test_an_unknown_task_is_not_found(owner: Caller) -> None:
    for route in ROUTES:
        assert_refused(owner.post(route.format(UNKNOWN_ID), {}), 404, "task_not_exist")
        assert_refused(owner.post(route.format("no-id"), {}), 404, "task_not_exist")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_remix_takes_no_other_method(method: str, owner: Caller) -> None:
    assert_refused(owner.request(method, ROUTES[0].format(UNKNOWN_ID)), 405, "method_not_allowed")
