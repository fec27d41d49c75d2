"""A picture sent with the form of the portal or the console becomes a file of the tenant and an image."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Role, Tenant, User
from tests.api.test_files import HTML
from tests.conftest import Caller
from tests.support.people import Browser, leads_to, make_person, text
from tests.support.uploads import clip, jpeg_of_size, picture, png
from videos.composer.pictures import PICTURE
from videos.files import recognition
from videos.models import File, Task, UpstreamAccount

ANOTHER_KIND = "Use another file: its content must be JPEG or PNG."
ANSWERS: dict[str, Any] = {"model": "Kling-2.6-1080p", "seconds": "5", "prompt": "she smiles", "images": [""]}


def sent(content: bytes | None = None, **answers: Any) -> dict[str, Any]:
    file = SimpleUploadedFile("../she.png", picture() if content is None else content)
    return {**ANSWERS, "form_id": str(uuid4()), PICTURE: file, **answers}


def test_an_uploaded_picture_fills_the_first_empty_slot(
    alice: Browser, page: str, owner: Caller, account: UpstreamAccount
) -> None:
    fields = text(alice.client.post(f"{page}?part=fields", sent(), headers={"hx-request": "true"}))
    file = File.objects.get()
    assert (file.name, file.tenant) == ("she.png", owner.tenant)
    assert f'value="{file.public_id}"' in fields
    assert not Task.objects.exists()
    whole = text(alice.client.post(f"{page}?part=fields", sent()))  # without script
    assert File.objects.order_by("-id")[0].public_id in whole
    assert 'formenctype="multipart/form-data"' in whole


def test_a_form_with_a_picture_makes_the_video(alice: Browser, page: str, account: UpstreamAccount) -> None:
    assert "/videos/task_" in leads_to(alice.client.post(page, sent()))
    assert Task.objects.get().request["images"] == [File.objects.get().public_id]


def test_a_form_with_pictures_that_is_sent_twice_makes_one_video(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    """Without script, a double click on Create sends the picture twice."""
    form_id = str(uuid4())
    first = leads_to(alice.client.post(page, sent(form_id=form_id)))
    kept = File.objects.get()
    assert leads_to(alice.client.post(page, sent(form_id=form_id))) == first
    assert (Task.objects.count(), File.objects.get()) == (1, kept)
    for changes in ({"content": jpeg_of_size(200, 200)}, {"prompt": "he smiles"}):
        shown = text(alice.client.post(page, sent(form_id=form_id, **changes)))
        assert "This form was already sent with other values." in shown
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (HTML, ANOTHER_KIND),
        (png(16_000, 16_000), "The image is too large: 16000 x 16000 pixels."),
        (jpeg_of_size(16_000, 16_000), "The image is too large: 16000 x 16000 pixels."),
        (clip(), ANOTHER_KIND),
        (b"x", ANOTHER_KIND),
        (
            png(1, 1, data=b"x" * (recognition.MOST_IMAGE_BYTES + 1)),
            "The file is too large: the limit is 10\xa0MB.",
        ),
    ],
    ids=["a page", "a PNG bomb", "a JPEG bomb", "a video", "noise", "too large"],
)
def test_a_bad_picture_is_refused_in_place(
    content: bytes, problem: str, alice: Browser, page: str, account: UpstreamAccount
) -> None:
    for part in ("?part=fields", ""):
        assert problem in text(alice.client.post(f"{page}{part}", sent(content)))
    assert (File.objects.count(), Task.objects.count()) == (0, 0)


def test_a_full_quota_is_told(alice: Browser, page: str, settings: LazySettings) -> None:
    settings.FILES_BYTES_PER_TENANT = 1
    assert "The files may take 1\xa0byte together" in text(alice.client.post(f"{page}?part=fields", sent()))


def test_pictures_of_the_console_are_files_of_the_chosen_tenant(
    owner: Caller, account: UpstreamAccount
) -> None:
    other = Tenant.objects.create(name="Charlie")
    sophie = Browser(User.objects.create_superuser("sophie"))
    add = reverse("admin:videos_task_add")
    assert "Choose a tenant." in text(sophie.client.post(f"{add}?part=fields", sent()))
    assert not File.objects.exists()
    sophie.client.post(f"{add}?part=fields", sent(tenant=other.name))
    assert File.objects.get().tenant == other


def test_only_members_who_may_make_videos_may_upload(page: str, owner: Caller, stranger: Caller) -> None:
    viewer = Browser(make_person("victor", owner.tenant, Role.VIEWER))
    foreign = Browser(make_person("mallory", stranger.tenant))
    for browser in (viewer, foreign, Browser()):
        assert browser.client.post(f"{page}?part=fields", sent()).status_code in (302, 403, 404)
    assert not File.objects.exists()


def test_a_large_form_is_not_read_before_the_log_in(page: str) -> None:
    answer = Browser().client.post(page, sent(b"x" * 200_000))
    assert leads_to(answer).startswith("/log-in/?next=")


def test_there_is_no_place_for_pictures_while_uploads_are_off(
    alice: Browser, page: str, settings: LazySettings, account: UpstreamAccount
) -> None:
    assert 'name="picture"' in alice.see(page)
    settings.UPLOADS = False
    assert 'name="picture"' not in alice.see(page)
    alice.client.post(f"{page}?part=fields", sent())
    assert not File.objects.exists()


def test_a_script_uploads_a_picture_alone_and_the_form_shows_it(
    alice: Browser, page: str, owner: Caller, account: UpstreamAccount
) -> None:
    def send(content: bytes) -> str:
        data = {PICTURE: SimpleUploadedFile("she.png", content)}
        return text(alice.client.post(f"{page}?part=picture", data, headers={"hx-request": "true"}))

    answer = send(picture())
    file = File.objects.get()
    assert f'data-file="{file.public_id}"' in answer
    refused = send(HTML)
    assert "data-file" not in refused
    assert ANOTHER_KIND in refused
    images = [file.public_id, "https://cdn.example.com/a/sea.png?x=1", "https://cdn.example.com", "nonsense"]
    fields = {**ANSWERS, "model": "Kling-3.0-720p", "images": images}
    shown = text(alice.client.post(f"{page}?part=fields", fields))
    assert f'src="{page}pictures/{file.public_id}/" alt="she.png"' in shown
    assert "sea.png (cdn.example.com)" in shown
    assert shown.count("<img") == 1, "what others serve is not fetched"
    content = alice.get(f"{page}pictures/{file.public_id}/")
    assert content.headers["content-type"] == "image/png"
    assert b"".join(content) == picture()


def test_several_pictures_without_script_are_all_taken(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    pair = [SimpleUploadedFile(f"{name}.png", picture()) for name in "ab"]
    fields = {**ANSWERS, "model": "Kling-3.0-720p", PICTURE: pair}
    shown = text(alice.client.post(f"{page}?part=fields", fields))
    assert [file.public_id in shown for file in File.objects.all()] == [True, True]


def test_staff_see_the_pictures_of_a_task_they_make(owner: Caller, stranger: Caller) -> None:
    sophie, add = Browser(User.objects.create_superuser("sophie")), reverse("admin:videos_task_add")
    sophie.client.post(f"{add}?part=fields", sent(tenant=owner.tenant.name))
    file = File.objects.get()
    shown = text(
        sophie.client.post(
            f"{add}?part=fields", {**ANSWERS, "images": [file.public_id], "tenant": owner.tenant.name}
        )
    )
    address = f"{add}pictures/{owner.tenant.pk}/{file.public_id}/"
    assert f'src="{address}"' in shown
    assert b"".join(sophie.get(address)) == picture()
    assert sophie.get(f"{add}pictures/{stranger.tenant.pk}/{file.public_id}/").status_code == 404
    alice = Browser(make_person("alice", owner.tenant))
    assert alice.get(address).status_code == 302
