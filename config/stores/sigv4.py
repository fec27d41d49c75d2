"""Signature version 4 of AWS for links: everything that is signed stands in the query. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from config.stores.links import quoted

_ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_LIFE = 7 * 24 * 3600
"""Seconds; servers refuse links that are to work longer."""


@dataclass(frozen=True)
class Signer:
    """A key pair and the region it signs for; `token` comes with temporary keys."""

    key_id: str
    secret: str = field(repr=False)
    region: str
    token: str = field(default="", repr=False)

    def link(self, url: str, parameters: Mapping[str, str], seconds: int, now: datetime) -> str:
        """A link to GET `url`, whose path is quoted and which has no query; `now` is in UTC.

        Raises `ValueError` if it is to work longer than `LONGEST_LIFE`.
        """
        if not 0 < seconds <= LONGEST_LIFE:
            raise ValueError(f"A link works for 1 to {LONGEST_LIFE} seconds, not {seconds}")
        parts = urlsplit(url)
        query = _query({**parameters, **self._parameters(seconds, now)})
        request = f"GET\n{parts.path or '/'}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        return f"{url}?{query}&X-Amz-Signature={self._signature(request, now)}"

    def _parameters(self, seconds: int, now: datetime) -> dict[str, str]:
        return {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.key_id}/{self._scope(now)}",
            "X-Amz-Date": _moment(now),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            **({"X-Amz-Security-Token": self.token} if self.token else {}),
        }

    def _signature(self, request: str, now: datetime) -> str:
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{_moment(now)}\n{self._scope(now)}\n{digest}"
        key = f"AWS4{self.secret}".encode()
        for step in (*self._scope(now).split("/"), text):
            key = hmac.digest(key, step.encode(), "sha256")
        return key.hex()

    def _scope(self, now: datetime) -> str:
        return f"{now:%Y%m%d}/{self.region}/s3/aws4_request"


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(sorted(f"{quoted(name)}={quoted(value)}" for name, value in parameters.items()))


def _moment(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"
