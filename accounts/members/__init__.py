"""Who belongs to a tenant: places given, invitations, the last owner."""
