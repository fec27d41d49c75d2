"""Uploaded files: taken by their content, listed, served, counted, deleted and expired."""

import hashlib
import io
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant
from config import stores
from config.stores.base import Unreachable
from tests.conftest import NOW, Caller, MakeTask, make_caller
from tests.support.refusals import assert_refused
from tests.support.rows import each
from tests.support.uploads import (
    END,
    PURPOSE,
    box,
    chunk,
    clip,
    form,
    jpeg_of_size,
    part,
    picture,
    png,
    sent,
)
from videos.errors import NotAdmitted
from videos.files import recognition, storing
from videos.models import File, FileState, FileUse
from videos.requests.files import FileKind
from videos.states import FINAL, Status
from videos.worker.sweep import sweep


def upload(caller: Caller, content: bytes | None = None, filename: str | bytes = "cat.png") -> dict[str, Any]:
    answer = caller.post("/v1/files", **sent(form(picture() if content is None else content, filename)))
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def objects() -> list[str]:
    """The keys of everything in the store."""
    return [found.key for found in stores.results().list()]


def emptied() -> list[str]:
    """The same, and the store is empty then: rows of a table share it."""
    found = objects()
    for key in found:
        stores.results().delete(key)
    return found


@pytest.fixture
def temporary_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The temporary files that are made; all must be closed in the end."""
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def recorded(*arguments: Any, **named: Any) -> Any:
        made.append(make(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", recorded)
    yield made
    assert all(file.closed for file in made)


# --- what is taken


KINDS = {
    "a PNG": (picture("PNG"), "image/png"),
    "a JPEG": (picture("JPEG"), "image/jpeg"),
    "a progressive JPEG": (picture("JPEG", (64, 64), "blue"), "image/jpeg"),
    "an MP4": (clip(), "video/mp4"),
    "another MP4": (clip(b"mp42", b"x" * 300_000), "video/mp4"),
    "a MOV": (clip(b"qt  "), "video/quicktime"),
    "a fragmented MP4": (clip() + box(b"moof") + box(b"mdat", b"more"), "video/mp4"),
    "an MP4 with long boxes": (
        box(b"ftyp", b"isom\0\0\0\0") + box(b"moov") + b"\0\0\0\x01mdat" + (24).to_bytes(8) + b"12345678",
        "video/mp4",
    ),
    "an MP4 whose last box is open": (
        box(b"ftyp", b"isom\0\0\0\0") + box(b"moov") + b"\0\0\0\0mdatframes",
        "video/mp4",
    ),
}


@each("name", KINDS)
def test_a_file_is_taken_and_served_as_it_was_sent(name: str, owner: Caller) -> None:
    content, kind = KINDS[name]
    made = upload(owner, content, "anything.txt")
    assert made | {"id": "", "created_at": 0, "expires_at": 0} == {
        "id": "",
        "object": "file",
        "bytes": len(content),
        "created_at": 0,
        "expires_at": 0,
        "filename": "anything.txt",
        "purpose": "reference",
        "status": "processed",
    }
    assert made["expires_at"] - made["created_at"] == 30 * 24 * 3600
    assert owner.get(f"/v1/files/{made['id']}").json() == made
    served = owner.get(f"/v1/files/{made['id']}/content")
    assert isinstance(served, StreamingHttpResponse)
    assert served.getvalue() == content
    assert served.headers["content-type"] == kind
    assert served.headers["content-disposition"] == 'attachment; filename="anything.txt"'
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-length"] == str(len(content))
    row = File.objects.get()
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert emptied() == [f"files/{row.tenant_id.hex}/{row.created_at:%Y/%m}/{row.id.hex}"]


NAMES: dict[str, tuple[str, str]] = {
    "a path": ("../../etc/passwd", "passwd"),
    "a path of Windows": ("C:\\\\Users\\\\x\\\\cat.png", "cat.png"),
    "only dots": ("..", "file.png"),
    "nothing": ("", "file.png"),
    "only a slash": ("/", "file.png"),
    "control characters": ("a\x01b\x7fc\t.png", "abc.png"),
    "a change of direction": ("cat\u202egnp.exe", "catgnp.exe"),
    "500 characters": ("x" * 500 + ".png", "x" * 196 + ".png"),
    "500 characters without an end": ("x" * 500, "x" * 200),
    "Chinese": ("女孩.png", "女孩.png"),
    "quotes": ("a%22b.png", "ab.png"),
    "markup": ("<img src=x>.png", "img src=x.png"),
    "a decomposed letter": ("cafe\u0301.png", "café.png"),
}


@each("name", NAMES)
def test_an_odd_name_is_cleaned(name: str, owner: Caller) -> None:
    given, cleaned = NAMES[name]
    made = upload(owner, filename=given)
    assert made["filename"] == cleaned
    served = owner.get(f"/v1/files/{made['id']}/content")
    assert served.getvalue() == picture()
    assert served.headers["content-disposition"].startswith("attachment; filename")
    assert "\n" not in served.headers["content-disposition"]


# --- what is refused

HTML = b"<!doctype html><script>alert(1)</script>"
PNG, JPEG = picture("PNG"), picture("JPEG")
HOSTILE: dict[str, tuple[bytes | dict[str, Any], int, str, str]] = {
    "a PNG bomb": (form(png(16_000, 16_000)), 400, "invalid_request", "file must not exceed 67108864 pixels"),
    "a wide PNG": (form(png(2**31, 1)), 400, "invalid_request", "file must not exceed 67108864 pixels"),
    "a PNG without a size": (form(png(0, 9)), 400, "invalid_request", "file must have a width and a height"),
    "a JPEG bomb": (
        form(jpeg_of_size(16_000, 16_000), "a.jpg"),
        400,
        "invalid_request",
        "file must not exceed 67108864 pixels; this image has 16000 x 16000",
    ),
    "a JPEG without a size": (form(jpeg_of_size(0, 9)), 400, "invalid_request", "file must have a width"),
    "a PNG of endless chunks": (
        form(png(1, 1, chunk(b"tEXt") * 20_001)),
        400,
        "invalid_request",
        "file must have at most 20000 chunks",
    ),
    "a JPEG of endless segments": (
        form(JPEG[:2] + b"\xff\xfe\0\x02" * 20_001 + JPEG[2:]),
        400,
        "invalid_request",
        "file must have at most 20000 segments",
    ),
    "a GIF with a page": (form(b"GIF89a=1;" + HTML + b"  " * 20), 400, "invalid_request", "this is a GIF"),
    "a JPEG with a page": (
        form(JPEG + HTML, "a.jpg"),
        400,
        "invalid_request",
        "file must end with its image",
    ),
    "a PNG with a page": (form(PNG + HTML), 400, "invalid_request", "40 bytes of something else follow"),
    "a PNG with an archive": (form(PNG + b"PK\3\4" + b"x" * 99), 400, "invalid_request", "must end with"),
    "a JPEG with an MP4": (form(JPEG + clip()), 400, "invalid_request", "file must end with its image"),
    "a PDF with an MP4": (form(b"%PDF-1.7\n" + clip()), 400, "invalid_request", "this is a PDF"),
    "an MP4 with a PDF": (form(clip() + b"%PDF-1.7"), 400, "invalid_request", "file must be a whole video"),
    "a page named .png": (form(HTML), 400, "invalid_request", "this is an HTML page"),
    "a short page": (form(b"<html>"), 400, "invalid_request", "this is an HTML page"),
    "an SVG": (form(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), 400, "invalid_request", "this is an SVG"),
    "a GIF": (form(picture("GIF"), "a.gif"), 400, "invalid_request", "this is a GIF"),
    "a WebP": (form(picture("WEBP"), "a.webp"), 400, "invalid_request", "this is a WebP"),
    "a BMP": (form(picture("BMP"), "a.bmp"), 400, "invalid_request", "this is a BMP"),
    "a HEIC": (form(clip(b"heic"), "a.heic"), 400, "invalid_request", "this is a HEIC"),
    "an AVIF": (form(clip(b"avif"), "a.avif"), 400, "invalid_request", "this is an AVIF"),
    "sound": (form(clip(b"M4A "), "a.m4a"), 400, "invalid_request", "this is a sound file"),
    "a program of Linux": (form(b"\x7fELF" + b"\0" * 99), 400, "invalid_request", "this is a program"),
    "a program of Windows": (form(b"MZ" + b"\0" * 99), 400, "invalid_request", "this is a program"),
    "a script": (form(b"#!/bin/sh\nrm -rf /\n" + b" " * 40), 400, "invalid_request", "this is a program"),
    "an archive": (form(b"PK\3\4" + b"\0" * 99), 400, "invalid_request", "this is a ZIP archive"),
    "noise": (form(bytes(range(200))), 400, "invalid_request", "this is none"),
    "a cut PNG": (form(PNG[:-20]), 400, "invalid_request", "file must be a whole PNG; it ends too early"),
    "only the head of a PNG": (form(PNG[:20]), 400, "invalid_request", "file must be a whole PNG"),
    "a PNG without data": (
        form(PNG[:33] + chunk(b"IEND")),
        400,
        "invalid_request",
        "file must be a valid image; it has no image in it",
    ),
    "a PNG with a damaged head": (
        form(PNG[:20] + b"\xff" + PNG[21:]),
        400,
        "invalid_request",
        "file must be a valid PNG; its header is damaged",
    ),
    "a cut JPEG": (form(JPEG[:-2]), 400, "invalid_request", "file must be a whole JPEG; it ends too early"),
    "half a JPEG": (form(JPEG[: len(JPEG) // 2]), 400, "invalid_request", "file must be a whole JPEG"),
    "a JPEG without an image": (
        form(JPEG[:20] + b"\xff\xd9"),
        400,
        "invalid_request",
        "file must be a valid JPEG; it has no image in it",
    ),
    "a cut video": (form(clip()[:-3]), 400, "invalid_request", "file must be a whole video"),
    "a video without an index": (
        form(box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", b"x")),
        400,
        "invalid_request",
        "file must be a whole video; it lacks its index",
    ),
    "a video with a box that lies": (
        form(box(b"ftyp", b"isom\0\0\0\0") + b"\0\0\0\x04moov" + box(b"mdat")),
        400,
        "invalid_request",
        "file must be a whole video",
    ),
    "an empty file": (form(b""), 400, "invalid_request", "file must not be empty"),
    "an empty file without a name": (form(b"", ""), 400, "invalid_request", "file must not be empty"),
    "one byte": (form(b"\xff"), 400, "invalid_request", "file must be a JPEG, PNG, MP4 or MOV"),
    "a byte too many": (
        form(png(1, 1, data=b"x" * (recognition.MOST_IMAGE_BYTES - len(png(1, 1)) + 2))),
        413,
        "request_too_large",
        "file must not exceed 10485760 bytes as PNG",
    ),
    "two files": (
        PURPOSE + part("file", PNG, "a.png") + part("file", PNG, "b.png") + END,
        400,
        "invalid_request",
        "file must not be a file; send one file, as file",
    ),
    "a file in another field": (
        PURPOSE + part("image", PNG, "a.png") + END,
        400,
        "invalid_request",
        "image must not be a file; send one file, as file",
    ),
    "a file as text": (
        PURPOSE + part("file", PNG) + END,
        400,
        "invalid_request",
        "file must be sent as a file",
    ),
    "no file": (PURPOSE + END, 400, "invalid_request", "file is required"),
    "no purpose": (
        part("file", PNG, "a.png") + END,
        400,
        "invalid_request",
        "purpose must be reference",
    ),
    "another purpose": (
        form(PNG, purpose=part("purpose", b"fine-tune")),
        400,
        "invalid_request",
        "purpose must be reference, not 'fine-tune'",
    ),
    "two purposes": (form(PNG, purpose=PURPOSE * 2), 400, "invalid_request", "purpose must be sent once"),
    "a long purpose": (
        form(PNG, purpose=part("purpose", b"x" * 2000)),
        400,
        "invalid_json",
        "purpose must not exceed 1024 bytes",
    ),
    "an unknown field": (
        part("expires_after[seconds]", b"1") + form(PNG),
        400,
        "invalid_request",
        "expires_after[seconds] is not supported; file and purpose are",
    ),
    "thousands of parts": (
        part("purpose", b"reference") + part("x", b"") * 5000 + END,
        400,
        "invalid_request",
        "x is not supported",
    ),
    "thousands of empty purposes": (
        part("purpose", b"") * 5000 + END,
        400,
        "invalid_request",
        "purpose must",
    ),
    "a huge head": (
        PURPOSE + part("file", PNG, "a.png", b"X-A: " + b"a" * 100_000 + b"\r\n") + END,
        400,
        "invalid_json",
        "The form is malformed in part 2",
    ),
    "thousands of heads": (
        PURPOSE + part("file", PNG, "a.png", b"X-A: a\r\n" * 5000) + END,
        400,
        "invalid_json",
        "The form is malformed in part 2",
    ),
    "an encoded file": (
        PURPOSE + part("file", PNG, "a.png", b"Content-Transfer-Encoding: base64\r\n") + END,
        400,
        "invalid_json",
        "file has the Content-Transfer-Encoding base64; send it as it is",
    ),
    "a name that is no UTF-8": (form(PNG, b"caf\xe9.png"), 400, "invalid_json", "The file name of file is"),
    "a body cut in half": (form(PNG)[: len(form(PNG)) // 2], 400, "incomplete_body", "The form ends before"),
    "a body without its end": (form(PNG)[:-4], 400, "incomplete_body", "The form ends before"),
    "more behind the end": (form(PNG) + b"x", 400, "invalid_json", "The form goes on behind"),
    "another boundary": (
        {"data": form(PNG), "content_type": "multipart/form-data; boundary=line"},
        400,
        "invalid_json",
        "The boundary that Content-Type names, line, does not occur",
    ),
    "no boundary": (
        {"data": form(PNG), "content_type": "multipart/form-data"},
        400,
        "invalid_json",
        "The Content-Type of a form must name its boundary",
    ),
    "JSON": (
        {"data": b"{}", "content_type": "application/json"},
        415,
        "unsupported_media_type",
        "The content type must be",
    ),
    "the bytes alone": (
        {"data": PNG, "content_type": "image/png"},
        415,
        "unsupported_media_type",
        "The content type must be",
    ),
    "nothing": ({"data": b"", "content_type": ""}, 415, "unsupported_media_type", "The content type must be"),
    "a wrong length": (
        sent(form(PNG), CONTENT_LENGTH=str(len(form(PNG)) - 30)),
        400,
        "incomplete_body",
        "The form ends before",
    ),
}


@each("name", HOSTILE)
def test_a_hostile_upload_is_refused_and_leaves_nothing(
    name: str, owner: Caller, temporary_files: list[Any]
) -> None:
    body, status, code, words = HOSTILE[name]
    answer = owner.post("/v1/files", **(body if isinstance(body, dict) else sent(body)))
    assert words in assert_refused(answer, status, code)
    assert not File.objects.exists()
    assert emptied() == []
    assert all(file.closed for file in temporary_files)


def test_a_body_beyond_the_limit_is_refused(
    owner: Caller, settings: LazySettings, temporary_files: list[Any]
) -> None:
    settings.MAX_UPLOAD_BYTES = len(form(PNG)) - 1
    refused = owner.post("/v1/files", **sent(form(PNG)))
    message = assert_refused(refused, 413, "request_too_large")
    assert message == f"The request body must not exceed {len(form(PNG)) - 1} bytes"
    assert temporary_files == []


def test_there_are_at_least_40_hostile_uploads() -> None:
    assert len(HOSTILE) >= 40


def test_a_refusal_says_what_is_allowed(owner: Caller) -> None:
    [error] = owner.post("/v1/files", **sent(form(HTML))).json()["errors"]
    assert error == {
        "message": "file must be a JPEG, PNG, MP4 or MOV by its content; this is an HTML page",
        "param": "file",
        "code": "invalid_request",
        "allowed": ["JPEG", "PNG", "MP4", "MOV"],
    }


def test_the_largest_image_is_taken(owner: Caller, temporary_files: list[Any]) -> None:
    content = png(1, 1, data=b"x" * (recognition.MOST_IMAGE_BYTES - len(png(1, 1)) + 1))
    assert upload(owner, content)["bytes"] == recognition.MOST_IMAGE_BYTES


def test_what_cameras_write_behind_an_image_is_taken(owner: Caller) -> None:
    for trailer in (b"\0" * 100, JPEG, b"any data of the maker" + b"SEFT"):
        upload(owner, JPEG + trailer)


# --- lists, scopes and tenants


def test_files_are_listed_page_by_page_newest_first(owner: Caller) -> None:
    ids = [upload(owner)["id"] for _ in range(3)]
    page = owner.get("/v1/files?limit=2").json()
    assert page["object"] == "list"
    assert [file["id"] for file in page["data"]] == ids[:0:-1]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ids[2], ids[1], True)
    rest = owner.get(f"/v1/files?limit=2&after={page['last_id']}").json()
    assert ([file["id"] for file in rest["data"]], rest["has_more"]) == ([ids[0]], False)
    upwards = owner.get(f"/v1/files?order=asc&after={ids[0]}&purpose=reference").json()
    assert [file["id"] for file in upwards["data"]] == ids[1:]
    owner.request("DELETE", f"/v1/files/{ids[1]}")
    assert [file["id"] for file in owner.get(f"/v1/files?after={ids[1]}").json()["data"]] == [ids[0]]


@each(
    "query, param",
    [("after=x", "after"), ("limit=101", "limit"), ("order=x", "order"), ("purpose=x", "purpose")],
)
def test_a_bad_parameter_of_the_list_is_refused(query: str, param: str, owner: Caller) -> None:
    answer = owner.get(f"/v1/files?{query}")
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["error"]["param"] == param


def test_a_list_takes_as_many_queries_as_any_request(owner: Caller) -> None:
    for _ in range(3):
        upload(owner)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        owner.get("/v1/files")
    assert len(queries) == 2


def test_another_tenants_file_does_not_exist(owner: Caller, stranger: Caller) -> None:
    path = f"/v1/files/{upload(owner)['id']}"
    for method, route in (("GET", path), ("GET", f"{path}/content"), ("DELETE", path)):
        foreign = stranger.request(method, route)
        assert_refused(foreign, 404, "file_not_exist")
        unknown = stranger.request(method, route.replace(path, f"/v1/files/file_{'0' * 32}"))
        assert foreign.content == unknown.content
    assert stranger.get("/v1/files").json()["data"] == []
    assert owner.get(path).status_code == 200


def test_creating_and_deleting_need_the_scope_to_write_and_reading_that_to_read(owner: Caller) -> None:
    path = f"/v1/files/{upload(owner)['id']}"
    reader, writer = (make_caller(owner.tenant, scope, (scope,)) for scope in ("read", "write"))
    for answer in (
        reader.post("/v1/files", **sent(form(PNG))),
        reader.request("DELETE", path),
        writer.get(path),
        writer.get("/v1/files"),
        writer.get(f"{path}/content"),
    ):
        assert_refused(answer, 403, "permission_denied")
    assert writer.post("/v1/files", **sent(form(PNG))).status_code == 200
    assert reader.get(path).status_code == 200
    assert writer.request("DELETE", path).json() == {"id": path[10:], "object": "file", "deleted": True}
    assert_refused(reader.get(path), 404, "file_not_exist")


def test_there_are_no_files_while_uploads_are_off(owner: Caller, settings: LazySettings) -> None:
    path = f"/v1/files/{upload(owner)['id']}"
    settings.UPLOADS = False
    for method, route in (
        ("POST", "/v1/files"),
        ("GET", "/v1/files"),
        ("GET", path),
        ("GET", f"{path}/content"),
    ):
        assert_refused(owner.request(method, route), 404, "not_found")


# --- the quota


def test_the_bytes_of_a_tenant_are_limited(owner: Caller, stranger: Caller, settings: LazySettings) -> None:
    settings.FILES_BYTES_PER_TENANT = 2 * len(PNG)
    first = upload(owner)
    upload(owner)
    refused = owner.post("/v1/files", **sent(form(PNG)))
    assert_refused(refused, 429, "insufficient_quota")
    assert refused.headers["x-should-retry"] == "false"
    [error] = refused.json()["errors"]
    assert (error["limit"], error["value"], error["used"]) == ("files_bytes", 2 * len(PNG), 2 * len(PNG))
    assert len(objects()) == 2
    upload(stranger)
    owner.request("DELETE", f"/v1/files/{first['id']}")
    upload(owner)


def test_the_number_of_files_is_limited(owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MOST_FILES", 1)
    upload(owner)
    assert_refused(owner.post("/v1/files", **sent(form(PNG))), 429, "insufficient_quota")


@pytest.mark.django_db(transaction=True)
def test_uploads_at_the_same_moment_do_not_exceed_the_limit_together(settings: LazySettings) -> None:
    settings.FILES_BYTES_PER_TENANT = 3 * len(PNG) + 1
    tenant = Tenant.objects.create(name="Alice")
    results: list[bool] = []

    def store() -> None:
        received = storing.Received(
            "a.png", FileKind.PNG, len(PNG), hashlib.sha256(PNG).hexdigest(), io.BytesIO(PNG)
        )
        try:
            storing.keep(tenant.pk, received, timezone.now())
            results.append(True)
        except NotAdmitted:
            results.append(False)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 5 + [True] * 3
    assert File.objects.filter(state=FileState.STORED).count() == len(objects()) == 3


# --- interruptions, deletion and expiry


class Cut(BaseException):
    """The process died."""


@pytest.mark.parametrize("moment", ["before the object", "after the object"])
def test_an_interrupted_upload_is_removed_by_the_sweep(
    moment: str, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(file: File, received: storing.Received) -> None:
        if moment == "after the object":
            stores.results().put(storing.object_key(file), received.content, "")
        raise Cut

    def nothing(file: File) -> None:
        """What the dead process would have tidied up."""

    with monkeypatch.context() as patched:
        patched.setattr(storing, "_put", cut)
        patched.setattr(storing, "_remove", nothing)
        with pytest.raises(Cut):
            owner.post("/v1/files", **sent(form(PNG)))
    [file] = File.objects.all()
    assert file.state == FileState.UPLOADING
    assert owner.get("/v1/files").json()["data"] == []
    assert_refused(owner.get(f"/v1/files/{file.public_id}"), 404, "file_not_exist")
    sweep(timezone.now())
    assert File.objects.exists()  # it may still be arriving
    sweep(timezone.now() + storing.INTERRUPTED_AFTER)
    assert not File.objects.exists()
    assert objects() == []


def test_an_upload_that_cannot_be_stored_leaves_nothing(
    owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise Unreachable("the store is away")

    monkeypatch.setattr("config.stores.folder.FolderStore.put", broken)
    refused = owner.post("/v1/files", **sent(form(PNG)))
    assert_refused(refused, 503, "internal_error")
    assert refused.headers["retry-after"] == "30"
    assert not File.objects.exists()


def test_a_deletion_that_fails_is_finished_by_the_sweep(
    owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/files/{upload(owner)['id']}"

    def broken(*_: Any) -> None:
        raise Unreachable("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr("config.stores.folder.FolderStore.delete", broken)
        assert owner.request("DELETE", path).status_code == 200
        sweep(timezone.now())
    assert_refused(owner.get(path), 404, "file_not_exist")
    assert len(objects()) == 1
    sweep(timezone.now())
    assert (File.objects.count(), objects()) == (0, [])


def test_expired_files_are_removed(owner: Caller) -> None:
    upload(owner)
    sweep(timezone.now() + timedelta(days=29))
    assert File.objects.count() == 1
    sweep(timezone.now() + timedelta(days=31))
    assert (File.objects.count(), objects()) == (0, [])


@each("status", Status)
def test_a_file_is_kept_until_the_tasks_that_use_it_have_ended(
    status: Status, owner: Caller, make_task: MakeTask
) -> None:
    file_id = upload(owner)["id"]
    task = make_task(status)
    FileUse.objects.create(file=File.objects.get(), task=task)
    storing.remove_unneeded(NOW + timedelta(days=3650))
    assert File.objects.exists() is (status not in FINAL)
    if status in FINAL:
        return
    refused = owner.request("DELETE", f"/v1/files/{file_id}")
    message = assert_refused(refused, 409, "file_in_use")
    assert task.public_id in message
    assert refused.headers["x-should-retry"] == "false"
    assert owner.get(f"/v1/files/{file_id}").status_code == 200


def test_a_file_of_an_ended_task_can_be_deleted(owner: Caller, make_task: MakeTask) -> None:
    file_id = upload(owner)["id"]
    FileUse.objects.create(file=File.objects.get(), task=make_task(Status.SUCCEEDED))
    assert owner.request("DELETE", f"/v1/files/{file_id}").status_code == 200
    assert not FileUse.objects.exists()
