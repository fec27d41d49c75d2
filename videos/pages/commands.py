"""A request to the API as a command that people copy."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from config.routes import VIDEOS_PATH
from config.web.links import absolute


def curl(body: Mapping[str, Any], request: HttpRequest) -> str:
    """The command that creates a video with this body, with the key in `$REELAY_KEY`."""
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return (
        f"curl {absolute(VIDEOS_PATH, request)} \\\n"
        '  -H "Authorization: Bearer $REELAY_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(text)}"
    )
