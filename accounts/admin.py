"""The staff console's pages about tenants, keys and people; importing registers them."""

from accounts.console import changes, invitations, keys, people, tenants

__all__ = ["changes", "invitations", "keys", "people", "tenants"]
