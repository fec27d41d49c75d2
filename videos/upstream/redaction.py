"""Removes secrets from upstream's responses for staff, identifiers from its messages for tenants. Pure."""

import re
import string
from typing import Any

from videos.requests.values import storable
from videos.upstream.base import Progress, Submitted, UpstreamError

LONGEST = 2000
"""Characters of a text that are kept."""
LONGEST_FOR_TENANTS = 500
"""Characters of upstream's message that are shown to a tenant."""
MOST_READ = 4 * LONGEST_FOR_TENANTS
"""Characters of it that are searched: the pattern takes quadratic time."""
_NAME_CHARACTERS = string.ascii_letters + string.digits + "-._~:/?#=&%+"
_PRIVATE = re.compile(
    r"""https?://\S+                            # links, including signed ones
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


def call_detail(action: str, outcome: Submitted | Progress | UpstreamError, seconds: float) -> dict[str, Any]:
    """A call as the detail of a task event: action, duration in seconds, and response with request id."""
    facts = outcome.as_detail() if isinstance(outcome, UpstreamError) else {"request_id": outcome.request_id}
    answer = {} if isinstance(outcome, UpstreamError) else {"answer": redacted(dict(outcome.answer))}
    return {"action": action, "seconds": round(seconds, 3), **redacted(facts), **answer}


def redacted(value: Any) -> Any:
    """The value without link signatures and key ids, at any depth; long texts are cut."""
    if isinstance(value, str):
        # Cut first, as the patterns take quadratic time.
        return storable(_KEY_ID.sub("AKID…", _QUERY.sub(r"\1?…", value[:LONGEST])))[:LONGEST]
    if isinstance(value, dict):
        return {storable(str(name)): redacted(inner) for name, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list | tuple) else value


def for_tenant(message: str, otherwise: str) -> str:
    """Upstream's message without ids, links and account names; `otherwise` if nothing is left."""
    text = " ".join(_PRIVATE.sub("…", _beginning(message)).split())
    return text[:LONGEST_FOR_TENANTS] if text.strip("… .:") else otherwise


def _beginning(message: str) -> str:
    """At most `MOST_READ` characters, without a cut name at the end, which `_PRIVATE` might miss."""
    return message if len(message) <= MOST_READ else message[:MOST_READ].rstrip(_NAME_CHARACTERS)
