"""Secrets made on the first run and kept in the data folder, for a machine without configuration."""

import os
from pathlib import Path


def kept(path: Path, new: str) -> str:
    """The secret in the file `path`; where there is none yet, `new` becomes it, readable by us alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Whole before it is visible: two processes may start at once.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(new)
        os.link(draft, path)
    except FileExistsError:
        return path.read_text()
    finally:
        draft.unlink(missing_ok=True)
    return new
