"""Secrets at rest: encrypted in the database, decrypted when they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Cast


class UndecryptableError(Exception):
    """A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds."""


_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")


class EncryptedTextField(models.TextField[_SetType, _GetType]):
    """Text that is stored encrypted with the first of `ENCRYPTION_KEYS`."""

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(value.encode()).decode()

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """Decrypt it. Raises `UndecryptableError`, whose message contains no secret."""
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
class ReencryptionResult:
    """How many secrets of a column were re-encrypted, up to date already, and undecryptable."""

    column: str
    anew: int = 0
    already: int = 0
    unreadable: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    """All columns with secrets, as model and field name."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def reencrypt(model: type[models.Model], name: str) -> ReencryptionResult:
    """Encrypt with the first of `ENCRYPTION_KEYS` each secret of a column that is not yet.

    Each row is updated by itself, and only if nobody changed it meanwhile: it is safe beside running
    processes, and can be run again after an interruption.
    """
    turned = ReencryptionResult(f"{model._meta.label}.{name}")
    stored = Cast(name, models.TextField())
    rows = model._base_manager.filter(**{f"{name}__isnull": False}).annotate(stored=stored)
    for key, text in rows.order_by("pk").values_list("pk", "stored").iterator():
        if _is_of_first_key(text):
            turned.already += 1
        elif (secret := _decrypted(text)) is None:
            turned.unreadable += 1
        else:
            with _reencrypting():
                turned.anew += rows.filter(pk=key, stored=text).update(**{name: secret})
    return turned


@contextmanager
def _reencrypting() -> Iterator[None]:
    """Tells triggers that a secret which is written stays the same: a bucket needs no new check."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL reelay.reencrypts = 'on'")
        yield
        cursor.execute("SET LOCAL reelay.reencrypts = 'off'")  # in tests, the transaction goes on


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
