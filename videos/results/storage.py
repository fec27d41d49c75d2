"""The result storage in a local folder."""

import contextlib
import os
import tempfile
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class DurableFileSystemStorage(FileSystemStorage):
    """Saves files atomically and durably, so that the video of a succeeded task survives a power cut."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: a retry replaces the file of the attempt before it."""
        return name

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]  # Django's own signature
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".saving-")
        try:
            with os.fdopen(handle, "wb") as file:
                if self.file_permissions_mode is not None:
                    os.fchmod(handle, self.file_permissions_mode)
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(draft).unlink()
            raise
        self._sync_folders(target.parent)
        return name

    def _sync_folders(self, folder: Path) -> None:
        """Flush the directory entries of the file and of folders created for it."""
        top = Path(self.location)
        for changed in (folder, *folder.parents):
            _sync_folder(changed)
            if changed in (top.parent, Path(top.anchor)):
                return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
