"""What was said between us and upstream, fit for staff: without what would let anybody in. Pure."""

import re
from typing import Any

from videos.requests.values import storable
from videos.upstream.base import Progress, Submitted, UpstreamError

LONGEST = 2000
"""Characters of one text that are kept."""
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
