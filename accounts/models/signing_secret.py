"""The secret keys of key pairs, which verifying a signature needs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.encryption import EncryptedTextField


class SigningSecret(models.Model):
    """The secret key of a key pair, encrypted at rest.

    Not a column of the key, because every look-up of a key by its text loads all columns.
    """

    key = models.OneToOneField(
        "accounts.APIKey",
        verbose_name=_("API key"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="signing_secret",
    )
    secret = EncryptedTextField(verbose_name=_("secret key"), editable=False)

    class Meta:
        verbose_name = _("secret of a key pair")
        verbose_name_plural = _("secrets of key pairs")

    def __str__(self) -> str:
        return f"of key {self.key_id}"
