"""What the first run in a fresh clone must make: made once, as each test process would make it again.

That is the test modules with rewritten assertions, and Hypothesis's tables of characters.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

_TESTS = Path(__file__).resolve().parents[1]
_PROCESSES = 2


def prepare(config: pytest.Config) -> None:
    """Make what is missing or out of date, where pytest and Hypothesis look for it."""
    files = [file for name in ("test_*.py", "conftest.py") for file in sorted(_TESTS.rglob(name))]
    outdated = [file for file in files if rewrite._read_pyc(file, _compiled(file)) is None]
    parts = [outdated[place::_PROCESSES] for place in range(_PROCESSES)]
    work: list[Callable[[], None]] = [partial(_rewrite, config, part) for part in parts if part]
    if not (config.rootpath / ".hypothesis" / "unicode_data").exists():
        work.append(_tabulate_characters)
    for process_id in [_started(each) for each in work]:
        os.waitpid(process_id, 0)  # what could not be made is reported by whoever needs it


def _started(work: Callable[[], None]) -> int:
    process_id = os.fork()
    if process_id == 0:
        try:
            work()
        finally:
            os._exit(0)
    return process_id


def _rewrite(config: pytest.Config, files: list[Path]) -> None:
    for file in files:
        compiled = _compiled(file)
        if rewrite.try_makedirs(compiled.parent):
            digest, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, compiled)


def _compiled(file: Path) -> Path:
    return rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"


def _tabulate_characters() -> None:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=1, database=None)
    @given(st.text())
    def use(text: str) -> None:
        pass

    use()
