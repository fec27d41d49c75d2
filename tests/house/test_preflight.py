"""The preflight of a store: each step fails by itself, and nothing stays behind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from config.stores.base import (
    Denied,
    Full,
    Misconfigured,
    Missing,
    Saved,
    StoredObject,
    StoreError,
    Unreachable,
)
from config.stores.folder import FolderStore
from config.stores.preflight import Different, Finding, Step, preflight
from tests.support.rows import each

T = TypeVar("T")


class Faulty(FolderStore):
    """A folder whose calls fail as they are told; those of a lost answer do their work first."""

    def __init__(self, folder: Path, fails: dict[str, Exception], lost: str = "") -> None:
        super().__init__(folder)
        self.called: list[str] = []
        self._fails, self._lost = fails, lost

    def put(self, key: str, content: Any, content_type: str = "") -> Saved:
        return self._call("put", lambda: FolderStore.put(self, key, content, content_type))

    def stat(self, key: str) -> StoredObject:
        return self._call("stat", lambda: FolderStore.stat(self, key))

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Any:
        return self._call("open", lambda: FolderStore.open(self, key, start, stop))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        yield from self._call("list", lambda: FolderStore.list(self, prefix))

    def delete(self, key: str) -> None:
        self._call("delete", lambda: FolderStore.delete(self, key))

    def _call(self, name: str, work: Callable[[], T]) -> T:
        self.called.append(name)
        if name == self._lost:
            work()
        if name in self._fails:
            raise self._fails[name]
        return work()


def shown(findings: list[Finding]) -> str:
    """The findings in a few words."""
    words = [
        "-" if not found.was_tried else type(found.error).__name__ if found.error else "good"
        for found in findings
    ]
    return " ".join(words)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_good_store_passes_every_step_and_nothing_stays_behind(tmp_path: Path) -> None:
    findings = preflight(FolderStore(tmp_path), "reelay/2026-11-20/check")
    assert findings == [Finding(step) for step in Step]
    assert files(tmp_path) == []


DENIED, GONE, SLOW = Denied("no"), Misconfigured("no such bucket"), Unreachable("no answer")


@each(
    "fails, expected",
    [
        ({"put": DENIED}, "Denied - good good"),
        ({"put": Full("full")}, "Full - good good"),
        ({"put": GONE}, "Misconfigured - - -"),
        ({"put": SLOW}, "Unreachable - - good"),
        ({"put": SLOW, "delete": SLOW}, "Unreachable - - Unreachable"),
        ({"stat": DENIED}, "good Denied good good"),
        ({"open": DENIED}, "good Denied good good"),
        ({"open": Missing("none")}, "good Missing good good"),
        ({"open": SLOW}, "good Unreachable - good"),
        ({"list": DENIED}, "good good Denied good"),
        ({"delete": DENIED}, "good good good Denied"),
        ({"put": DENIED, "list": DENIED, "delete": DENIED}, "Denied - Denied Denied"),
    ],
)
def test_each_step_has_its_own_finding(fails: dict[str, Exception], expected: str, tmp_path: Path) -> None:
    assert shown(preflight(Faulty(tmp_path, fails), "check")) == expected


@pytest.mark.parametrize("fails", ["stat", "open", "list"])
def test_the_probe_is_deleted_whatever_fails(fails: str, tmp_path: Path) -> None:
    for error in (DENIED, SLOW, GONE):
        preflight(Faulty(tmp_path, {fails: error}), "check")
        assert files(tmp_path) == []
    store = Faulty(tmp_path, {fails: RuntimeError("a fault of ours")})
    with pytest.raises(RuntimeError):
        preflight(store, "check")
    assert files(tmp_path) == []


def test_a_probe_that_was_written_although_the_answer_was_lost_is_deleted(tmp_path: Path) -> None:
    store = Faulty(tmp_path, {"put": SLOW}, lost="put")
    assert shown(preflight(store, "check")) == "Unreachable - - good"
    assert store.called == ["put", "delete"]
    assert files(tmp_path) == []


class Lying(FolderStore):
    """Returns other bytes than were written, or lists nothing."""

    def __init__(self, folder: Path, lie: str) -> None:
        super().__init__(folder)
        self._lie = lie

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Any:
        if self._lie == "other bytes":
            content = self.path(key).read_bytes()
            self.path(key).write_bytes(content[::-1])
        if self._lie == "more bytes":
            self.path(key).write_bytes(self.path(key).read_bytes() + b"x")
        return super().open(key, start, stop)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return iter(()) if self._lie == "an empty list" else super().list(prefix)


@each(
    "lie, expected",
    [
        ("other bytes", "good Different good good"),
        ("more bytes", "good Different good good"),
        ("an empty list", "good good Different good"),
    ],
)
def test_what_comes_back_is_compared(lie: str, expected: str, tmp_path: Path) -> None:
    assert shown(preflight(Lying(tmp_path, lie), "check")) == expected
    assert issubclass(Different, StoreError)


def test_two_probes_never_meet(tmp_path: Path) -> None:
    store = Faulty(tmp_path, {"delete": DENIED})
    for _ in range(2):
        assert shown(preflight(store, "check")) == "good good good Denied"
    assert len(files(tmp_path)) == 2
