"""When a request is one that came before: by the key a client gave it, or by the retry of an SDK."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from config.ids import made_at
from videos.errors import IdempotencyKeyReused
from videos.models import IdempotencyKey, RefusedCreate
from videos.requests import InvalidRequestError, parse, without_a_meaning

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
class Repetition:
    """What tells whether a request came before."""

    fingerprint: bytes
    """Of the body as it was sent."""
    idempotency_key: str | None = None
    asked: bytes = b""
    """Of what the body asks for; only needed together with a key."""
    is_retry: bool = False
    """An SDK says that it sends the request once more, and gave it no key."""
    may_be_retried: bool = False
    """It comes from an SDK that would say so."""
    first_sent_within: timedelta = RETRIED_WITHIN
    """How long ago the first attempt of a retry was sent, at most: a task from before is another wish's."""

    @classmethod
    def under(cls, idempotency_key: str, body: Mapping[str, Any]) -> "Repetition":
        """Of a request that came with a key."""
        return cls(fingerprint(body), idempotency_key, asked=_fingerprint_of_request(body))


@dataclass(frozen=True)
class Earlier:
    """What is known of requests that came before: an answer under the key, and tasks of the same body."""

    asked: bytes | None = None
    """Fingerprint of what was asked for under the key."""
    answer: str | None = None
    twins: Sequence[UUID] = ()
    """Two at most."""
    refused_at: datetime | None = None
    """When that body was last refused."""

    def answer_for(self, repetition: Repetition) -> str | None:
        """The answer given under the key. Raises `IdempotencyKeyReused` where it was another request's."""
        # Keys of an earlier release are kept with the fingerprint of the body.
        if self.asked is not None and bytes(self.asked) not in (repetition.asked, repetition.fingerprint):
            raise IdempotencyKeyReused("This Idempotency-Key was used with another body")
        return self.answer

    def only_twin(self) -> UUID | None:
        """The one task a retry must mean: it is alone, and the body was not refused after it was made.

        A client that was refused since, or that made several, means a task of its own. Tasks from before its
        first attempt are none of these.
        """
        if len(self.twins) != 1:
            return None
        [twin] = self.twins
        return None if self.refused_at and self.refused_at >= made_at(twin) else twin


def first_sent_within(retries: int, timeout: timedelta | None) -> timedelta:
    """How long ago an SDK first sent what it has sent again so often; `timeout` is what it waits."""
    attempts = min(retries, RETRIED_WITHIN // LONGEST_PAUSE)
    return min(attempts * ((timeout or USUAL_TIMEOUT) + LONGEST_PAUSE), RETRIED_WITHIN)


def fingerprint(body: Mapping[str, Any]) -> bytes:
    """Of a body as it was sent, but for the order of its fields: an SDK repeats it to the letter."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode()).digest()


def _fingerprint_of_request(body: Mapping[str, Any]) -> bytes:
    """Of what a body asks for, whatever its spelling; of the body as it was sent where it breaks a rule."""
    try:
        return fingerprint({**parse(body).meaning(), "others": without_a_meaning(body)})
    except InvalidRequestError:
        return fingerprint(body)


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
