"""Damage to the virtual environment of `make` is detected before it is used."""

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
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed environment with two small packages."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    # With a Python outside the tests' environment, like that of `make`.
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
    state = {"place": str(folder), "needs": "", "extras": ["local"], "packages": PACKAGES}
    (folder / STAMP).write_text(json.dumps(state))


def replace_python(folder: Path) -> None:
    python = folder / "bin" / "python"
    python.unlink()
    state = {"python": ["cpython-39", "/usr"], "packages": PACKAGES, "damaged": []}
    python.write_text(f"#!/bin/sh\necho '{json.dumps(state)}'\n")
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
    "another Python": (replace_python, "it is of another Python"),
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
def test_each_damage_is_detected(environment: Path, tmp_path: Path) -> None:
    def check(name: str) -> None:
        damage, expected = DAMAGES[name]
        folder = tmp_path / name
        shutil.copytree(environment, folder, symlinks=True)
        assert trouble(folder) == "it was made at another place"
        stamp(folder)
        damage(folder)
        found = trouble(folder)
        assert re.search(expected, found) if expected else not found, found

    check_each(DAMAGES, check)


@each("name", ["notes.txt", "bin/tool", "home/alice"])
def test_a_folder_that_is_no_environment_is_not_touched(name: str, tmp_path: Path) -> None:
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


def python_that_runs(folder: Path, first: str) -> Path:
    """A Python that runs this statement first."""
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
def test_an_unsuitable_python_is_reported_before_anything_is_installed(tmp_path: Path) -> None:
    def check(first: str) -> None:
        venv = tmp_path / "venv"
        done = make("installed", f"PYTHON={python_that_runs(tmp_path, first)}", f"VENV={venv}")
        assert done.returncode
        sentence, _ = done.stderr.splitlines()  # the other line is make's own
        assert re.search(PYTHONS[first], sentence)
        assert not venv.exists()

    check_each(PYTHONS, check)
    none = make("demo", "PYTHON=python3.999")
    assert none.stderr.startswith("There is no python3.999: install Python 3.11 or later")


def test_every_make_target_that_uses_the_environment_depends_on_it() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z0-9-]+):(.*?)## .*\n((?:\t.*\n)+)", text, re.MULTILINE)
    using = [(name, needs) for name, needs, recipe in targets if "$(BIN)" in recipe]
    assert len(using) > 5
    assert [name for name, needs in using if "installed" not in needs] == []
