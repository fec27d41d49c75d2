"""The virtual environment of `make`: what is wrong with one is noticed before it is used."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config import installation
from config.installation import STAMP, trouble
from tests.support.rows import check_each, each

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pip", "thing")
CODE = "whole = True\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with two small packages, as an installation leaves it."""
    folder = tmp_path_factory.mktemp("whole") / "venv"
    # By a Python outside of the tests' own environment, as that of `make` is.
    python = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    for name in PACKAGES:
        packages = installed(folder)
        (packages / f"{name}.py").write_text(CODE)
        facts = packages / f"{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "RECORD").write_text(f"{name}.py,,{len(CODE)}\n{facts.name}/RECORD,,\n")
    stamp(folder)
    return folder


def installed(folder: Path) -> Path:
    [packages] = folder.glob("lib/python*/site-packages")
    return packages


def stamp(folder: Path) -> None:
    told = {"place": str(folder), "needs": "", "extras": ["local"], "packages": PACKAGES}
    (folder / STAMP).write_text(json.dumps(told))


def of_another_python(folder: Path) -> None:
    python = folder / "bin" / "python"
    python.unlink()
    told = {"python": ["cpython-39", "/usr"], "packages": PACKAGES, "damaged": []}
    python.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    python.chmod(0o755)


def cut_short(folder: Path) -> None:
    (installed(folder) / "thing.py").write_text(CODE[:5])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda folder: None, ""),
    "the folder": (shutil.rmtree, "there is none"),
    "its stamp": (lambda folder: (folder / STAMP).unlink(), "it was not finished"),
    "half its stamp": (lambda folder: (folder / STAMP).write_text('{"place":'), "it was not finished"),
    "an earlier stamp": (lambda folder: (folder / STAMP).write_text("{}"), "it was not finished"),
    "its Python": (lambda folder: (folder / "bin" / "python").unlink(), "its Python does not run"),
    "pyvenv.cfg": (lambda folder: (folder / "pyvenv.cfg").unlink(), "another Python|missing or damaged"),
    "another Python": (of_another_python, "it is of another Python"),
    "pip": (lambda folder: shutil.rmtree(installed(folder) / "pip-1.0.dist-info"), "pip is missing"),
    "a module": (lambda folder: (installed(folder) / "thing.py").unlink(), r"thing\.py is missing"),
    "half a module": (cut_short, r"thing\.py is missing or damaged"),
    "a list of files": (
        lambda folder: (installed(folder) / "thing-1.0.dist-info" / "RECORD").unlink(),
        "thing is missing or damaged",
    ),
    "all packages": (lambda folder: shutil.rmtree(folder / "lib"), "pip is missing"),
}


@pytest.mark.processes
def test_what_is_damaged_is_noticed(whole: Path, tmp_path: Path) -> None:
    def check(name: str) -> None:
        damage, told = DAMAGES[name]
        folder = tmp_path / name
        shutil.copytree(whole, folder, symlinks=True)
        assert trouble(folder) == "it was made at another place"
        stamp(folder)
        damage(folder)
        found = trouble(folder)
        assert re.search(told, found) if told else not found, found

    check_each(DAMAGES, check)


@each("name", ["notes.txt", "bin/tool", "home/alice"])
def test_a_folder_that_is_no_environment_is_left_alone(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name.replace("/", "-")
    kept = folder / name
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    (folder / "other").touch()
    with pytest.raises(SystemExit, match=r"VENV is .*must be a virtual environment"):
        installation.main([str(folder), "local"])
    assert kept.read_text() == "mine"


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def python_that_says(folder: Path, first: str) -> Path:
    """This Python, which runs one statement first."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport importlib.util, runpy, sys\n{first}\n"
        "if sys.argv[1] == '-c': exec(sys.argv[2])\n"
        "else: sys.argv[:] = sys.argv[2:]; runpy.run_module(sys.argv[0], run_name='__main__')\n"
    )
    path.chmod(0o755)
    return path


LACKING = (
    "find = importlib.util.find_spec;"
    " importlib.util.find_spec = lambda name, *more: None if name == {!r} else find(name, *more)"
)
PYTHONS = {
    "sys.version_info = (3, 9, 18, 'final', 0)": "needs Python 3.11 or later, and .*python is Python 3.9:",
    LACKING.format("venv"): "has no module venv, .* apt install python",
    LACKING.format("ensurepip"): "has no module ensurepip, .* apt install python",
}


@pytest.mark.processes
def test_a_python_that_will_not_do_is_told_in_a_sentence_before_anything_is_made(tmp_path: Path) -> None:
    def check(first: str) -> None:
        venv = tmp_path / "venv"
        done = make("installed", f"PYTHON={python_that_says(tmp_path, first)}", f"VENV={venv}")
        assert done.returncode
        sentence, _ = done.stderr.splitlines()  # and make's own
        assert re.search(PYTHONS[first], sentence)
        assert not venv.exists()

    check_each(PYTHONS, check)
    none = make("demo", "PYTHON=python3.999")
    assert none.stderr.startswith("There is no python3.999: install Python 3.11 or later")


def test_every_command_of_the_makefile_begins_with_the_environment() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z0-9-]+):(.*?)## .*\n((?:\t.*\n)+)", text, re.MULTILINE)
    using = [(name, needs) for name, needs, recipe in targets if "$(BIN)" in recipe]
    assert len(using) > 5
    assert [name for name, needs in using if "installed" not in needs] == []
