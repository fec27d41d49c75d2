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
    try:
        settings_ = CosBucket.objects.filter(tenant=tenant_id).first()
    except UndecryptableError as error:
        raise Denied(f"the secret key of the bucket {bucket} cannot be decrypted") from error
    return opened(settings_, bucket, region) if settings_ is not None else None


def opened(own: CosBucket, bucket: str, region: str) -> Store | None:
    """The bucket with the credentials of those settings; None if they have none. Raises `StoreError`."""
    credentials = _credentials(own)
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
