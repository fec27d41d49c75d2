"""The check of a cloud provider's key pair."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NOT_A_CREDENTIAL = _("Only ASCII letters, digits and signs without spaces fit. Copy it once more.")
_CREDENTIAL = re.compile("[!-~]+")


def validate_credential(text: str) -> None:
    """Raise `ValidationError` for text that no header or link can carry."""
    if not _CREDENTIAL.fullmatch(text):
        raise ValidationError(NOT_A_CREDENTIAL)
