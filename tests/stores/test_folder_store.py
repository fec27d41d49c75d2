"""A file in a folder store is complete and synced to disk, or absent."""

import io
import os
from pathlib import Path

import pytest

from config import stores
from config.stores.base import Full, Misconfigured, Missing
from config.stores.folder import FolderStore

NAME = "alice/2026/11/video.mp4"
VIDEO = "video/mp4"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "results")


def files(store: FolderStore) -> list[str]:
    return sorted(str(path.relative_to(store.folder)) for path in store.folder.rglob("*") if path.is_file())


class FailingFile(io.BytesIO):
    """A file whose copy fails half-way."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(28, "No space left on device")
        return super().read(1)


def put(store: FolderStore, content: bytes) -> None:
    store.put(NAME, io.BytesIO(content), VIDEO)


def content_of(store: FolderStore) -> bytes:
    return store.path(NAME).read_bytes()


def test_saving_again_replaces_the_file(store: FolderStore) -> None:
    for content in (b"a longer first attempt", b"the video"):
        put(store, content)
    assert content_of(store) == b"the video"
    assert files(store) == [NAME]


def test_a_failed_save_leaves_nothing(store: FolderStore) -> None:
    with pytest.raises(Full, match="No space"):
        store.put(NAME, FailingFile(b"half"), VIDEO)
    assert files(store) == []


def test_a_failed_save_keeps_the_old_file(store: FolderStore) -> None:
    put(store, b"the video")
    with pytest.raises(Full, match="No space"):
        store.put(NAME, FailingFile(b"half"), VIDEO)
    assert content_of(store) == b"the video"
    assert files(store) == [NAME]


def test_the_file_and_every_new_folder_are_synced_to_disk(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(Path(f"/proc/self/fd/{handle}").resolve()))
    put(store, b"a video")
    folder = store.path(NAME).parent
    holding_new_names = {folder, *list(folder.parents)[:3]}  # 11, 2026, alice and the store's folder
    assert holding_new_names <= synced


@pytest.mark.parametrize("name", ["../outside.mp4", "/etc/passwd", "a/../../b.mp4", "", "a//b", "."])
def test_nothing_is_saved_outside_the_folder(name: str, store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        store.put(name, io.BytesIO(b"a video"), VIDEO)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_keys_are_listed_in_order_with_drafts(store: FolderStore) -> None:
    for key in ("b/x.mp4", "b.mp4", "b/.saving-draft", "a/y/z.mp4"):
        store.put(key, io.BytesIO(b"1"), VIDEO)
    assert [found.key for found in store.list()] == ["a/y/z.mp4", "b.mp4", "b/.saving-draft", "b/x.mp4"]
    assert [found.key for found in store.list("b/")] == ["b/.saving-draft", "b/x.mp4"]
    assert [found.key for found in store.list("a/y/z")] == ["a/y/z.mp4"]
    assert list(store.list("none/")) == []


def test_a_folder_in_the_place_of_a_file_is_no_object(store: FolderStore) -> None:
    put(store, b"a video")
    for call in (store.stat, store.open):
        with pytest.raises(Missing):
            call("alice")


def test_results_are_readable_only_by_their_owner(results_folder: Path) -> None:
    stores.results().put("a/b.mp4", io.BytesIO(b"x"), VIDEO)
    path = results_folder / "a/b.mp4"
    assert [found.stat().st_mode & 0o077 for found in (path, path.parent)] == [0, 0]


def test_the_umask_allows_only_the_owner() -> None:
    mask = os.umask(0o077)
    os.umask(mask)
    assert mask == 0o077


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("results", "must begin with one of file://, s3://, cos://"),
        ("ftp://bucket", "must begin with one of"),
        ("file://host/results", "three slashes"),
        ("file:results", "three slashes"),
        ("s3://", "name of a bucket"),
        ("s3://key:secret@bucket", "name of a bucket"),
        ("s3://bucket?region=x&acl=public", "must not have the parameter 'acl'"),
        ("cos://videos-1250000000", "must have the parameter 'region'"),
        ("s3://bucket?endpoint=s3.example", "'endpoint' as https://"),
        ("s3://bucket?endpoint=https://key:secret@s3.example", "'endpoint' as https://"),
        ("s3://bucket?endpoint=https://s3.example/path", "'endpoint' as https://"),
        ("s3://bucket?region=eu/central", "'region' as eu-central-1"),
        ("s3://bucket?addressing=virtual", "'addressing' path or host"),
    ],
)
def test_an_invalid_url_is_refused_without_showing_it(url: str, problem: str) -> None:
    with pytest.raises(stores.InvalidStoreURL, match=problem) as caught:
        stores.open_store(url)
    assert "secret@" not in str(caught.value)
