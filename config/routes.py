"""Path prefixes and methods that are used in more than one place."""

import re

API_PREFIX = "/v1/"
SIGNED_PREFIX = "/tencent/"
"""The API whose requests are signed, in the dialect of Tencent Cloud; POST / leads there, too."""
ACTION_HEADER = "x-tc-action"
"""Names the action of a request to it."""
PROGRAM_PREFIXES = (API_PREFIX, SIGNED_PREFIX)
"""Everything that programs call; all else are pages."""
CONSOLE_PREFIX = "/admin/"
HEALTH_PREFIXES = ("/healthz", "/readyz")
READING = ("GET", "HEAD")
"""Methods of routes that change nothing."""
FOR_PAGES = (*READING, "POST")
"""Methods that pages accept."""
VIDEOS_PATH = f"{API_PREFIX}videos"
"""The collection of tasks."""
FILES_PATH = f"{API_PREFIX}files"
"""The collection of uploaded files."""
CREATE_PATHS = (
    VIDEOS_PATH,
    f"{VIDEOS_PATH}/generations",
    f"{API_PREFIX}video/generations",
    f"{VIDEOS_PATH}/validate",
)
"""Where requests for videos are sent, or checked; their forms may hold files."""
PICTURE_FORMS = re.compile(rf"/portal/[0-9a-f-]{{36}}/videos/new/|{CONSOLE_PREFIX}videos/task/add/")
"""The pages whose forms may hold a picture."""


def served_path(method: str, path: str, *, names_action: bool) -> str:
    """The path that serves a request: SDKs of Tencent Cloud can only call /, which is a page otherwise."""
    return SIGNED_PREFIX if names_action and path == "/" and method == "POST" else path
