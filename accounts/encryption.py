"""Secrets at rest: encrypted in the database, in clear only where they are used."""

from functools import lru_cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


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
        try:
            return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise UndecryptableError(f"{self.name} was encrypted with a key that is gone") from error


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
