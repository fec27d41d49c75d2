"""`CHECK_INPUTS`: the URLs of a request are looked at before a task is made of it."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache

from tests.conftest import Caller
from tests.support import lane as lanes
from tests.support.refusals import assert_refused
from tests.support.rows import each
from tests.support.uploads import clip, jpeg_of_size, picture, png
from videos.files.recognition import MOST_IMAGE_BYTES, pixels_of
from videos.inputs import facts, rules
from videos.lane.lanes import serving
from videos.models import Task, UpstreamAccount
from videos.requests.files import FileKind

OMNI: dict[str, Any] = {"model": "Kling-3.0-omni-1080p", "seconds": "5", "prompt": "a cat runs"}
OS: dict[str, Any] = {"model": "OS-2.0-720p", "seconds": "4", "prompt": "a cat runs"}
ELSEWHERE = "http://127.0.0.9:1/cat.png"
HUGE = MOST_IMAGE_BYTES + 1
SLOW = "slow"
"""The path of an answer that does not come."""


@dataclass
class Page:
    """An answer; without a length its end is that of the connection."""

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1


PAGES: dict[str, Page] = {
    "cat.png": Page(picture()),
    "cat.jpg": Page(picture("JPEG")),
    "cat.webp": Page(picture("WEBP"), headers={"Content-Type": "image/png"}),
    "cat.mp4": Page(clip()),
    "gzip.png": Page(gzip.compress(picture()), headers={"Content-Encoding": "gzip"}),
    "bomb.png": Page(gzip.compress(picture() + bytes(HUGE)), headers={"Content-Encoding": "gzip"}),
    "large.png": Page(picture() + bytes(HUGE)),
    "endless.png": Page(picture() + bytes(HUGE), length=None),
    "part.png": Page(picture(), 206, {"Content-Range": f"bytes 0-9/{HUGE}"}),
    "page.png": Page(b"<html>not here</html>"),
    "empty.png": Page(b""),
    "none.png": Page(b"", 416),
    "gone.png": Page(b"", 404),
    "broken.png": Page(b"", 500),
    "moved.png": Page(b"", 302, {"Location": "/cat.png"}),
    "private.png": Page(b"", 302, {"Location": ELSEWHERE}),
    "round.png": Page(b"", 302, {"Location": "/round.png"}),
    "wide.png": Page(png(1280, 720)),
    "tall.jpg": Page(jpeg_of_size(720, 1280)),
    "square.png": Page(png(720, 720)),
    "square.jpg": Page(jpeg_of_size(720, 720)),
}


@dataclass
class Site:
    """A site whose files requests name."""

    address: str
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return path if "://" in path else f"{self.address}/{path}?signature=secret"


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    silence, asked = threading.Event(), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].removeprefix("/")
            asked.append(path)
            if path == SLOW:
                silence.wait()
                return
            page = PAGES[path]
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.length is not None:
                self.send_header("Content-Length", str(len(page.content) if page.length < 0 else page.length))
            self.end_headers()
            try:
                self.wfile.write(page.content)
            except ConnectionError:  # enough was read
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_address[1]}", asked)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        silence.set()
        server.shutdown()


@pytest.fixture
def site(running: Site, settings: LazySettings, account: UpstreamAccount) -> Site:
    settings.CHECK_INPUTS = True
    settings.INPUT_HOSTS = ["127.0.0.1"]
    cache.clear()
    running.asked.clear()
    return running


def create(caller: Caller, site: Site, body: dict[str, Any], **inputs: list[str]) -> Any:
    urls = {name: [site.url(path) for path in paths] for name, paths in inputs.items()}
    return caller.post("/v1/videos", body | urls)


@each("path", ["cat.png", "cat.jpg", "gzip.png", "moved.png"])
def test_an_image_that_upstream_takes_passes(path: str, owner: Caller, site: Site) -> None:
    assert create(owner, site, OMNI, images=[path]).status_code == 200


REFUSED = [
    ("cat.webp", "must be JPEG or PNG by its content; {} is a WebP"),
    ("cat.mp4", "must be JPEG or PNG by its content; {} is MP4"),
    ("page.png", "must be JPEG or PNG by its content; {} is an HTML page"),
    ("empty.png", "must be JPEG or PNG by its content; {} is empty"),
    ("none.png", "must be JPEG or PNG by its content; {} is empty"),
    *(
        (f"{name}.png", "must not exceed 10 MiB; {} is larger")
        for name in ("large", "endless", "part", "bomb")
    ),
    ("gone.png", "cannot be read at {}: the link answered 404"),
    ("broken.png", "cannot be read at {}: the link answered 500"),
    ("round.png", "cannot be read at {}: it redirects more than 5 times"),
    ("private.png", "cannot be read at {}: the host 127.0.0.9 is not contacted: it is not a public address"),
    (ELSEWHERE, "cannot be read at {}: the host 127.0.0.9 is not contacted: it is not a public address"),
    (
        "http://metadata.internal/",
        "cannot be read at {}: the host metadata.internal is not contacted: it is not a public name",
    ),
]


@each("path, message", REFUSED)
def test_others_are_refused_with_the_url_and_the_reason(
    path: str, message: str, owner: Caller, site: Site
) -> None:
    answer = create(owner, site, OMNI, images=["cat.png", path])
    shown = site.url(path).partition("?")[0]
    assert assert_refused(answer, 400, "invalid_request") == f"images[1] {message.format(shown)}"
    assert answer.json()["error"]["param"] == "images[1]"
    assert not Task.objects.exists()


def test_a_video_is_one_and_every_fault_is_told(owner: Caller, site: Site) -> None:
    answer = create(owner, site, OMNI, images=["gone.png"], videos=["cat.png"])
    assert_refused(answer, 400, "invalid_request")
    assert [error["param"] for error in answer.json()["errors"]] == ["images[0]", "videos[0]"]
    assert answer.json()["errors"][1]["message"].startswith("videos[0] must be MP4 or MOV by its content")
    assert create(owner, site, OMNI, videos=["cat.mp4"]).status_code == 200


@each("path, passes", [("wide.png", True), ("tall.jpg", True), ("square.png", False), ("square.jpg", False)])
def test_os_takes_two_sizes(path: str, passes: bool, owner: Caller, site: Site) -> None:
    answer = create(owner, site, OS, images=[path])
    if passes:
        assert answer.status_code == 200
    else:
        url = site.url(path).partition("?")[0]
        message = f"images[0] must be 1280x720 or 720x1280 for OS; {url} is 720x720"
        assert assert_refused(answer, 400, "invalid_request") == message
    assert create(owner, site, OMNI, images=[path]).status_code == 200


def test_a_silent_server_is_waited_for_only_so_long(
    owner: Caller, site: Site, settings: LazySettings
) -> None:
    settings.CHECK_INPUTS_SECONDS = 0.2
    message = assert_refused(create(owner, site, OMNI, images=[SLOW]), 400, "invalid_request")
    assert message.endswith("it took longer than 0.2 s")


def test_facts_are_kept_for_a_while(owner: Caller, site: Site) -> None:
    for _ in range(3):
        create(owner, site, OMNI, images=["cat.png", "gone.png", "cat.png"])
    assert sorted(site.asked) == ["cat.png", "gone.png"]


def test_validation_looks_too_and_a_repeated_request_does_not(owner: Caller, site: Site) -> None:
    body = OMNI | {"images": [site.url("gone.png")]}
    assert_refused(owner.post("/v1/videos/validate", body), 400, "invalid_request")
    body = OMNI | {"images": [site.url("cat.png")]}
    first = owner.post("/v1/videos", body, HTTP_IDEMPOTENCY_KEY="one")
    cache.clear()
    site.asked.clear()
    assert owner.post("/v1/videos", body, HTTP_IDEMPOTENCY_KEY="one").json() == first.json()
    assert not site.asked


def test_nothing_is_looked_at_before_the_rules_are_met(owner: Caller, site: Site) -> None:
    assert_refused(create(owner, site, OMNI | {"seconds": "99"}, images=["gone.png"]), 400, "invalid_request")
    assert not site.asked


def test_by_default_nothing_is_looked_at(owner: Caller, site: Site, settings: LazySettings) -> None:
    settings.CHECK_INPUTS = False
    assert create(owner, site, OMNI, images=["gone.png"]).status_code == 200
    assert not site.asked


def test_requests_pass_while_too_many_are_looked_at(
    owner: Caller, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "_places", threading.BoundedSemaphore(1))
    with facts._places:
        assert create(owner, site, OMNI, images=["gone.png"]).status_code == 200
    assert_refused(create(owner, site, OMNI, images=["gone.png"]), 400, "invalid_request")


def test_the_lane_leaves_such_requests_to_the_view(owner: Caller, site: Site) -> None:
    lane = lanes.Lane(serving())
    lanes.used(owner)
    with_image = lanes.create(owner, OMNI | {"images": [site.url("cat.png")]})
    assert lanes.statuses(lane.serve(with_image, lanes.create(owner))) == [None, 200]
    assert not site.asked


@each(
    "content",
    [picture(), picture("JPEG"), png(4, 3), jpeg_of_size(4, 3), b"\xff\xd8\xff\xff" + picture("JPEG")[3:]],
)
def test_the_size_of_an_image_stands_in_its_beginning(content: bytes) -> None:
    kind = FileKind.PNG if content.startswith(b"\x89") else FileKind.JPEG
    assert pixels_of(content, kind) == (4, 3)


@each("cut", range(40))
def test_a_cut_image_has_no_size_and_breaks_nothing(cut: int) -> None:
    for content, kind in ((picture()[: cut % 24], FileKind.PNG), (picture("JPEG")[:cut], FileKind.JPEG)):
        assert pixels_of(content, kind) is None


def test_a_shown_url_is_short_and_holds_no_query() -> None:
    assert (
        rules.shown("https://me:secret@a.example:8443/b/c.png?sign=secret#x")
        == "https://a.example:8443/b/c.png"
    )
    assert len(rules.shown(f"https://a.example/{'x' * 4000}")) == 201
