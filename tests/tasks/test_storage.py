"""A stored result is complete and synced to disk, or absent."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from videos.results.storage import DurableFileSystemStorage

NAME = "alice/2026/11/video.mp4"


@pytest.fixture
def storage(tmp_path: Path) -> DurableFileSystemStorage:
    return DurableFileSystemStorage(location=tmp_path / "results")


def files(storage: DurableFileSystemStorage) -> list[str]:
    base = Path(storage.base_location)
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


class FailingFile(ContentFile[bytes]):
    """A file whose copy fails half-way."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")


def test_a_file_is_saved_under_exactly_its_name_and_unchanged(storage: DurableFileSystemStorage) -> None:
    assert storage.save(NAME, ContentFile(b"a video")) == NAME
    with storage.open(NAME) as file:
        assert file.read() == b"a video"
    assert files(storage) == [NAME]


def test_saving_again_replaces_the_file(storage: DurableFileSystemStorage) -> None:
    for content in (b"a longer first attempt", b"the video"):
        assert storage.save(NAME, ContentFile(content)) == NAME
    assert Path(storage.path(NAME)).read_bytes() == b"the video"
    assert files(storage) == [NAME]


def test_a_failed_save_leaves_nothing(storage: DurableFileSystemStorage) -> None:
    with pytest.raises(OSError, match="No space"):
        storage.save(NAME, FailingFile(b""))
    assert files(storage) == []


def test_a_failed_save_keeps_the_old_file(storage: DurableFileSystemStorage) -> None:
    storage.save(NAME, ContentFile(b"the video"))
    with pytest.raises(OSError, match="No space"):
        storage.save(NAME, FailingFile(b""))
    assert Path(storage.path(NAME)).read_bytes() == b"the video"
    assert files(storage) == [NAME]


def test_a_large_file_is_copied_from_its_start(storage: DurableFileSystemStorage, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    source = tmp_path / "source"
    source.write_bytes(content)
    with source.open("rb") as opened:
        opened.read(10)
        storage.save(NAME, File(opened))
    assert Path(storage.path(NAME)).read_bytes() == content


def test_the_file_and_every_new_folder_are_synced_to_disk(
    storage: DurableFileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(Path(f"/proc/self/fd/{handle}").resolve()))
    storage.save(NAME, ContentFile(b"a video"))
    folder = Path(storage.path(NAME)).parent
    holding_new_names = {folder, *list(folder.parents)[:3]}  # 11, 2026, alice and the storage's folder
    assert holding_new_names <= synced


def test_stored_files_have_djangos_file_permissions(
    storage: DurableFileSystemStorage,
) -> None:
    storage.save(NAME, ContentFile(b"a video"))
    assert Path(storage.path(NAME)).stat().st_mode & 0o777 == storage.file_permissions_mode


@pytest.mark.parametrize("name", ["../outside.mp4", "/etc/passwd", "a/../../b.mp4"])
def test_nothing_is_saved_outside_the_folder(
    name: str, storage: DurableFileSystemStorage, tmp_path: Path
) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.save(name, ContentFile(b"a video"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_deleting_a_file_twice_is_fine(
    storage: DurableFileSystemStorage,
) -> None:
    storage.save(NAME, ContentFile(b"a video"))
    for _ in range(2):
        storage.delete(NAME)
    assert not storage.exists(NAME)


def test_results_are_readable_only_by_their_owner(results_folder: Path) -> None:
    name = storages["results"].save("a/b.mp4", ContentFile(b"x"))
    path = results_folder / name
    assert [found.stat().st_mode & 0o077 for found in (path, path.parent)] == [0, 0]


def test_the_umask_allows_only_the_owner() -> None:
    mask = os.umask(0o077)
    os.umask(mask)
    assert mask == 0o077
