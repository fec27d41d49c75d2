"""All upstreams behind one interface; what is specific to a provider stays in its folder."""

from dataclasses import dataclass
from typing import Any

from accounts.buckets import Destination
from config import proportion
from videos.requests import VideoRequest
from videos.upstream.tencent import mps


@dataclass(frozen=True)
class Translation:
    """A request in upstream's format: the action, its body, and the request paths without a field in it."""

    action: str
    payload: dict[str, Any]
    not_forwarded: list[str]


def translate(request: VideoRequest, destination: Destination | None = None) -> Translation:
    """A request in upstream's format; upstream stores the video itself unless `destination` is given."""
    return Translation(mps.CREATE, mps.create_payload(request, destination), not_forwarded(request))


def not_forwarded(request: VideoRequest) -> list[str]:
    """The request paths that upstream has no field for, at most as many as a response shows."""
    return proportion.paths(mps.not_forwarded(request))
