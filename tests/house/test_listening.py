"""Where serve and demo listen, what they refuse, and their messages."""

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
from config.edge import server
from config.web.links import absolute
from tests.support.rows import each
from tests.support.worker_process import wait_until
from videos.local import listening
from videos.local.processes import ProcessError, ProcessGroup, free_port
from videos.management.commands.demo import pasted

HERE, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - what is asked for

LOCAL = ["localhost", "127.0.0.1", "[::1]"]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port in use."""
    with socket.socket() as other:
        other.bind((HERE, 0))
        other.listen()
        yield int(other.getsockname()[1])


@each("command", ["serve", "demo"])
@each("port", ["99999", "-1", "abc", "", "80.5", "8 0", "\u0668\u0660"])
def test_an_invalid_port_is_refused(command: str, port: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(command, port=port)
    assert str(refused.value).startswith(f"PORT is {port!r}: a whole number from 1 to 65535 is allowed")


@each("command", ["serve", "demo"])
@each("host", ["192.0.2.1", "no.such.host.invalid", "127.0.0.1:8000", "http://127.0.0.1", "a b", "\udcff"])
def test_a_host_of_another_machine_is_refused(command: str, host: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(command, host=host)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"HOST is {host!r}: an address of this machine is allowed")


def test_a_port_in_use_is_replaced_and_both_are_named(taken: int) -> None:
    at = listening.choose(HERE, taken)
    assert at.port not in (0, taken)
    assert [*at.notes] == [f"Port {taken} is taken, so this is port {at.port}; PORT= names another."]
    assert at.url == f"http://{HERE}:{at.port}"


def test_a_free_port_is_used_without_a_note() -> None:
    port = free_port(0)
    at = listening.choose(HERE, str(port))
    assert (at.port, [*at.notes], at.url) == (port, [], f"http://{HERE}:{port}")
    assert [*listening.choose(HERE, 0).notes] == []


def test_listening_beyond_this_machine_shows_a_warning(settings: LazySettings) -> None:
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
def test_the_host_it_listens_on_is_allowed(
    host: str, named: list[str], allowed: list[str], settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = named
    at = listening.choose(host, 0)
    assert [
        name.replace("[::1]", HERE) if host == "localhost" else name for name in at.allowed_hosts
    ] == allowed


# --- links of commands


def test_links_use_the_address_of_the_running_gateway(tmp_path: Path, settings: LazySettings) -> None:
    settings.DATA_DIR = tmp_path
    assert absolute("/x") == "http://localhost:8000/x"
    with local_address.announced(tmp_path, "http://127.0.0.1:9999"):
        assert absolute("/x") == "http://127.0.0.1:9999/x"
        with local_address.announced(tmp_path, "http://127.0.0.1:1"):  # the first one is kept
            assert absolute("/x") == "http://127.0.0.1:9999/x"
        settings.PUBLIC_URL = "https://x.example"
        assert absolute("/x") == "https://x.example/x"
    settings.PUBLIC_URL = ""
    assert absolute("/x") == "http://localhost:8000/x"


# --- child processes

PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
)


@pytest.mark.processes
def test_an_ended_process_is_reported_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as family:
        child = family.start("web", ["-c", f"{PARENT}; print('a\\nready'); time.sleep(60)"])
        wait_until("its words", lambda: "ready" in child.tail())
        family.check()
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        with pytest.raises(ProcessError) as raised:
            family.check()
    [line] = str(raised.value).splitlines()
    assert line == f"web ended by itself, with signal 9; the last line of {child.log}: ready"
    wait_until("the end of what it started", lambda: not _group_is_there(child.process.pid))


def _group_is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.processes
def test_a_server_whose_port_was_taken_says_so(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUST_BACKTRACE", "1")
    with ProcessGroup(tmp_path) as family:
        web = family.start("web", server.command(HERE, taken))
        with pytest.raises(ProcessError, match=r"the last line of .*: RuntimeError: Address already in use"):
            family.wait_until_answers(web, f"http://{HERE}:{taken}/healthz")


def test_free_ports_are_taken_by_no_outgoing_connection() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 < free_port(0) < first for _ in range(20))


# --- pasted commands

ID = f"task_{'0' * 32}"
QUEUED, FAILED = f'{{"id":"{ID}","status":"queued"}}', f'{{"id": "{ID}", "status": "failed", "error": "why"}}'
DONE, ERROR = f'{{"id":"{ID}","status":"completed"}}', '{"error": {"message": "why"}}'


class Scripted(BaseHTTPRequestHandler):
    """An API with scripted answers."""

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
    "answers, expected",
    [
        ([(201, QUEUED), (200, QUEUED), (200, DONE), (200, "a video")], f"{ID}.mp4"),
        ([(201, QUEUED), (200, FAILED)], "No video: .*failed.*why"),
        ([(201, QUEUED), (500, ERROR)], "No video: .*why"),
        ([(429, ERROR)], "No video: .*why"),
        ([(201, QUEUED), (200, DONE), (404, ERROR)], ""),
    ],
)
def test_the_pasted_commands_end_in_every_case(
    answers: list[tuple[int, str]], expected: str, api: str, tmp_path: Path
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
    assert re.search(expected, done.stdout.replace("\n", " ")), done
