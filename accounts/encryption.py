"""Secrets at rest: encrypted in the database, in clear only where they are used."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.functions import Cast


class UndecryptableError(Exception):
    """A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds."""


_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")


class EncryptedTextField(models.TextField[_SetType, _GetType]):
    """Text that PostgreSQL only ever sees encrypted, with the first of `ENCRYPTION_KEYS`."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        return (
            None
            if value is None
            else _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(value.encode()).decode()
        )

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """Decrypt on the way out. Raises `UndecryptableError`, which names no secret."""
        if value is None:
            return None
        secret = _decrypted(value)
        if secret is None:
            raise UndecryptableError(f"{self.name} was encrypted with a key that is gone")
        return secret


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


@dataclass
class Turned:
    """What became of the secrets of a column: encrypted anew, there already, and with a key that is gone."""

    column: str
    anew: int = 0
    already: int = 0
    unreadable: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    """All columns with secrets, by model and name of the field."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def reencrypt(model: type[models.Model], name: str) -> Turned:
    """Encrypt each secret of a column with the first of `ENCRYPTION_KEYS` that is not yet.

    Each row is written for itself and only if nobody changed it meanwhile: cut off, or beside everything else
    at work, it can be run again, and does what is left.
    """
    turned = Turned(f"{model._meta.label}.{name}")
    stored = Cast(name, models.TextField())
    rows = model._base_manager.filter(**{f"{name}__isnull": False}).annotate(stored=stored)
    for key, text in rows.order_by("pk").values_list("pk", "stored").iterator():
        if _is_of_first_key(text):
            turned.already += 1
        elif (secret := _decrypted(text)) is None:
            turned.unreadable += 1
        else:
            turned.anew += rows.filter(pk=key, stored=text).update(**{name: secret})
    return turned


def _is_of_first_key(text: str) -> bool:
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(text.encode())
    except InvalidToken:
        return False
    return True


def _decrypted(text: str) -> str | None:
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(text.encode()).decode()
    except InvalidToken:
        return None
