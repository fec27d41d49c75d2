"""The members of a tenant: roles, invitations, and the rule that an owner remains."""
