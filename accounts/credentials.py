"""The check of a cloud provider's key pair."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NOT_A_CREDENTIAL = _("Use only ASCII letters, digits and symbols, without spaces. Copy it again.")
_CREDENTIAL = re.compile("[!-~]+")


def validate_credential(text: str) -> None:
    """Raise `ValidationError` for text that no header or link can carry."""
    if not _CREDENTIAL.fullmatch(text):
        raise ValidationError(NOT_A_CREDENTIAL)
