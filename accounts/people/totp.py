"""The second factor: single-use codes from an authenticator app (TOTP).

A new device has no effect until a first code confirms it.
"""

from django.db import transaction
from django.db.models import QuerySet
from django_otp import verify_token

from accounts.models import Authenticator, User


def of(person: User) -> Authenticator | None:
    """The confirmed device; None if the password is enough to log in."""
    device: Authenticator | None = _devices(person, confirmed=True).first()
    return device


def pending(person: User) -> Authenticator | None:
    """The device that waits for its first code, if any."""
    device: Authenticator | None = _devices(person, confirmed=False).first()
    return device


@transaction.atomic
def begin(person: User) -> Authenticator:
    """Create a device with a new secret, in place of any other that waits for its first code."""
    _devices(person, confirmed=False).delete()
    device: Authenticator = Authenticator.objects.create(user=person, name="app", confirmed=False)
    return device


@transaction.atomic
def confirm(person: User, code: str) -> Authenticator | None:
    """Make the pending device the person's only one if the code is right, else return None."""
    waiting = pending(person)
    device = waiting and verify_token(person, waiting.persistent_id, code)
    if device is None:
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    Authenticator.objects.filter(user=person).exclude(pk=device.pk).delete()
    confirmed: Authenticator = Authenticator.objects.get(pk=device.pk)
    return confirmed


def is_right(person: User, code: str) -> Authenticator | None:
    """The device if the code is right and was not used before, else None.

    Each wrong code locks the device, for a longer time after every further failure.
    """
    device = of(person)
    verified: Authenticator | None = device and verify_token(person, device.persistent_id, code)
    return verified


def turn_off(person: User) -> None:
    """Remove the second factor."""
    Authenticator.objects.filter(user=person).delete()


def secret(device: Authenticator) -> str:
    """The secret in groups of four, to type into the app instead of scanning the QR code."""
    text = device.secret_text
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _devices(person: User, *, confirmed: bool) -> QuerySet[Authenticator]:
    devices: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, confirmed=confirmed)
    return devices.order_by("-pk")
