"""The staff console's pages about tenants, keys and people; importing registers them."""

from accounts import admin_audit, admin_invitations, admin_keys, admin_people, admin_tenants

__all__ = ["admin_audit", "admin_invitations", "admin_keys", "admin_people", "admin_tenants"]
