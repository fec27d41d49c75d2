"""The process that decodes: one JSON request a line on stdin, one JSON answer a line on stdout.

Its argument is added to its niceness.

A video that breaks the codecs' rules, or their code, costs this process at most; `process` starts another.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from videos.media import decoding
from videos.media.decoding import NotPlayable

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space beyond those of the idle process; a 4K video takes 70 MiB, an 8K one 480 MiB."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file that is written."""
MOST_FILES = 16
"""Open files, pipes included."""
READY = b"ready\n"
"""Said once the limits are in force."""
_LIMITS = {
    resource.RLIMIT_FSIZE: LARGEST_FILE,
    resource.RLIMIT_NOFILE: MOST_FILES,
    resource.RLIMIT_NPROC: 0,  # no further processes or threads, except for root
    resource.RLIMIT_CORE: 0,
}
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def main() -> None:
    """Work until stdin is closed, which happens when the parent exits."""
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # they may reach a whole group; the parent ends this process
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    os.nice(int(sys.argv[1]))
    _limit()
    answers = sys.stdout.buffer
    answers.write(READY)
    answers.flush()
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_answer(json.loads(line))).encode() + b"\n")
        answers.flush()


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, or `unplayable` with the reason, or `failed` if it is not the video's fault."""
    try:
        return {"found": _WORK[request["do"]](request)}
    except NotPlayable as error:
        return {"unplayable": str(error)}
    except Exception as error:  # later requests must still be answered
        return {"failed": f"{type(error).__name__}: {error}"}


def _inspect(request: Mapping[str, Any]) -> dict[str, Any]:
    return decoding.inspect(request["path"])


def _pictures(request: Mapping[str, Any]) -> dict[str, Any]:
    """Write the poster and, if it can be made, the preview."""
    Path(request["poster"]).write_bytes(decoding.still(request["path"]))
    try:
        preview = decoding.preview(request["path"])
    except NotPlayable:
        preview = None
    if preview is not None:
        Path(request["preview"]).write_bytes(preview)
    return {"has_preview": preview is not None}


_WORK: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"inspect": _inspect, "pictures": _pictures}


def _limit() -> None:
    """Limit what a video can make this process do; what it has already does not count."""
    for limit, most in _LIMITS.items():
        resource.setrlimit(limit, (most, most))
    if sys.platform == "linux":  # others do not enforce it, or not in this unit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _die_with_parent() -> None:
    """Have Linux kill this process when the thread that started it ends, even while it decodes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
