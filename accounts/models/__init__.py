"""The tables of who is asking."""

from accounts.models.api_key import APIKey, Scope
from accounts.models.tenant import Membership, Role, Tenant, User

__all__ = ["APIKey", "Membership", "Role", "Scope", "Tenant", "User"]
