"""What upstream said, fit for staff: without what would let anybody in; and fit for a tenant. Pure."""

import re
import string
from typing import Any

from videos.requests.values import storable
from videos.upstream.base import Progress, Submitted, UpstreamError

LONGEST = 2000
"""Characters of one text that are kept."""
LONGEST_FOR_TENANTS = 500
"""Characters of upstream's text that are passed on."""
MOST_READ = 4 * LONGEST_FOR_TENANTS
"""Characters of it that are read at all: the pattern takes a time that grows with their square."""
_OF_NAMES = string.ascii_letters + string.digits + "-._~:/?#=&%+"
_PRIVATE = re.compile(
    r"""https?://\S+                            # links, signed ones among them
      | \b(?:[\w-]+\.)+(?:com|cn|net|io)\b      # hosts
      | \bAKID\w+                               # key ids
      | \b[\w-]*Aigc\w*-\w+                     # task ids
      | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b  # request ids
      | \b[0-9a-f]{16,}\b
      | \b\d{6,}\b                              # account numbers
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUERY = re.compile(r"(https?://[^\s?#\"']+)[?#][^\s\"']*")
_KEY_ID = re.compile(r"\bAKID\w+")


def exchange(action: str, outcome: Submitted | Progress | UpstreamError, seconds: float) -> dict[str, Any]:
    """One call, for an event of a task: the action, how long it took, and the answer with its request id."""
    told = outcome.as_detail() if isinstance(outcome, UpstreamError) else {"request_id": outcome.request_id}
    answered = {} if isinstance(outcome, UpstreamError) else {"answer": redacted(dict(outcome.answer))}
    return {"action": action, "seconds": round(seconds, 3), **redacted(told), **answered}


def redacted(value: Any) -> Any:
    """The value without the signatures of links and the ids of keys, at any depth; long texts are cut."""
    if isinstance(value, str):
        # It is cut first: what the patterns take grows with the square of what they read.
        return storable(_KEY_ID.sub("AKID…", _QUERY.sub(r"\1?…", value[:LONGEST])))[:LONGEST]
    if isinstance(value, dict):
        return {storable(str(name)): redacted(inner) for name, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list | tuple) else value


def for_tenant(message: str, otherwise: str) -> str:
    """Upstream's message without ids, links and account names; `otherwise` where nothing is left of it."""
    text = " ".join(_PRIVATE.sub("…", _beginning(message)).split())
    return text[:LONGEST_FOR_TENANTS] if text.strip("… .:") else otherwise


def _beginning(message: str) -> str:
    """Without a name that is cut at the end, as half of one might not be known for one."""
    return message if len(message) <= MOST_READ else message[:MOST_READ].rstrip(_OF_NAMES)
