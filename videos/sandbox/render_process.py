"""The render process: one JSON job per line on stdin, one JSON result per line on stdout.

It is a separate process because the server's event loop records arrival times and must not block.
"""

import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from videos.sandbox.clip import Clip
from videos.sandbox.render import render

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
NICENESS = 10


def main() -> None:
    """Work until stdin is closed, which happens when the server exits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server ends this one
    _die_with_parent()
    os.nice(NICENESS)
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps({"job": job["job"], "error": _work(job)}) + "\n")
        sys.stdout.flush()


def _work(job: dict[str, Any]) -> str:
    """Write the job's file atomically; return an error message, empty on success."""
    path = Path(job["path"])
    partial = path.with_suffix(".part")
    try:
        render(Clip(**job["clip"]), partial)
        partial.replace(path)
    except Exception as error:  # of any kind: later jobs must still run
        logger.exception("job %s failed", job["job"])
        partial.unlink(missing_ok=True)
        return f"{type(error).__name__}: {error}"
    return ""


def _die_with_parent() -> None:
    """Have Linux kill this process when the server exits, even during a job or after kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
