"""The states of an API key as pages show them, label and chip, and the keys of a tenant in them."""

from datetime import datetime
from enum import Enum

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Membership, Purpose, Tenant
from config.web.badges import BAD, GOOD, NEUTRAL, WARN, chip


class KeyState(Enum):
    """The state of a key, with the label and style of its chip."""

    WORKS = (_("Active"), GOOD)
    ENDS = (_("Active, expires"), GOOD)
    LEAVES = (_("Replaced, still active"), WARN)
    REPLACED = (_("Replaced"), NEUTRAL)
    EXPIRED = (_("Expired"), NEUTRAL)
    REVOKED = (_("Revoked"), BAD)

    @property
    def is_over(self) -> bool:
        """Whether the key has stopped working."""
        return self in (KeyState.REPLACED, KeyState.EXPIRED, KeyState.REVOKED)


def state_of(key: APIKey, now: datetime) -> KeyState:
    """The key's own state, which a suspended tenant does not change."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.replaced_by_id is not None:
        return KeyState.REPLACED if key.is_expired(now) else KeyState.LEAVES
    if key.expires_at is None:
        return KeyState.WORKS
    return KeyState.EXPIRED if key.is_expired(now) else KeyState.ENDS


def chip_of(state: KeyState) -> SafeString:
    """Render the state as a chip."""
    return chip(*state.value)


_DATED = {
    KeyState.ENDS: _("Active, expires %(day)s"),
    KeyState.LEAVES: _("Replaced, active until %(day)s"),
    KeyState.EXPIRED: _("Expired %(day)s"),
    KeyState.REVOKED: _("Revoked %(day)s"),
}


def dated_chip(key: APIKey, now: datetime) -> SafeString:
    """The key's state with the day it ends or ended on, as a chip."""
    state = state_of(key, now)
    plain, look = state.value
    moment = key.revoked_at or key.expires_at
    if state not in _DATED or moment is None:
        return chip(plain, look)
    return chip(_DATED[state] % {"day": f"{timezone.localtime(moment):%Y-%m-%d}"}, look)


def key_name(key: APIKey) -> str:
    """The key's display name, see `name_of`."""
    return name_of(key.purpose, key.name)


def name_of(purpose: str, name: str) -> str:
    """The name a program's key was given; for other keys the label of their purpose."""
    return name if purpose == Purpose.PROGRAM else str(capfirst(Purpose(purpose).label))


def keys_of(tenant: Tenant) -> QuerySet[APIKey]:
    """The keys of the tenant's programs."""
    return APIKey.objects.of_programs().filter(tenant=tenant)


def active_keys(tenant: Tenant, now: datetime) -> QuerySet[APIKey]:
    """The keys of the tenant's programs that work."""
    return keys_of(tenant).exclude(has_ended(now))


def left_keys(tenant: Tenant, now: datetime) -> QuerySet[APIKey]:
    """The working keys that former members made, newest first per person; excludes keys made by staff."""
    members = Membership.objects.filter(tenant=tenant).values("user")
    made = active_keys(tenant, now).exclude(made_by_name="")
    left = made.exclude(made_by__in=members).exclude(made_by__is_staff=True)
    return left.order_by("made_by_name", "-pk")


def has_ended(now: datetime) -> Q:
    """Filters keys that no longer work."""
    return Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
