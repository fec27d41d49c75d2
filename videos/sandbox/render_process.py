"""The process that renders: one JSON job a line on stdin, one JSON answer a line on stdout.

A process of its own, because the server's event loop stamps arrival times and must never stall.
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
    """Work until stdin ends, which it does when the server has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the server ends us
    _die_with_parent()
    os.nice(NICENESS)
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps({"job": job["job"], "error": _work(job)}) + "\n")
        sys.stdout.flush()


def _work(job: dict[str, Any]) -> str:
    """Write the job's file, complete or not at all; return what went wrong, if anything."""
    path = Path(job["path"])
    partial = path.with_suffix(".part")
    try:
        render(Clip(**job["clip"]), partial)
        partial.replace(path)
    except Exception as error:  # whatever it was, the next job must still be done
        logger.exception("job %s failed", job["job"])
        partial.unlink(missing_ok=True)
        return f"{type(error).__name__}: {error}"
    return ""


def _die_with_parent() -> None:
    """Ask Linux to end us with the server, even in the middle of a job and even after a kill -9."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
