"""How a second factor is checked: like a password, so that the throttle of log-ins counts it."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.people import totp


class CodeBackend:
    """Knows a person by name and a code of theirs; to be asked only after the password was right."""

    def authenticate(self, request: HttpRequest | None, username: str, otp_token: str) -> User | None:
        """The person, with the device that was checked; None where it is not the code."""
        person: Any = User.objects.filter(username=username, is_active=True).first()
        device = person and totp.is_right(person, otp_token)
        if not device:
            return None
        person.otp_device = device
        found: User = person
        return found
