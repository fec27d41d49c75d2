"""Access to tenants' own buckets, with what the tenants allow: a key pair, or a role."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.encryption import UndecryptableError
from accounts.models import CosBucket
from config import stores
from config.stores import Credentials
from config.stores.base import Denied, Store

AssumeRole = Callable[[str], Credentials]
"""Gets temporary keys of a role. Raises `StoreError`."""


def store_of(tenant_id: UUID, bucket: str, region: str) -> Store | None:
    """A bucket as a store; None if the tenant lets us read none. Raises `StoreError`.

    The credentials are those that the tenant has set now, also if the video went to an earlier bucket.
    """
    return opened(settings_of(tenant_id), bucket, region)


def settings_of(tenant_id: UUID) -> CosBucket | None:
    """What the tenant has set, with its secret key. Raises `Denied` if that cannot be decrypted."""
    try:
        return CosBucket.objects.filter(tenant=tenant_id).first()
    except UndecryptableError as error:
        raise Denied("the secret key of the tenant's bucket cannot be decrypted") from error


def opened(own: CosBucket | None, bucket: str, region: str) -> Store | None:
    """The bucket with the credentials of those settings; None if they have none. Raises `StoreError`.

    May call upstream for the keys of a role, so the worker does not call it in a database thread.
    """
    credentials = _credentials(own) if own is not None else None
    if credentials is None:
        return None
    return stores.kept_store(settings.BUCKET_URL.format(bucket=bucket, region=region), credentials)


def is_allowed(tenant_id: UUID) -> bool:
    """Whether the tenant has given a key pair or a role, which may not work."""
    own = CosBucket.objects.filter(tenant=tenant_id).defer("secret_key").first()
    return own is not None and bool(own.secret_id or own.role_arn)


def _credentials(own: CosBucket) -> Credentials | None:
    if own.secret_id and own.secret_key:
        return Credentials(own.secret_id, own.secret_key)
    if own.role_arn:
        assume: AssumeRole = import_string(settings.ASSUME_ROLE)
        return assume(own.role_arn)
    return None
