"""The tables of who is asking, and what they may have."""

from accounts.models.api_key import APIKey, Scope
from accounts.models.cos_bucket import CosBucket
from accounts.models.quota import Quota, Standing, WhenFull
from accounts.models.staff_change import StaffChange
from accounts.models.tenant import Membership, Role, Tenant, User

__all__ = [
    "APIKey",
    "CosBucket",
    "Membership",
    "Quota",
    "Role",
    "Scope",
    "StaffChange",
    "Standing",
    "Tenant",
    "User",
    "WhenFull",
]
