"""Checks the second factor in an authentication backend, so that failures count toward the lockout."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Authenticator, User
from accounts.people import recovery, totp


class CodeBackend:
    """Authenticates by user name and a code of the app or for recovery, once the password was verified."""

    def authenticate(self, request: HttpRequest | None, username: str, otp_token: str) -> User | None:
        """Returns the person with `otp_device` set, or None if the code is wrong."""
        person: Any = User.objects.filter(username=username, is_active=True).first()
        device = person and _device(request, person, otp_token)
        if not device:
            return None
        person.otp_device = device
        found: User = person
        return found


def _device(request: HttpRequest | None, person: User, code: str) -> Authenticator | None:
    """The person's device if the code is right; uses up a recovery code."""
    if request is not None and recovery.is_code(code):
        return recovery.use(request, person, code, timezone.now())
    return totp.is_right(person, code)
