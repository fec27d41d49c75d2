"""Tenants' roles, assumed with the platform's key pair: `ASSUME_ROLE`."""

from functools import lru_cache

from django.conf import settings

from config.stores import Credentials
from videos.upstream.tencent.roles import Roles
from videos.upstream.tencent.signing import Credential


def assume(role_arn: str) -> Credentials:
    """Temporary keys of the role. Raises `StoreError`."""
    return _roles(settings.STS_SECRET_ID, settings.STS_SECRET_KEY, settings.STS_ENDPOINT).assume(role_arn)


@lru_cache(maxsize=4)
def _roles(secret_id: str, secret_key: str, endpoint: str) -> Roles:
    return Roles(Credential(secret_id, secret_key), endpoint)
