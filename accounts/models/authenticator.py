"""The second factor of a person: an authenticator app (TOTP, RFC 6238), with its secret encrypted."""

import time
from base64 import b32encode
from binascii import unhexlify
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP
from django_otp.util import random_hex

from accounts.encryption import EncryptedTextField

STEP, DIGITS = 30, 6
"""Seconds that a code lasts, and its length; all apps support these."""
TOLERANCE = 1
"""How many codes before and after the current one are accepted."""
_SECRET_BYTES = 20

clock = time.time
"""Unix seconds."""


def new_secret() -> str:
    """Random bytes, in hexadecimal digits."""
    return str(random_hex(_SECRET_BYTES))


class AuthenticatorManager(DeviceManager):  # type: ignore[misc]  # the package is untyped
    """Reads no secret until a code is checked: pages open even if the encryption key is lost."""

    def get_queryset(self) -> Any:
        return super().get_queryset().defer("key")


class Authenticator(TimestampMixin, ThrottlingMixin, Device):  # type: ignore[misc]  # likewise
    """An authenticator app. No code is required until its first one was right."""

    key = EncryptedTextField(verbose_name=_("secret"), default=new_secret, editable=False)
    drift = models.SmallIntegerField(default=0, help_text="Codes that its clock is ahead of ours.")
    last_t = models.BigIntegerField(default=-1, help_text="The step of the last right code: none works twice")

    objects = AuthenticatorManager()

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def verify_token(self, token: str) -> bool:
        """Whether the code is current and unused; after a wrong one, all are refused for a while."""
        allowed, _why = self.verify_is_allowed()
        if not allowed:
            return False
        totp = TOTP(self.secret_bytes, STEP, digits=DIGITS, drift=self.drift)
        totp.time = clock()
        if not (token.isascii() and token.isdigit() and totp.verify(int(token), TOLERANCE, self.last_t + 1)):
            self.throttle_increment()
            return False
        self.last_t, self.drift = totp.t(), totp.drift
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> float:
        """Seconds to wait after the first wrong code; each further one doubles them."""
        return 1.0

    @property
    def secret_bytes(self) -> bytes:
        return unhexlify(self.key)

    @property
    def secret_text(self) -> str:
        """The secret in base32, as apps accept it."""
        return b32encode(self.secret_bytes).decode().rstrip("=")

    @property
    def address(self) -> str:
        """The `otpauth:` URL in the QR code."""
        issuer = settings.OTP_TOTP_ISSUER
        codes = {"algorithm": "SHA1", "digits": DIGITS, "period": STEP}
        query = urlencode({"secret": self.secret_text, **codes, "issuer": issuer})
        return f"otpauth://totp/{quote(issuer)}:{quote(self.user.get_username())}?{query}"
