"""Recovery codes, for a person who lost the authenticator app."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.authenticator import Authenticator


class RecoveryCode(models.Model):
    """A single-use code that is accepted in place of a code of the app; only its digest is stored.

    It is deleted with the device, whoever removes that.
    """

    device = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = [
            # A code is stored once, so that it cannot be used twice; also finds it.
            models.UniqueConstraint(fields=["device", "digest"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.device_id}"
