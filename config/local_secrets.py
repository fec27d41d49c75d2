"""Secrets generated on the first run and kept in the data folder, for a machine without configuration."""

import os
import tempfile
from pathlib import Path


def kept(path: Path, new: str) -> str:
    """The secret in the file `path`; if it is missing, it is created with `new`, readable only by us."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _publish(path, new)
    return path.read_text()


def _publish(path: Path, new: str) -> None:
    """Create the file atomically; if several processes start at once, the first one wins."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new)
            file.flush()
            os.fsync(handle)  # otherwise a power cut could leave an empty file
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()
