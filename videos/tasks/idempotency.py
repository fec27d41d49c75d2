"""When a request is one that came before: by the key a client gave it, or by the retry of an SDK."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from config.ids import made_at
from videos.errors import IdempotencyKeyReused
from videos.estimates.queue_position import QueuePosition
from videos.models import IdempotencyKey, RefusedCreate
from videos.requests import InvalidRequestError, VideoRequest, Violation, parse, without_a_meaning

IDEMPOTENCY_KEY = "idempotency-key"
RETRY_COUNT = "x-stainless-retry-count"
"""The header by which OpenAI's SDK tells how often it sent a request before; its retries carry no key."""
TIMEOUT = "x-stainless-timeout"
"""The header by which it tells how many seconds it waits for an answer."""
_COUNT, _SECONDS = re.compile("[0-9]{1,9}"), re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")

KEPT = timedelta(hours=24)
"""How long an Idempotency-Key stands for its task (contract section 5)."""
RETRIED_WITHIN = timedelta(minutes=15)
"""How long after a create a retry without a key may be one of it, at most."""
USUAL_TIMEOUT = timedelta(minutes=2)
"""How long an SDK that does not say waits for an answer before it sends the request again."""
LONGEST_PAUSE = timedelta(seconds=8)
"""How long OpenAI's SDKs wait between two attempts."""
LONGEST_KEY = 255
"""Characters of an Idempotency-Key."""


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether a request came before."""

    body: bytes
    """Hash of the body as it was sent."""
    idempotency_key: str | None = None
    is_retry: bool = False
    """An SDK says that it sends the request once more, and gave it no key."""
    may_be_retried: bool = False
    """It comes from an SDK that would say so."""
    first_sent_within: timedelta = RETRIED_WITHIN
    """How long ago the first attempt of a retry was sent, at most; an older task is not its task."""

    @classmethod
    def of(cls, headers: Mapping[str, str], body: Mapping[str, Any]) -> "Fingerprint":
        """Of a request with those headers. Raises `InvalidRequestError` for a bad Idempotency-Key."""
        key = headers.get(IDEMPOTENCY_KEY, "").strip() or None
        if key is not None:
            _check(key)
            return cls(hash_of(body), key)
        told = headers.get(RETRY_COUNT, "")
        is_count = _COUNT.fullmatch(told) is not None
        retries = int(told) if is_count else 0
        return cls(
            hash_of(body),
            is_retry=retries > 0,
            may_be_retried=is_count,
            first_sent_within=_first_sent_within(retries, _timeout(headers)),
        )


@dataclass(frozen=True)
class EarlierRequest:
    """What is known of requests that came before: the task made under the key, and tasks of the same body."""

    asked: bytes | None = None
    """Hash of what was asked for under the key; None where the key is new."""
    task_id: UUID | None = None
    """The task that was made then."""
    place: QueuePosition | None = None
    """Where it stood in its tenant's queue then."""
    twins: Sequence[UUID] = ()
    """Two at most."""
    refused_at: datetime | None = None
    """When that body was last refused."""

    def task_under_key(self, body: Mapping[str, Any]) -> UUID | None:
        """The task made under the key. Raises `IdempotencyKeyReused` where another body came with it."""
        # Keys of an earlier release are kept with the hash of the body.
        if self.asked is not None and bytes(self.asked) not in (hash_of(body), hash_of_request(body)):
            raise IdempotencyKeyReused("This Idempotency-Key was used with another body")
        return self.task_id

    def only_twin(self) -> UUID | None:
        """The one task a retry must mean: it is alone, and the body was not refused after it was made.

        A client that was refused since, or that made several, means a task of its own. Tasks from before its
        first attempt are none of these.
        """
        if len(self.twins) != 1:
            return None
        [twin] = self.twins
        return None if self.refused_at and self.refused_at >= made_at(twin) else twin


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key to look up; None also for one that `Fingerprint.of` refuses."""
    key = headers.get(IDEMPOTENCY_KEY, "").strip()
    return key if key and _is_plain(key) else None


def _check(key: str) -> None:
    if len(key) > LONGEST_KEY:
        message = f"The Idempotency-Key must not exceed {LONGEST_KEY} characters"
        raise InvalidRequestError([Violation(message, "Idempotency-Key")])
    if not _is_plain(key):
        message = "The Idempotency-Key must consist of printable ASCII characters"
        raise InvalidRequestError([Violation(message, "Idempotency-Key")])


def _is_plain(key: str) -> bool:
    """Whether it came as it was sent: the server hands out headers in ASCII alone."""
    return key.isascii() and key.isprintable()


def _timeout(headers: Mapping[str, str]) -> timedelta | None:
    """How long the SDK waits for an answer, as it says itself."""
    told = headers.get(TIMEOUT, "")
    return timedelta(seconds=float(told)) if _SECONDS.fullmatch(told) else None


def _first_sent_within(retries: int, timeout: timedelta | None) -> timedelta:
    """How long ago an SDK first sent what it has sent again so often; `timeout` is what it waits."""
    attempts = min(retries, RETRIED_WITHIN // LONGEST_PAUSE)
    return min(attempts * ((timeout or USUAL_TIMEOUT) + LONGEST_PAUSE), RETRIED_WITHIN)


def hash_of(body: Mapping[str, Any]) -> bytes:
    """Of a body as it was sent, whatever the order of its fields: an SDK repeats it to the letter."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode()).digest()


def hash_of_request(body: Mapping[str, Any], request: VideoRequest | None = None) -> bytes:
    """Of what a body asks for, however it is spelled; of the body as it was sent where it breaks a rule.

    `request` is what the body was parsed to, if it was.
    """
    try:
        meaning = (request or parse(body)).meaning()
    except InvalidRequestError:
        return hash_of(body)
    return hash_of({**meaning, "others": without_a_meaning(body)})


def note_refusal(api_key_id: int, fingerprint: bytes, at: datetime) -> None:
    """Remember that a create with that body was refused, for the retry that may follow."""
    RefusedCreate.objects.bulk_create(
        [RefusedCreate(api_key_id=api_key_id, fingerprint=fingerprint, at=at)],
        update_conflicts=True,
        unique_fields=["api_key", "fingerprint"],
        update_fields=["at"],
    )


def forget(now: datetime) -> None:
    """Delete what is too old to count."""
    IdempotencyKey.objects.filter(created_at__lte=now - KEPT).delete()
    RefusedCreate.objects.filter(at__lte=now - RETRIED_WITHIN).delete()
