"""The tables of who is asking, and what they may have."""

from accounts.models.api_key import APIKey, Purpose, Scope
from accounts.models.cos_bucket import CosBucket
from accounts.models.invitation import Invitation
from accounts.models.quota import Quota, Standing, WhenFull
from accounts.models.staff_change import StaffChange
from accounts.models.tenant import Membership, Role, Tenant, User

__all__ = [
    "APIKey",
    "CosBucket",
    "Invitation",
    "Membership",
    "Purpose",
    "Quota",
    "Role",
    "Scope",
    "StaffChange",
    "Standing",
    "Tenant",
    "User",
    "WhenFull",
]
