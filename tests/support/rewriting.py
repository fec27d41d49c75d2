"""Rewrites the assertions of all test modules before the test processes start, as each would do it again."""

import os
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

_TESTS = Path(__file__).resolve().parents[1]
_PROCESSES = 2


def rewrite_all(config: pytest.Config) -> None:
    """Write the compiled modules that are missing or out of date where pytest looks for them."""
    files = [file for name in ("test_*.py", "conftest.py") for file in sorted(_TESTS.rglob(name))]
    outdated = [file for file in files if rewrite._read_pyc(file, _compiled(file)) is None]
    writers = [_start(config, outdated[place::_PROCESSES]) for place in range(_PROCESSES) if outdated[place:]]
    for writer in writers:
        os.waitpid(writer, 0)  # a module that cannot be compiled is reported by whoever imports it


def _start(config: pytest.Config, files: list[Path]) -> int:
    process_id = os.fork()
    if process_id == 0:
        try:
            for file in files:
                _write(config, file)
        finally:
            os._exit(0)
    return process_id


def _write(config: pytest.Config, file: Path) -> None:
    compiled = _compiled(file)
    if rewrite.try_makedirs(compiled.parent):
        digest, code = rewrite._rewrite_test(file, config)
        rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, compiled)


def _compiled(file: Path) -> Path:
    return rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
