"""How the state of a key is told to people: which word, which chip. The one home of both."""

from datetime import datetime
from enum import Enum

from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Purpose
from config.web.badges import BAD, GOOD, NEUTRAL, WARN, chip


class KeyState(Enum):
    """What may be expected of a key, with the word and the look of its chip."""

    WORKS = (_("Works"), GOOD)
    ENDS = (_("Works, with an end"), GOOD)
    LEAVES = (_("Replaced, works on for now"), WARN)
    REPLACED = (_("Replaced"), NEUTRAL)
    EXPIRED = (_("Expired"), NEUTRAL)
    REVOKED = (_("Revoked"), BAD)

    @property
    def is_over(self) -> bool:
        """Whether it works no more."""
        return self in (KeyState.REPLACED, KeyState.EXPIRED, KeyState.REVOKED)


def state_of(key: APIKey, now: datetime) -> KeyState:
    """The key's state, whether or not its tenant is suspended."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.replaced_by_id is not None:
        return KeyState.REPLACED if key.is_expired(now) else KeyState.LEAVES
    if key.expires_at is None:
        return KeyState.WORKS
    return KeyState.EXPIRED if key.is_expired(now) else KeyState.ENDS


def chip_of(state: KeyState) -> SafeString:
    """The state as a chip."""
    return chip(*state.value)


def key_name(key: APIKey) -> str:
    """What the key is called."""
    return name_of(key.purpose, key.name)


def name_of(purpose: str, name: str) -> str:
    """What a key is called: by the name it was given, or whose it is, where it stands for people."""
    is_of_program = purpose == Purpose.PROGRAM
    return name if is_of_program else str(capfirst(Purpose(purpose).label))
