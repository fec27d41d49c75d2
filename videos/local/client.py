"""An API client as a tenant might write it, using only the standard library for HTTP."""

import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av

from config.routes import VIDEOS_PATH


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
    """Decode all frames, check the length in seconds and return a description. Raises `BadVideoError`."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for _ in container.decode(stream))
            rate = float(stream.average_rate or 0)
            description = f"{stream.codec_context.name}, {stream.width}x{stream.height}"
    except (av.FFmpegError, IndexError) as error:
        raise BadVideoError(f"{path} cannot be decoded: {error}") from error
    length = frames / rate if rate else 0.0
    if abs(length - seconds) > 1 / max(rate, 1):
        raise BadVideoError(f"{path} lasts {length:.2f} s instead of {seconds} s")
    return f"{description}, {length:.2f} s, {frames} frames"
