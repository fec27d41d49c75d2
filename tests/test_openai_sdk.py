"""OpenAI's own Python SDK makes, follows and downloads a video, unchanged."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from tests.conftest import Caller, MakeTask
from videos.models import Task, UpstreamAccount
from videos.states import Status

pytestmark = pytest.mark.filterwarnings(
    # OpenAI ends its own service; the SDK says so at each call.
    "ignore:The Sora API is scheduled:DeprecationWarning"
)
VIDEO = bytes(range(256)) * 2048


@pytest.fixture
def sdk(live_server: LiveServer, owner: Caller) -> Iterator[openai.OpenAI]:
    """A client of OpenAI's with Alice's key, pointed at us."""
    with openai.OpenAI(base_url=f"{live_server.url}/v1", api_key=owner.text, max_retries=0) as client:
        yield client


def test_a_video_is_made_and_followed(sdk: openai.OpenAI, account: UpstreamAccount) -> None:
    made = sdk.videos.create(
        model="Kling-3.0-omni-1080p",
        prompt="a cat runs",
        seconds="5",  # type: ignore[arg-type]  # the SDK knows OpenAI's lengths only
        extra_body={
            "images": ["https://example.com/1.png", "https://example.com/2.png"],
            "metadata": {"aspect_ratio": "16:9", "output_config": {"AudioGeneration": "Enabled"}},
        },
    )
    assert (made.object, made.status, made.progress, made.seconds) == ("video", "queued", 0, "5")
    payload = Task.objects.get().payload
    assert [image["ImageUrl"] for image in payload["ImageInfos"]] == [
        "https://example.com/1.png",
        "https://example.com/2.png",
    ]
    assert payload["ExtraParameters"]["AspectRatio"] == "16:9"
    assert payload["ExtraParameters"]["EnableAudio"] is True
    followed = sdk.videos.retrieve(made.id)
    assert (followed.id, followed.created_at) == (made.id, made.created_at)


def test_a_list_of_shots_survives_the_form(sdk: openai.OpenAI, account: UpstreamAccount) -> None:
    shots = [
        {"index": 1, "prompt": "a cat", "duration": 2},
        {"index": 2, "prompt": "a dog", "duration": 3},
    ]
    parameters = {"multi_shot": True, "shot_type": "customize", "multi_prompt": shots}
    sdk.videos.create(
        model="Kling-3.0-720p",
        prompt="two pets",
        seconds="5",  # type: ignore[arg-type]  # the SDK knows OpenAI's lengths only
        extra_body={"metadata": {"ext_info": {"AdditionalParameters": parameters}}},
    )
    assert "a dog" in Task.objects.get().payload["AdditionalParameters"]


def test_a_finished_video_is_downloaded(
    sdk: openai.OpenAI, make_task: MakeTask, results_folder: Path
) -> None:
    task = make_task(Status.SUCCEEDED)
    path = results_folder / task.media_name
    path.parent.mkdir(parents=True)
    path.write_bytes(VIDEO)
    assert sdk.videos.retrieve(task.public_id).status == "completed"
    assert sdk.videos.download_content(task.public_id).read() == VIDEO


def test_refusals_are_the_sdks_own_errors(sdk: openai.OpenAI, make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING)
    with pytest.raises(openai.ConflictError) as not_ready:
        sdk.videos.download_content(task.public_id)
    assert not_ready.value.code == "video_not_ready"
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.videos.retrieve("task_unknown")
    assert (unknown.value.code, unknown.value.type) == ("task_not_exist", "not_found_error")
    with pytest.raises(openai.BadRequestError) as file:
        sdk.videos.create(prompt="x", seconds="4", model="sora-2", input_reference=b"\x89PNG")
    assert file.value.code == "model_not_found"
    assert file.value.request_id is not None
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="sk-wrong").videos.retrieve(task.public_id)


def test_the_sdk_lists_the_models(sdk: openai.OpenAI) -> None:
    assert "Kling-3.0-720p" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("GV-3.1-720p").owned_by == "GV"
    assert connection.is_usable()
