"""GET /v1/models: the models of a key and their capabilities."""

from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import GOOD_BODY, Caller, claim_next
from tests.contract.rules.models import MODEL_NAMES
from tests.support.refusals import assert_refused
from videos.models import Task, UpstreamAccount


def listed(caller: Caller) -> dict[str, Any]:
    answer = caller.get("/v1/models")
    assert answer.status_code == 200
    body = answer.json()
    assert body["object"] == "list"
    return {model["id"]: model for model in body["data"]}


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/"])
def test_the_list_contains_exactly_the_models_of_the_contract(path: str, owner: Caller) -> None:
    names = [model["id"] for model in owner.get(path).json()["data"]]
    assert sorted(names) == sorted(MODEL_NAMES)
    assert len(names) == 45


CAPABILITIES: dict[str, dict[str, Any]] = {
    "Kling-2.5-1080p": {"seconds": [5, 10], "max_images": 2, "max_videos": 0, "resolution": "1080P"},
    "Kling-2.5-720p": {"seconds": [5, 10], "max_images": 1, "resolution": "720P"},
    "Kling-3.0-omni-720p": {
        "seconds": list(range(3, 16)),
        "seconds_with_video": list(range(3, 11)),
        "max_videos": 1,
        "max_images": 7,
        "elements_and_shots": True,
        "aspect_ratios": ["16:9", "9:16", "1:1"],
    },
    "Kling-3.0-720p": {
        "seconds_with_video": list(range(3, 16)),
        "images_as_frames": 2,
        "version": "3.0",
        "default_version": "3.0",
    },
    "Hailuo-2.3-fast-1080p": {"seconds": [6], "aspect_ratios": [], "max_images": 1},
    "Hailuo-02-768p": {"seconds": [6, 10]},
    "Vidu-q2-720p": {
        "seconds": list(range(1, 11)),
        "aspect_ratios": ["16:9", "9:16", "1:1", "4:3", "3:4"],
        "subjects": True,
        "max_images": 7,
        "family_switches": ["LogoAdd", "OffPeak"],
    },
    "Vidu-q3-pro-720p": {"seconds": list(range(1, 17)), "max_images": 2, "subjects": False},
    "Vidu-q3-1080p": {"version": "q3", "default_version": "q3-pro"},
    "GV-3.1-fast-1080p": {"seconds": [8], "aspect_ratios": ["16:9", "9:16"]},
    "OS-2.0-720p": {
        "seconds": [4, 8, 12],
        "aspect_ratios": ["16:9", "9:16"],
        "aspect_ratios_with_images": [],
    },
    "Hunyuan-1.5-720p": {"seconds": list(range(1, 16)), "max_images": 0, "aspect_ratios": []},
    "Mingmou-1.0-1080p": {"max_images": 0, "scene_types": ["land2port"]},
}


def test_a_model_lists_its_capabilities(owner: Caller) -> None:
    models = listed(owner)
    for name, expected in CAPABILITIES.items():
        assert models[name]["object"] == "model"
        assert models[name]["capabilities"].items() >= expected.items(), name


@pytest.mark.parametrize("spelling", ["Kling-3.0-omni-720p", "kling-3.0-OMNI-720P"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_model_is_found_by_its_name_in_any_case(spelling: str, slash: str, owner: Caller) -> None:
    answer = owner.get(f"/v1/models/{spelling}{slash}")
    assert answer.json() == listed(owner)["Kling-3.0-omni-720p"]


@pytest.mark.parametrize(
    "name", ["Kling", "Kling-3.0", "sora-2", "%00", "%FF", "%E2%84%AAling-3.0-720p", "x" * 4000]
)
def test_an_unknown_model_is_not_found(name: str, owner: Caller) -> None:
    assert_refused(owner.get(f"/v1/models/{name}"), 404, "model_not_found")


def test_a_model_disabled_on_every_account_is_hidden(owner: Caller, account: UpstreamAccount) -> None:
    name = str(GOOD_BODY["model"])
    account.disabled_models = [name]
    account.save(update_fields=["disabled_models"])
    assert sorted(listed(owner)) == sorted(set(MODEL_NAMES) - {name})
    gone = f"The model '{name}' does not exist"
    assert assert_refused(owner.get(f"/v1/models/{name}"), 404, "model_not_found") == gone
    for path in ("/v1/videos", "/v1/videos/validate"):
        assert assert_refused(owner.post(path, GOOD_BODY), 400, "model_not_found") == gone
    assert not Task.objects.exists()


def test_a_task_goes_to_an_account_that_offers_its_model(owner: Caller, account: UpstreamAccount) -> None:
    account.disabled_models = [GOOD_BODY["model"]]
    account.save(update_fields=["disabled_models"])
    other = UpstreamAccount.objects.create(name="other", secret_id="AKIDother", secret_key="another")
    assert GOOD_BODY["model"] in listed(owner)
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
    assert claim_next(account, timezone.now()) is None
    assert claim_next(other, timezone.now()) == Task.objects.get()
    assert Task.objects.get().account == other


def test_a_disabled_account_offers_nothing(owner: Caller, account: UpstreamAccount) -> None:
    UpstreamAccount.objects.create(name="off", secret_id="AKIDoff", secret_key="another", is_enabled=False)
    account.disabled_models = [GOOD_BODY["model"]]
    account.save(update_fields=["disabled_models"])
    assert GOOD_BODY["model"] not in listed(owner)
