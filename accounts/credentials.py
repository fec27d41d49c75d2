"""What a key pair of a cloud provider can be."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NOT_A_CREDENTIAL = _("Only ASCII letters, digits and signs without spaces fit. Copy it once more.")
_CREDENTIAL = re.compile("[!-~]+")


def validate_credential(text: str) -> None:
    """Raise `ValidationError` for what no header and no link can carry."""
    if not _CREDENTIAL.fullmatch(text):
        raise ValidationError(NOT_A_CREDENTIAL)
