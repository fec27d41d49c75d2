"""Checks the second factor in an authentication backend, so that failures count toward the lockout."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.people import totp


class CodeBackend:
    """Authenticates by user name and TOTP code; call it only after the password was verified."""

    def authenticate(self, request: HttpRequest | None, username: str, otp_token: str) -> User | None:
        """Returns the person with `otp_device` set, or None if the code is wrong."""
        person: Any = User.objects.filter(username=username, is_active=True).first()
        device = person and totp.is_right(person, otp_token)
        if not device:
            return None
        person.otp_device = device
        found: User = person
        return found
