"""Secrets made on the first run and kept in the data folder, for a machine without configuration."""

import os
import tempfile
from pathlib import Path


def kept(path: Path, new: str) -> str:
    """The secret in the file `path`; where there is none yet, `new` becomes it, readable by us alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _publish(path, new)
    return path.read_text()


def _publish(path: Path, new: str) -> None:
    """Make the file, whole before it is visible; of processes that start at once, one wins."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new)
            file.flush()
            os.fsync(handle)  # or a power cut might leave an empty one
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()
