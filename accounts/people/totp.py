"""The second factor of a person: codes of an authenticator app (TOTP), each good once.

A device is confirmed by a first code; until then it changes nothing.
"""

from django.db import transaction
from django.db.models import QuerySet
from django_otp import verify_token

from accounts.models import Authenticator, User


def of(person: User) -> Authenticator | None:
    """The device whose codes the log-in asks for; None where the password is enough."""
    device: Authenticator | None = _devices(person, confirmed=True).first()
    return device


def pending(person: User) -> Authenticator | None:
    """The device that waits for its first code."""
    device: Authenticator | None = _devices(person, confirmed=False).first()
    return device


@transaction.atomic
def begin(person: User) -> Authenticator:
    """A new device with a secret of its own, in place of any other that waits for its first code."""
    _devices(person, confirmed=False).delete()
    device: Authenticator = Authenticator.objects.create(user=person, name="app", confirmed=False)
    return device


@transaction.atomic
def confirm(person: User, code: str) -> Authenticator | None:
    """Ask for its codes from now on, if the code is one; else None. A person has one device."""
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
    """The device, if the code is one of its and was not used before.

    After each wrong one it takes none for a while, which gets longer and longer.
    """
    device = of(person)
    verified: Authenticator | None = device and verify_token(person, device.persistent_id, code)
    return verified


def turn_off(person: User) -> None:
    """Ask for no codes any more."""
    Authenticator.objects.filter(user=person).delete()


def secret(device: Authenticator) -> str:
    """What a person types into the app who cannot take a picture, in groups of four."""
    text = device.secret_text
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _devices(person: User, *, confirmed: bool) -> QuerySet[Authenticator]:
    devices: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, confirmed=confirmed)
    return devices.order_by("-pk")
