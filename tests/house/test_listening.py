"""Where serve and demo listen, what is refused, and what is told about it."""

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from config import local_address
from config.web.links import absolute
from tests.support.rows import each
from tests.support.worker_process import wait_until
from videos.local import listening
from videos.local.processes import Family, ProcessError, free_port
from videos.management.commands.demo import pasted

HERE, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - what is asked for

LOCAL = ["localhost", "127.0.0.1", "[::1]"]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind((HERE, 0))
        other.listen()
        yield int(other.getsockname()[1])


@each("command", ["serve", "demo"])
@each("port", ["99999", "-1", "abc", "", "80.5", "8 0", "\u0668\u0660"])
def test_a_port_there_is_not_is_refused(command: str, port: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(command, port=port)
    assert str(refused.value).startswith(f"PORT is {port!r}: a whole number from 1 to 65535 is allowed")


@each("command", ["serve", "demo"])
@each("host", ["192.0.2.1", "no.such.host.invalid", "127.0.0.1:8000", "http://127.0.0.1", "a b", "\udcff"])
def test_a_host_that_is_not_this_machine_is_refused(command: str, host: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(command, host=host)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"HOST is {host!r}: an address of this machine is allowed")


def test_a_port_that_is_taken_is_named_with_the_one_that_is_used_instead(taken: int) -> None:
    at = listening.choose(HERE, taken)
    assert at.port not in (0, taken)
    assert [*at.notes] == [f"Port {taken} is taken, so this is port {at.port}; PORT= names another."]
    assert at.url == f"http://{HERE}:{at.port}"


def test_a_port_that_is_free_is_used_without_a_word() -> None:
    port = free_port(0)
    at = listening.choose(HERE, str(port))
    assert (at.port, [*at.notes], at.url) == (port, [], f"http://{HERE}:{port}")
    assert [*listening.choose(HERE, 0).notes] == []


def test_beyond_this_machine_it_is_told_what_that_means(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = LOCAL
    [note] = listening.choose(EVERYWHERE, 0).notes
    assert "HOST=0.0.0.0 is plain HTTP" in note
    assert "anybody in the network" in note
    assert note.endswith("(ALLOWED_HOSTS): any.")


@each(
    "host, named, allowed",
    [
        ("127.0.0.1", LOCAL, LOCAL),
        ("127.0.0.2", LOCAL, [*LOCAL, "127.0.0.2"]),
        ("localhost", ["x.example"], ["x.example", HERE, "localhost"]),
        (EVERYWHERE, LOCAL, ["*"]),
        (EVERYWHERE, [*LOCAL, "x.example"], [*LOCAL, "x.example"]),
    ],
)
def test_it_answers_to_the_name_it_listens_by(
    host: str, named: list[str], allowed: list[str], settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = named
    at = listening.choose(host, 0)
    assert [
        name.replace("[::1]", HERE) if host == "localhost" else name for name in at.allowed_hosts
    ] == allowed


# --- links of commands


def test_links_lead_to_the_gateway_that_runs(tmp_path: Path, settings: LazySettings) -> None:
    settings.DATA_DIR = tmp_path
    assert absolute("/x") == "http://localhost:8000/x"
    with local_address.announced(tmp_path, "http://127.0.0.1:9999"):
        assert absolute("/x") == "http://127.0.0.1:9999/x"
        with local_address.announced(tmp_path, "http://127.0.0.1:1"):  # the first one stays
            assert absolute("/x") == "http://127.0.0.1:9999/x"
        settings.PUBLIC_URL = "https://x.example"
        assert absolute("/x") == "https://x.example/x"
    settings.PUBLIC_URL = ""
    assert absolute("/x") == "http://localhost:8000/x"


# --- processes that end by themselves

PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
)


@pytest.mark.processes
def test_a_part_that_ended_is_told_in_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with Family(tmp_path) as family:
        child = family.start("web", ["-c", f"{PARENT}; print('a\\nready'); time.sleep(60)"])
        wait_until("its words", lambda: "ready" in child.tail())
        family.check()
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        with pytest.raises(ProcessError) as told:
            family.check()
    [line] = str(told.value).splitlines()
    assert line == f"web ended by itself, with signal 9; the last line of {child.log}: ready"
    wait_until("the end of what it started", lambda: not _group_is_there(child.process.pid))


def _group_is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# --- what the demo gives to paste

ID = f"task_{'0' * 32}"
QUEUED, FAILED = f'{{"id":"{ID}","status":"queued"}}', f'{{"id": "{ID}", "status": "failed", "error": "why"}}'
DONE, ERROR = f'{{"id":"{ID}","status":"completed"}}', '{"error": {"message": "why"}}'


class Scripted(BaseHTTPRequestHandler):
    """An API that answers what the test wants, one after the other."""

    answers: list[tuple[int, str]]

    def do_GET(self) -> None:
        status, text = self.answers.pop(0) if self.answers else (500, "nobody should ask")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[str]:
    with ThreadingHTTPServer((HERE, 0), Scripted) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HERE}:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.processes
@each(
    "answers, said",
    [
        ([(201, QUEUED), (200, QUEUED), (200, DONE), (200, "a video")], f"{ID}.mp4"),
        ([(201, QUEUED), (200, FAILED)], "No video: .*failed.*why"),
        ([(201, QUEUED), (500, ERROR)], "No video: .*why"),
        ([(429, ERROR)], "No video: .*why"),
        ([(201, QUEUED), (200, DONE), (404, ERROR)], ""),
    ],
)
def test_the_pasted_lines_end_whatever_happens(
    answers: list[tuple[int, str]], said: str, api: str, tmp_path: Path
) -> None:
    Scripted.answers = [*answers]
    lines = pasted(api, "rly_key")
    done = subprocess.run(
        ["/bin/sh"],
        input=lines.replace("sleep 1", "sleep 0.01"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert Scripted.answers == []
    assert re.search(said, done.stdout.replace("\n", " ")), done
