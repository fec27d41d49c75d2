"""An API client as a tenant might write it, using only the standard library for HTTP."""

import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from config.routes import VIDEOS_PATH
from videos.media.process import DecoderUnavailable, Unplayable, decoder

LONGEST_FRAME = 0.05
"""Seconds by which the length may differ."""


class BadVideoError(Exception):
    """The video failed, or is not what was requested."""


class Client:
    """Calls the gateway at `api`, a base URL without a path, with one key."""

    def __init__(self, api: str, key: str) -> None:
        self._api = api
        self._headers = {"Authorization": f"Bearer {key}"}

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Request a video and return the video object. Raises `urllib.error.HTTPError`."""
        return self._json(VIDEOS_PATH, json.dumps(body).encode())

    def progress(self, task_id: str) -> Iterator[dict[str, Any]]:
        """Request and yield the video object until it is final; the caller sets the pace."""
        while True:
            video = self._json(f"{VIDEOS_PATH}/{task_id}")
            yield video
            if video["status"] in ("completed", "failed"):
                return

    def download(self, task_id: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._open(f"{VIDEOS_PATH}/{task_id}/content") as response, target.open("wb") as file:
            shutil.copyfileobj(response, file)

    def _json(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        with self._open(path, body) as response:
            return dict(json.load(response))

    def _open(self, path: str, body: bytes | None = None) -> Any:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        request = urllib.request.Request(self._api + path, body, headers)  # noqa: S310 - the caller's address
        return urllib.request.urlopen(request, timeout=60)  # noqa: S310 - likewise


def check_video(path: Path, seconds: int) -> str:
    """Decode a frame, check the length in seconds and return a description. Raises `BadVideoError`."""
    try:
        found = decoder().inspect(path)
    except (DecoderUnavailable, Unplayable) as error:
        raise BadVideoError(f"{path} cannot be decoded: {error}") from error
    if abs(found.seconds - seconds) > LONGEST_FRAME:
        raise BadVideoError(f"{path} lasts {found.seconds:.2f} s instead of {seconds} s")
    return f"{found.codec}, {found.width}x{found.height}, {found.seconds:.2f} s"
