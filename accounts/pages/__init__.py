"""Forms and helpers for keys, buckets and invitations, shared by the portal and the console."""
