"""Creates and repairs the virtual environment that `make` uses.

Run as `python -m config.installation FOLDER EXTRA` with the Python to build it with. Nothing is installed yet
at that point, so import only the standard library here.
"""

import fcntl
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
NEEDS = PROJECT / "pyproject.toml"
STAMP = ".reelay.json"
"""Written when the environment is complete: its folder, the digest of `NEEDS`, its extras and packages."""
INCLUDED = {"local": ("local",), "docs": ("docs",), "test": ("test", "local", "docs")}
"""The extras that each extra installs."""
_PARTS = {
    *("bin", "etc", "include", "lib", "lib64", "man", "share"),
    *("pyvenv.cfg", ".gitignore", ".local", ".test", STAMP),
}
"""Entries of a virtual environment; one that is half made or half removed has only some of them."""
_INTERRUPTED = 130
_LOOK = "look"


def main(arguments: Sequence[str]) -> None:
    """Complete the environment at FOLDER; with `look`, print what this Python has installed."""
    if arguments[0] == _LOOK:
        json.dump(_report(), sys.stdout)
        return
    folder, extra = Path(arguments[0]).resolve(), arguments[1]
    with NEEDS.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another make may be running
        _provide(folder, extra)


def _provide(folder: Path, extra: str) -> None:
    problem = trouble(folder)
    if problem:
        _make(folder, problem)
    if problem or not _has(folder, extra):
        _install(folder, extra)


def trouble(folder: Path) -> str:
    """Why the environment has to be recreated; empty if it is complete and built with this Python."""
    if not folder.exists():
        return "there is none"
    stamp = _stamp(folder)
    if not stamp:
        return "it was not finished"
    if stamp["place"] != str(folder):
        return "it was made at another place"
    found = _inspected(folder)
    if found is None:
        return "its Python does not run"
    if found["python"] != _python():
        return "it is of another Python"
    missing = sorted({"pip", *stamp["packages"]} - set(found["packages"]))
    damaged = missing or found["damaged"]
    return f"{damaged[0]} is missing or damaged" if damaged else ""


def _stamp(folder: Path) -> dict[str, Any]:
    try:
        stamp: dict[str, Any] = json.loads((folder / STAMP).read_text())
        _ = stamp["place"], stamp["packages"], stamp["needs"], stamp["extras"]
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return stamp


def _inspected(folder: Path) -> dict[str, Any] | None:
    """What the environment's own Python reports; None if it does not run."""
    command = [str(folder / "bin" / "python"), "-I", str(Path(__file__).resolve()), _LOOK]
    try:
        output = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - our own program
        found: dict[str, Any] = json.loads(output)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return found


def _report() -> dict[str, Any]:
    """This Python, its packages, and their files whose size is not the installed one."""
    packages = [(package.name, package) for package in metadata.distributions()]
    damaged = [str(path) for _, package in packages for path in _damaged(package)]
    return {"python": _python(), "packages": [name for name, _ in packages], "damaged": damaged}


def _damaged(package: metadata.Distribution) -> list[Any]:
    files = package.files
    if files is None:  # pip writes the list of files last
        return [package.name]
    return [path for path in files if path.size is not None and path.size != _size(package, path)]


def _size(package: metadata.Distribution, path: Any) -> int:
    with suppress(OSError):
        return Path(str(package.locate_file(path))).stat().st_size
    return -1


def _python() -> list[str]:
    return [sys.implementation.cache_tag or "", str(Path(sys.base_prefix).resolve())]


def _make(folder: Path, problem: str) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            package = "python{}.{}-venv".format(*sys.version_info)
            sys.exit(
                f"{sys.executable} has no module {module}, which virtual environments need: install it,"
                f" on Debian and Ubuntu with apt install {package}."
            )
    if folder.exists():
        _remove(folder, problem)
    # `sys.executable` may have been in the environment that was just removed.
    python = getattr(sys, "_base_executable", "") or sys.executable
    _run([python, "-m", "venv", str(folder)], f"{folder} could not be made")


def _remove(folder: Path, problem: str) -> None:
    strange = folder.is_file() or {path.name for path in folder.iterdir()} - _PARTS
    if strange and not (folder / "pyvenv.cfg").is_file():
        sys.exit(
            f"VENV is {str(folder)!r}: it must be a virtual environment, or a folder that is not there yet."
        )
    print(f"Making {folder} anew: {problem}.", flush=True)  # noqa: T201 - for the user of make
    shutil.rmtree(folder)


def _has(folder: Path, extra: str) -> bool:
    stamp = _stamp(folder)
    return stamp["needs"] == _needs() and extra in stamp["extras"]


def _needs() -> str:
    return hashlib.sha256(NEEDS.read_bytes()).hexdigest()


def _install(folder: Path, extra: str) -> None:
    kept = _stamp(folder).get("extras", [])
    (folder / STAMP).unlink(missing_ok=True)
    print(f"Installing into {folder} …", flush=True)  # noqa: T201 - likewise
    extras = sorted({*INCLUDED[extra], *kept})
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--editable", f"{PROJECT}[{','.join(extras)}]"], "not everything could be installed")
    found = _inspected(folder) or sys.exit(f"The Python in {folder} does not run.")
    stamp = {"place": str(folder), "needs": _needs(), "extras": extras, "packages": found["packages"]}
    (folder / STAMP).write_text(json.dumps(stamp))


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 - our own programs
        sys.exit(
            f"{failure[0].upper()}{failure[1:]}; what stands above says why. Run make again to try once more."
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as error:
        sys.exit(f"The virtual environment could not be made: {error}.")
