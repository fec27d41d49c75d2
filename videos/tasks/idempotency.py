"""Detects repeated requests: by the client's Idempotency-Key, or by the retry header of OpenAI's SDKs."""

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
"""Header of OpenAI's SDKs with the number of retries so far; their retries carry no idempotency key."""
TIMEOUT = "x-stainless-timeout"
"""Header of OpenAI's SDKs with their timeout in seconds."""
_COUNT, _SECONDS = re.compile("[0-9]{1,9}"), re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")

KEY_LIFETIME = timedelta(hours=24)
"""How long an Idempotency-Key is kept (contract section 5)."""
RETRY_WINDOW = timedelta(minutes=15)
"""Maximum time between a create and its retry without an idempotency key."""
USUAL_TIMEOUT = timedelta(minutes=2)
"""Timeout of an SDK that does not send `TIMEOUT`."""
LONGEST_PAUSE = timedelta(seconds=8)
"""The longest backoff between two attempts of OpenAI's SDKs."""
LONGEST_KEY = 255
"""Characters of an Idempotency-Key."""
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr)


@dataclass(frozen=True)
class Fingerprint:
    """Identifies a repeated request."""

    body: bytes
    """Hash of the body as sent."""
    idempotency_key: str | None = None
    is_retry: bool = False
    """An SDK marked it as a retry, and it has no idempotency key."""
    may_be_retried: bool = False
    """It comes from an SDK that marks its retries."""
    first_sent_within: timedelta = RETRY_WINDOW
    """Maximum age of a retry's first attempt; an older task cannot be its task."""

    @classmethod
    def of(cls, headers: Mapping[str, str], body: Mapping[str, Any]) -> "Fingerprint":
        """Raises `InvalidRequestError` for a bad Idempotency-Key."""
        key = headers.get(IDEMPOTENCY_KEY, "").strip() or None
        if key is not None:
            _check(key)
            return cls(hash_of(body), key)
        count = headers.get(RETRY_COUNT, "")
        is_count = _COUNT.fullmatch(count) is not None
        retries = int(count) if is_count else 0
        return cls(
            hash_of(body),
            is_retry=retries > 0,
            may_be_retried=is_count,
            first_sent_within=_first_sent_within(retries, _timeout(headers)),
        )


@dataclass(frozen=True)
class EarlierRequest:
    """What is known of earlier requests: the task created under the key, and tasks with the same body."""

    asked: bytes | None = None
    """Hash of the request that came with the key; None if the key is new."""
    task_id: UUID | None = None
    place: QueuePosition | None = None
    """The task's position in the tenant's queue when it was created."""
    twins: Sequence[UUID] = ()
    """Tasks with the same body, at most two."""
    refused_at: datetime | None = None
    """When the same body was last refused."""

    def task_under_key(self, body: Mapping[str, Any]) -> UUID | None:
        """The task created under the key. Raises `IdempotencyKeyReused` if it was for another request."""
        # Earlier releases stored keys with the hash of the body.
        if self.asked is not None and bytes(self.asked) not in (hash_of(body), hash_of_request(body)):
            raise IdempotencyKeyReused("This Idempotency-Key was used with another body")
        return self.task_id

    def only_twin(self) -> UUID | None:
        """The task of a retry: the only one with the body, unless the body was refused after it was created.

        A client that was refused since, or created several, wants a new task. `twins` has no tasks from
        before the retry's first attempt.
        """
        if len(self.twins) != 1:
            return None
        [twin] = self.twins
        return None if self.refused_at and self.refused_at >= made_at(twin) else twin


def key_from_headers(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key to look up; None if it is not set or not printable ASCII."""
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
    """Printable ASCII only: the server does not pass on other characters as they were sent."""
    return key.isascii() and key.isprintable()


def _timeout(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get(TIMEOUT, "")
    return timedelta(seconds=float(seconds)) if _SECONDS.fullmatch(seconds) else None


def _first_sent_within(retries: int, timeout: timedelta | None) -> timedelta:
    """Maximum age of the first attempt, after so many retries with that timeout each."""
    attempts = min(retries, RETRY_WINDOW // LONGEST_PAUSE)
    return min(attempts * ((timeout or USUAL_TIMEOUT) + LONGEST_PAUSE), RETRY_WINDOW)


def hash_of(body: Mapping[str, Any]) -> bytes:
    """SHA-256 of a body as sent, independent of the order of fields: an SDK repeats it literally."""
    return hashlib.sha256(_CANONICAL.encode(body).encode()).digest()


def hash_of_request(body: Mapping[str, Any], request: VideoRequest | None = None) -> bytes:
    """SHA-256 of what a body asks for, however it is written; of the body as sent if it is invalid.

    `request` is the parsed body, if it was parsed already.
    """
    try:
        meaning = (request or parse(body)).meaning()
    except InvalidRequestError:
        return hash_of(body)
    return hash_of({**meaning, "others": without_a_meaning(body)})


def note_refusal(api_key_id: int, fingerprint: bytes, at: datetime) -> None:
    """Record that a create with that body was refused, so that a retry creates a task of its own."""
    RefusedCreate.objects.bulk_create(
        [RefusedCreate(api_key_id=api_key_id, fingerprint=fingerprint, at=at)],
        update_conflicts=True,
        unique_fields=["api_key", "fingerprint"],
        update_fields=["at"],
    )


def delete_expired(now: datetime) -> None:
    """Delete idempotency keys and refusals that have expired."""
    IdempotencyKey.objects.filter(created_at__lte=now - KEY_LIFETIME).delete()
    RefusedCreate.objects.filter(at__lte=now - RETRY_WINDOW).delete()
