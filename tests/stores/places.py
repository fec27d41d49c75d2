"""Each kind of store, and the server behind it."""

import os
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from config import stores
from config.stores.base import Store
from tests.support.s3_server import BUCKET, KEY_ID, REGION, SECRET, VIRTUAL, S3Server

KINDS = ("folder", "s3 by host", "s3 by path", "cos")
BUCKETS = KINDS[1:]
CREDENTIALS = stores.Credentials(KEY_ID, SECRET)
HOST = f"http://{VIRTUAL}"
"""The endpoint whose buckets have hosts; it is reached through the server as a proxy."""


@dataclass(frozen=True)
class Place:
    """A store that a test opens, with what it may change about it."""

    kind: str
    folder: Path
    server: S3Server
    bucket: str = BUCKET
    region: str = REGION
    credentials: stores.Credentials = CREDENTIALS
    endpoint: str = ""

    def changed(self, **fields: object) -> "Place":
        return replace(self, **fields)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        where = f"{self.bucket}/kept/here?region={self.region}"
        return {
            "folder": self.folder.as_uri(),
            "s3 by host": f"s3://{where}&endpoint={self.endpoint or HOST}",
            "s3 by path": f"s3://{where}&endpoint={self.endpoint or self.server.endpoint}&addressing=path",
            "cos": f"cos://{where}&endpoint={self.endpoint or self.server.cos_endpoint}",
        }[self.kind]

    def open(self) -> Store:
        """The store; a proxy is read from the environment when a client is made."""
        with patch.dict(os.environ, self._proxy, clear=False):
            return stores.open_store(self.url, self.credentials)

    def fetch(self, link: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of what a player gets, which has no key."""
        proxies = {"http": self._proxy["http_proxy"]} if self._proxy else {}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
        try:
            with opener.open(urllib.request.Request(link, headers=headers or {}), timeout=10) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    @property
    def _proxy(self) -> dict[str, str]:
        is_hosted = self.kind == "s3 by host" and not self.endpoint
        return {"http_proxy": self.server.endpoint} if is_hosted else {}
