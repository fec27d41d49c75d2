"""Temporary keys of tenants' roles, from Tencent's Security Token Service (STS).

Synchronous: run it in threads. Source: API 3.0 "AssumeRole", version 2018-08-13.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from config.stores import Credentials
from config.stores.base import Denied, Misconfigured, StoreError, Unreachable
from videos.upstream.tencent.signing import Credential, authorization

if TYPE_CHECKING:
    import httpx  # web processes load it only if a tenant has a role

SERVICE, ACTION, VERSION = "sts", "AssumeRole", "2018-08-13"
REGION = "ap-guangzhou"
"""Roles belong to no region, but calls must name one."""
SESSION = "reelay"
"""The name under which the tenant's own log of calls shows us."""
LIFE_SECONDS = 1800
RENEWED_BEFORE_SECONDS = 300.0
"""Keys are no longer handed out this long before they expire, so that a long download can end."""
TIMEOUT_SECONDS = 3.0
"""For connecting, for each read, and for waiting while another thread asks for the same role."""
_TYPE = "application/json"

_LATER = ("InternalError", "RequestLimitExceeded", "ResourceUnavailable", "ResourceInsufficient")
_NO_ROLE = ("ResourceNotFound", "InternalError.GetRoleError", "InternalError.IllegalRole")
_NOT_TRUSTED = ("UnauthorizedOperation", "AuthFailure.UnauthorizedOperation")
_OUR_KEYS = ("AuthFailure",)
_MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (_NO_ROLE, Denied, "there is no such role"),
    (_NOT_TRUSTED, Denied, "the role does not let the platform's account assume it"),
    (_OUR_KEYS, Misconfigured, "the platform's own key pair for roles is refused"),
    (_LATER, Unreachable, "roles cannot be assumed at the moment"),
)
"""Beginnings of error codes, with what they mean; the first that fits counts."""


@dataclass(frozen=True)
class _Kept:
    """Temporary keys, and when they expire in Unix seconds."""

    keys: Credentials
    expires_at: float


class Roles:
    """Assumes roles with a key pair of the platform's, and keeps their keys. Threads may share it."""

    def __init__(
        self, credential: Credential, endpoint: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`endpoint` is a URL without a path, `clock` returns Unix seconds."""
        self._credential = credential
        self._endpoint = endpoint
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, Lock] = {}
        self._lock = Lock()

    def assume(self, role_arn: str) -> Credentials:
        """Keys of the role that work for at least five minutes.

        Raises `Denied` if the role does not allow it, `Misconfigured` if the platform lacks a key pair that
        may assume roles, and `Unreachable` if a later call may succeed.
        """
        if not (self._credential.secret_id and self._credential.secret_key):
            raise Misconfigured("the platform has no key pair that may assume roles")
        if keys := self._fresh(role_arn):
            return keys
        with self._lock:
            asking = self._asking.setdefault(role_arn, Lock())
        if not asking.acquire(timeout=2 * TIMEOUT_SECONDS):
            raise Unreachable("roles cannot be assumed at the moment")
        try:
            return self._fresh(role_arn) or self._renewed(role_arn)  # another thread may have been faster
        finally:
            asking.release()

    def _fresh(self, role_arn: str) -> Credentials | None:
        kept = self._kept.get(role_arn)
        is_fresh = kept is not None and self._clock() < kept.expires_at - RENEWED_BEFORE_SECONDS
        return kept.keys if kept is not None and is_fresh else None

    def _renewed(self, role_arn: str) -> Credentials:
        kept = _read(self._call(role_arn))
        with self._lock:
            now = self._clock()
            self._kept = {arn: one for arn, one in self._kept.items() if one.expires_at > now}
            self._kept[role_arn] = kept
        return kept.keys

    def _call(self, role_arn: str) -> "httpx.Response":
        """Raises `Unreachable` if no answer of the API arrives."""
        import httpx

        body = json.dumps(
            {"RoleArn": role_arn, "RoleSessionName": SESSION, "DurationSeconds": LIFE_SECONDS}
        ).encode()
        url = httpx.URL(self._endpoint).copy_with(path="/")
        headers = self._headers(url.netloc.decode(), body)
        try:
            # The variables of a proxy are for other programs; accounts have settings of their own.
            with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
                response = http.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unreachable(f"roles cannot be assumed: no answer ({type(error).__name__})") from error
        if response.status_code != httpx.codes.OK:
            raise Unreachable(f"roles cannot be assumed: HTTP {response.status_code}")
        return response

    def _headers(self, host: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        signed = {"content-type": _TYPE, "host": host}
        signature = authorization(
            self._credential, service=SERVICE, headers=signed, body=body, timestamp=timestamp
        )
        return signed | {
            "authorization": signature,
            "x-tc-action": ACTION,
            "x-tc-version": VERSION,
            "x-tc-region": REGION,
            "x-tc-timestamp": str(timestamp),
        }


def _read(response: "httpx.Response") -> _Kept:
    """Raises what the answer means, which is never shown: it may hold keys."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        answer = response.json()["Response"]
        if "Error" not in answer:
            return _kept(answer)
        raise _meaning(str(answer["Error"]["Code"]))
    raise Unreachable("roles cannot be assumed: the answer is none of the API's")


def _kept(answer: Mapping[str, Any]) -> _Kept:
    keys = answer["Credentials"]
    parts = [keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"]]
    if not all(isinstance(part, str) and part for part in parts):
        raise TypeError("keys are texts")
    return _Kept(Credentials(*parts), float(answer["ExpiredTime"]))


def _meaning(code: str) -> StoreError:
    found = ((kind, what) for codes, kind, what in _MEANINGS if code.startswith(codes))
    kind, what = next(found, (Denied, "the role cannot be assumed"))
    return kind(f"{what} ({code})")
