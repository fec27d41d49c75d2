"""Every example in the documents, and in the portal, runs unchanged and has the described result."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.utils import timezone

from accounts import keys
from accounts.models import CosBucket, Scope, Tenant
from accounts.models.api_key import default_scopes
from config import local_address
from tests.conftest import Caller, make_caller, payload_of
from tests.contract import model_tables
from tests.examples import ROOT, Block, blocks
from tests.support import worker_process
from tests.support.fork_server import ForkServer
from tests.support.rows import check_each, each
from tests.support.uploads import picture
from tests.support.web_process import WebProcess
from tests.support.worker_process import TOO_LONG, Workers, ask, wait_for
from videos import catalogue
from videos.models import GenerationStat, Task, UpstreamAccount
from videos.portal.api import EXAMPLES
from videos.requests import parse
from videos.sandbox.scripts import parse_script
from videos.states import Status

workers = worker_process.workers  # the fixture

SHOWN = {"text", "json", "csv", "ini"}
"""Languages of answers and files; `test_docs` checks the complete ones."""
SUFFIXES = {"sh": "sh", "python": "py", "js": "mjs"}
"""Languages that are run, with their file suffixes."""
NODE = ROOT / "tests" / "node"
PREPARED = "the video that $ID stands for"
SHELLS, PYTHONS = 4, 3
"""Shells, and processes of Python, at a time; each process of Python runs several examples in turn."""


# Blocks that do not call the API


def _is_a_make_target(block: Block) -> None:
    target = block.code.splitlines()[-1].removeprefix("make ")
    _run(["make", "--dry-run", target], ROOT)


def _sets_what_the_examples_read(block: Block) -> None:
    output = _run(["bash", "-c", f'{block.code}\necho "$REELAY_URL $KEY"'], ROOT).split()
    assert output == [local_address.DEFAULT.replace("localhost", "127.0.0.1"), f"{keys.PREFIX}_…"]


def _is_a_script(block: Block) -> None:
    [script] = re.findall(r"-d '(\{.*\})'", block.code)
    parse_script(json.loads(script))


def _runs_commands(block: Block) -> None:
    """`test_docs` checks the line of Granian."""
    for line in block.code.splitlines():
        if line.startswith("python manage.py "):
            name, *arguments = shlex.split(line)[2:]
            assert name in get_commands()
            if name not in STAYS:
                call_command(name, *arguments)


def _is_of_an_sdk(block: Block) -> None:
    """`tests/dialects/test_tencent_sdk.py` runs the same calls."""
    compile(block.code, block.heading, "exec")


NO_CALLS: dict[str, Callable[[Block], None]] = {
    "git clone": _is_a_make_target,  # clones the code and starts everything, which the tests do in parts
    "export REELAY_URL": _sets_what_the_examples_read,
    'curl "$SANDBOX': _is_a_script,  # calls the sandbox, not the API
    "from tencentcloud": _is_of_an_sdk,  # shows a program before and after
    "python manage.py": _runs_commands,  # acts on the database, not through the API
}
"""Blocks that are not run unchanged, by their first words, with their own check."""
STAYS = {"worker", "createsuperuser"}
"""Commands that keep running, or ask somebody at a terminal."""


def _is_no_call(block: Block) -> bool:
    return block.code.startswith((*NO_CALLS,))


@each("beginning", NO_CALLS)
def test_blocks_that_do_not_call_the_api_are_valid_too(beginning: str, transactional_db: None) -> None:
    found = [block for block in blocks() if block.code.startswith(beginning)]
    check_each(found, NO_CALLS[beginning])


@each("block", blocks())
def test_every_block_is_run_or_exempted(block: Block) -> None:
    assert block.language in {*SUFFIXES, *SHOWN}, "each block says what it is"
    if block.language in SUFFIXES and not _is_no_call(block):
        assert block.heading in OBJECTS, "each example says what it answers"


def _parses(block: Block) -> None:
    """The program before the change, which calls a service that is not ours."""
    if block.language == "python":
        compile(block.before, str(block), "exec")
    else:
        _run(["bash", "-n", "-c", block.before], ROOT)


def test_what_is_migrated_changes_in_at_most_three_lines() -> None:
    changes = [block for block in blocks() if block.before]
    assert len(changes) == 2
    for block in changes:
        _parses(block)
        before, after = block.before.splitlines(), block.code.splitlines()
        changed = list(unified_diff(before, after, n=0, lineterm=""))[2:]
        for sign in "-+":
            assert 1 <= len([line for line in changed if line.startswith(sign)]) <= 3


# Blocks that call the API

PORTAL = "The portal's page about the API"
OF_A_BUCKET = "Bucket"
"""The example needs a bucket, and a key that may manage the account."""
OBJECTS: dict[str, str | None] = {
    "The API by example": "video",
    "Asking for a video": "video",
    "Listing": "list",
    "Cancelling and deleting": "video.deleted",
    "Usage": "usage",
    "Account": "account",
    OF_A_BUCKET: "bucket_check",
    "A first frame": "video",
    "First and last frame": "video",
    "Reference images": "video",
    "Several shots": "video",
    "A form": "video",
    "An uploaded image": "video",
    "Files": "file",
    "Words in a prompt": "video",
    "3. Make a video": "video",
    "3. 生成视频": "video",
    **{f"A video of {family}": "video" for family in model_tables.pages()},
    "Models": "list",
    "Limits": "account",
    "What a video costs": None,
    "Webhooks": "video",
    PORTAL: "video",
    "Many videos": "list",
    "From OpenAI": "video",
    "From new-api": "video",
}
"""The object returned by the examples under a heading; None if what is returned is no object of the API."""
TOLD_APART_BY = {"ImageUrl", "LastImageUrl", "ImageInfos", "AdditionalParameters"}
SENT = {
    "A first frame": {"ImageUrl"},
    "First and last frame": {"ImageUrl", "LastImageUrl"},
    "Reference images": {"ImageInfos"},
    "Several shots": {"AdditionalParameters"},
    "A form": {"ImageInfos"},
    "An uploaded image": {"ImageUrl"},
    "From new-api": {"ImageUrl"},
}
"""Fields the provider receives for the examples under a heading."""
OF_A_FILE = "An uploaded image"
PORTRAIT = "portrait.jpeg"
"""The file that examples upload."""


@dataclass(frozen=True)
class Example:
    """A block run by its own tenant in its own folder."""

    block: Block
    caller: Caller
    folder: Path
    prepared: Task | None
    """The video of `$ID`, unless the block creates it."""

    def __str__(self) -> str:
        return str(self.block)

    def made(self) -> list[Task]:
        """The tasks it created."""
        return [task for task in Task.objects.filter(tenant=self.caller.tenant) if task != self.prepared]

    def check(self) -> None:
        """Check the result against the document."""
        heading, made = self.block.heading, self.made()
        makes = OBJECTS[heading] == "video" and self.prepared is None
        assert len(made) == makes
        for task in made:
            assert payload_of(task).keys() & TOLD_APART_BY == SENT.get(heading, set())
            assert not task.not_forwarded
            if heading == OF_A_FILE:
                assert payload_of(task)["ImageUrl"].startswith("file_")
            elif self.block.language != "sh" and not self.block.before and heading != PORTAL:
                assert parse(task.request).meaning() == parse(_asked_by_curl(heading)).meaning()
        if "video.mp4" in self.block.code:
            assert (self.folder / "video.mp4").read_bytes()[4:8] == b"ftyp"
            assert {task.state for task in made} <= {Status.SUCCEEDED}


def _asked_by_curl(heading: str) -> Any:
    """The body of the `curl` command under a heading, which all languages send."""
    [code] = [block.code for block in blocks() if (block.heading, block.language) == (heading, "sh")]
    [body] = re.findall(r"-d '(\{.*\})'", code, re.DOTALL)
    return json.loads(body)


@dataclass(frozen=True)
class Gateway:
    """A web process and a worker connected to the sandbox."""

    url: str
    folder: Path

    def examples(self, language: str) -> list[Example]:
        """The examples of a language."""
        found = [block for block in blocks() if block.language == language and not _is_no_call(block)]
        return [self._example(block) for block in [*found, *self._of_the_portal(language)]]

    def _of_the_portal(self, language: str) -> Iterator[Block]:
        """The programs of a language as the page shows them, each with another model."""
        for number, example in enumerate(EXAMPLES):
            if example.language == language:
                code = example.code(f"{self.url}/v1", catalogue.MODELS[number])
                yield Block("portal", number, PORTAL, language, code)

    def wait_for_videos(self) -> None:
        """Wait until all videos are completed."""
        for task in Task.objects.all():
            wait_for(task, Status.SUCCEEDED)

    def _example(self, block: Block) -> Example:
        """Create a tenant, a folder and whatever else the block needs."""
        tenant, scopes = Tenant.objects.create(name=str(block)), default_scopes()
        if block.heading == OF_A_BUCKET:
            CosBucket.objects.create(tenant=tenant, bucket="videos-1250000000", region="ap-guangzhou")
            scopes = [Scope.MANAGE]
        caller = make_caller(tenant, scopes=(*scopes,))
        folder = self.folder / f"{block.document}-{block.line}".replace("/", "-")
        folder.mkdir()
        (folder / PORTRAIT).write_bytes(picture("JPEG"))
        (folder / f"example.{SUFFIXES[block.language]}").write_text(block.code)
        wants_video = "$ID" in block.code and "ID=$(" not in block.code
        prepared = ask(caller, PREPARED) if wants_video else None
        environment = {"REELAY_URL": self.url, "KEY": str(caller.text), "REELAY_API_KEY": str(caller.text)}
        environment |= {"ID": prepared.public_id} if prepared else {}
        (folder / "environment.json").write_text(json.dumps(environment))
        return Example(block, caller, folder, prepared)


@pytest.fixture
def gateway(
    workers: Workers,
    sandbox_account: UpstreamAccount,
    fork_server: ForkServer,
    tmp_path: Path,
    results_folder: Path,
) -> Iterator[Gateway]:
    for spec in catalogue.MODELS:
        GenerationStat.objects.update_or_create(
            model=spec.name,
            defaults={"usual": 1.0, "spread": 2.0, "samples": 100, "updated_at": timezone.now()},
        )
    workers.start()
    web = WebProcess(fork_server, tmp_path / "web.log", RESULTS_DIR=str(results_folder))
    web.wait()
    yield Gateway(web.url, tmp_path)
    web.kill()


def _run_in_shell(examples: Sequence[Example], home: Path) -> None:
    """Run each in its own shell, where `curl` fails on an error status; most only wait for a video."""
    (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")

    def run(example: Example) -> None:
        environment = json.loads((example.folder / "environment.json").read_text())
        command = ["bash", "-euo", "pipefail", "example.sh"]
        output = _run(command, example.folder, {**environment, "CURL_HOME": str(home)})
        answer, _ = json.JSONDecoder().raw_decode(output)
        assert answer.get("object") == OBJECTS[example.block.heading]

    with ThreadPoolExecutor(SHELLS) as threads:
        runs = [(example, threads.submit(run, example)) for example in examples]
    check_each(runs, lambda pair: pair[1].result(), lambda pair: str(pair[0]))


def _run_in_python(examples: Sequence[Example], home: Path) -> None:
    runner = str(ROOT / "tests" / "examples" / "run.py")
    folders = [str(example.folder) for example in examples]

    def run(start: int) -> str:
        return _run([sys.executable, runner, *folders[start::PYTHONS]], home)

    with ThreadPoolExecutor(PYTHONS) as threads:
        list(threads.map(run, range(PYTHONS)))


def _run_in_node(examples: Sequence[Example], home: Path) -> None:
    (home / "node_modules").symlink_to(NODE / "node_modules")
    _run(["node", str(NODE / "run.mjs"), *(str(example.folder) for example in examples)], home)


RUNNERS = {"sh": _run_in_shell, "python": _run_in_python, "js": _run_in_node}


@pytest.mark.processes
def test_every_example_works_as_documented(gateway: Gateway, subtests: pytest.Subtests) -> None:
    with ThreadPoolExecutor() as threads:
        examples = {language: gateway.examples(language) for language in _languages()}
        gateway.wait_for_videos()
        runs = {
            language: threads.submit(RUNNERS[language], found, gateway.folder)
            for language, found in examples.items()
        }
    for language in RUNNERS:
        with subtests.test(language):
            if language not in examples:
                pytest.skip("Node and its packages are missing; `make test-docs` gets them")
            runs[language].result()
            check_each(examples[language], Example.check)


def _languages() -> set[str]:
    """The languages available here; `make test-docs` requires all."""
    return {*RUNNERS} if _has_node() or "REQUIRE_NODE" in os.environ else {*RUNNERS} - {"js"}


def test_the_lock_file_of_node_names_no_registry() -> None:
    assert "://" not in (NODE / "package-lock.json").read_text()


def _has_node() -> bool:
    return shutil.which("node") is not None and (NODE / "node_modules").is_dir()


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Returns the output; fails the test with it if the program fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
