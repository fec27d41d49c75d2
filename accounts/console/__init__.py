"""Pages of the staff console about tenants, people and keys."""
